import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaEnvironment } from '../../src/env/environment.ts';
import type { Connection } from '../../src/env/transport.ts';
import { Scheduler } from '../kernel/scheduler.ts';
import { RandomStreams } from '../kernel/streams.ts';
import { Trace } from '../kernel/trace.ts';
import { drawClock, drawSwarm } from '../nemesis/swarm.ts';
import { Network } from '../network/network.ts';
import { Machine, type RunningProcess } from './machine.ts';

/** Appends what it is sent to a file and echoes it once it is on disk. */
class LoggingEcho implements RunningProcess {
  readonly found: string;
  constructor(found: string) {
    this.found = found;
  }

  static async open(environment: ReplicaEnvironment): Promise<LoggingEcho> {
    const { disk, transport } = environment;
    await disk.makeDirectory('data');
    const file = await disk.open('data/log', 'append');
    await disk.syncDirectory('data');
    const found = new Uint8Array(file.size);
    await file.read(0, found);
    const waiting: { bytes: Uint8Array; connection: Connection }[] = [];
    let isAppending = false;
    const appendNext = (): void => {
      const next = waiting.shift();
      if (next === undefined || isAppending) return;
      isAppending = true;
      file.append(next.bytes, true, (error) => {
        assert.equal(error, null);
        isAppending = false;
        next.connection.write(next.bytes.slice());
        appendNext();
      });
    };
    await transport.listen({ host: 'echo', port: 7 }, () => ({
      onOpen: () => {},
      onData: (connection, bytes) => {
        waiting.push({ bytes: bytes.slice(), connection });
        if (!isAppending) appendNext();
      },
      onDrain: () => {},
      onClose: () => {},
    }));
    return new LoggingEcho(String.fromCharCode(...found));
  }

  async close(): Promise<void> {}
}

/** Sends one letter at a time over and over; keeps the letters that came back. */
class Sender implements RunningProcess {
  echoed: string = '';
  static async open(environment: ReplicaEnvironment): Promise<Sender> {
    const sender = new Sender();
    const { transport, timers } = environment;
    let sent = 0;
    const connect = (): void => {
      transport.connect(
        { host: 'echo', port: 7 },
        {
          onOpen: (connection) => {
            const next = (): void => {
              connection.write(Uint8Array.of(97 + (sent++ % 26)));
              if (sent < 10_000) timers.after(1, next);
            };
            next();
          },
          onData: (_, bytes) => {
            sender.echoed += String.fromCharCode(...bytes);
          },
          onDrain: () => {},
          onClose: () => timers.after(50, connect),
        },
      );
    };
    connect();
    return sender;
  }

  async close(): Promise<void> {}
}

async function runEcho(seed: number): Promise<{ hash: string; echoed: string; found: string }> {
  const scheduler = new Scheduler(new Trace(0), (_, error) => {
    throw error;
  });
  const streams = new RandomStreams(seed);
  const random = streams.of('swarm');
  const network = new Network(scheduler, streams.of('network'), drawSwarm(random).network);
  const events = {
    onBatchApplied: (): void => {},
    onStarted: (): void => {},
    onErrorLog: (): void => assert.fail('no errors are logged'),
    onStartFailed: (_: string, error: unknown): void => {
      throw error;
    },
  };
  const world = { scheduler, network, streams, events };
  const traits = {
    clock: drawClock(random),
    syncMsMean: 2,
    blockFraction: 0,
    slowReadFraction: 0,
  };
  const echo = new Machine('echo', 0, world, traits, LoggingEcho.open);
  const sender = new Machine('sender', 1, world, traits, Sender.open);
  echo.start();
  sender.start();
  await scheduler.run(2_000_000);
  assert.ok(echo.process !== null && sender.process !== null);
  echo.powerOff();
  const { echoed } = sender.process;
  await scheduler.run(2_500_000);
  echo.start();
  await scheduler.run(3_000_000);
  return { hash: scheduler.trace.hash(), echoed, found: echo.process?.found ?? '' };
}

test('what a process promised after a sync survives a power loss, and every seed repeats itself', async () => {
  let longer = 0;
  for (let seed = 0; seed < 10; seed++) {
    const first = await runEcho(seed);
    assert.ok(first.echoed.length > 20, `${first.echoed.length}`);
    assert.ok(first.found.startsWith(first.echoed), 'acknowledged bytes are a prefix of the file');
    if (first.found.length > first.echoed.length) longer += 1;
    assert.deepEqual(await runEcho(seed), first);
  }
  assert.ok(longer > 0, 'sometimes more than was promised is there');
});

test('a process that is killed inside a call has no effect after that point', async () => {
  const failures: unknown[] = [];
  const scheduler = new Scheduler(new Trace(0), (_, error) => failures.push(error));
  const streams = new RandomStreams(1);
  const network = new Network(
    scheduler,
    streams.of('network'),
    drawSwarm(streams.of('swarm')).network,
  );
  const events = {
    onBatchApplied: (): void => {},
    onStarted: (): void => {},
    onErrorLog: (): void => assert.fail('the dead log nothing'),
    onStartFailed: (_: string, error: unknown): void => {
      throw error;
    },
  };
  const log: string[] = [];
  let lives = 0;
  const boot = async ({
    disk,
    timers,
    transport,
    logger,
  }: ReplicaEnvironment): Promise<RunningProcess> => {
    lives += 1;
    const file = await disk.open('log', 'append');
    log.push(`life ${lives} finds ${file.size} bytes`);
    if (lives > 1) return { close: async () => {} };
    timers.after(10, () => {
      timers.defer(() => log.push('deferred before'));
      file.append(Uint8Array.of(1), false, () => log.push('appended'));
      victim.kill();
      timers.defer(() => log.push('deferred after'));
      timers.after(1, () => log.push('timer'));
      file.append(Uint8Array.of(2, 3), true, () => log.push('appended after'));
      void disk.remove('log').then(() => log.push('removed'));
      void Promise.resolve().then(() => disk.open('other', 'create'));
      const ignore = { onOpen: () => {}, onData: () => {}, onDrain: () => {}, onClose: () => {} };
      transport.connect({ host: 'victim', port: 7 }, ignore).write(Uint8Array.of(1));
      logger.error('from beyond');
      throw new Error('from beyond');
    });
    return { close: async () => {} };
  };
  const traits = {
    clock: { rate: 1, monotonicOffsetMs: 0, timerLateUsMax: 0 },
    syncMsMean: 1,
    blockFraction: 0,
    slowReadFraction: 0,
  };
  const victim = new Machine('victim', 0, { scheduler, network, streams, events }, traits, boot);
  victim.start();
  await scheduler.run(20_000);
  victim.start();
  await scheduler.run(100_000);
  assert.deepEqual(log, ['life 1 finds 0 bytes', 'life 2 finds 1 bytes']);
  let found: string[] = [];
  void victim.disk.list('').then((entries) => {
    found = entries.map(({ name }) => name);
  });
  await scheduler.run(200_000);
  assert.deepEqual(found, ['log']);
  assert.deepEqual(failures, []);
});

test('another boot is told from another process', async () => {
  const scheduler = new Scheduler(new Trace(0), (_, error) => {
    throw error;
  });
  const events = {
    onBatchApplied: (): void => {},
    onStarted: (): void => {},
    onErrorLog: (): void => {},
    onStartFailed: (_: string, error: unknown): void => {
      throw error;
    },
  };
  const traits = {
    clock: { rate: 1, monotonicOffsetMs: 0, timerLateUsMax: 0 },
    syncMsMean: 1,
    blockFraction: 0,
    slowReadFraction: 0,
  };
  let silent = 0;
  for (let seed = 0; seed < 20; seed++) {
    const streams = new RandomStreams(seed);
    const swarm = drawSwarm(streams.of('swarm'));
    const network = new Network(scheduler, streams.of('network'), swarm.network);
    const boots: (string | undefined)[] = [];
    const boot = async ({ bootId }: ReplicaEnvironment): Promise<RunningProcess> => {
      boots.push(bootId);
      return { close: async () => {} };
    };
    const world = { scheduler, network, streams, events };
    const machine = new Machine('machine', 0, world, traits, boot);
    for (const die of [() => machine.kill(), () => machine.powerOff(), () => machine.kill()]) {
      machine.start();
      await scheduler.run(scheduler.nowUs + 1000);
      die();
    }
    const [first, second, third] = boots;
    if (first === undefined) silent += 1;
    assert.equal(second, first, 'it was killed');
    assert.equal(third === second, third === undefined, 'its power was cut');
  }
  assert.ok(silent > 0 && silent < 20, 'some machines do not tell');
});
