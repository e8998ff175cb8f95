/**
 * What an append to the mutation log costs: `node --import tsx bench/log.ts [--seconds S] [--dir DIR]`.
 *
 * Groups of 1, 16 and 256 records with bodies of 100 bytes; the next group is appended when all of the last one are
 * acknowledged. `os` leaves syncing to the background, `fsync` waits for the disk. Processor time is that of the
 * whole process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeClock } from '../src/adapters/node/clock.ts';
import { NodeDisk } from '../src/adapters/node/disk.ts';
import { PinoLogger } from '../src/adapters/node/logger.ts';
import { createNodeRandom } from '../src/adapters/node/random.ts';
import { NodeTimers } from '../src/adapters/node/timers.ts';
import { Mutation, sealDigest } from '../src/consensus/mutation.ts';
import type { DiskError } from '../src/env/disk.ts';
import type { Ballot, Decree } from '../src/model/identity.ts';
import { gpidOf } from '../src/model/identity.ts';
import { type LogOwner, MutationLog } from '../src/storage/log/mutation-log.ts';

const BODY_BYTES = 100;
const PARTITIONS = 8;

interface Result {
  readonly durability: 'os' | 'fsync';
  readonly recordsPerGroup: number;
  readonly recordsPerSecond: number;
  readonly groupsPerSecond: number;
  readonly cpuMicrosPerRecord: number;
  readonly groupMsP50: number;
  readonly groupMsP99: number;
}

class Load implements LogOwner {
  readonly #log: MutationLog;
  readonly #durable: boolean;
  readonly #groupSize: number;
  readonly #gpids = Array.from({ length: PARTITIONS }, (_, index) => gpidOf(1, index));
  readonly #decrees = new Array<number>(PARTITIONS).fill(0);
  readonly #latencies: number[] = [];
  #endMs = 0;
  #startedMs = 0;
  #outstanding = 0;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(log: MutationLog, durable: boolean, groupSize: number) {
    this.#log = log;
    this.#durable = durable;
    this.#groupSize = groupSize;
  }

  /** Returns the time that each group took. */
  async run(seconds: number): Promise<readonly number[]> {
    this.#endMs = performance.now() + seconds * 1_000;
    this.#latencies.length = 0;
    await new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#appendGroup();
    });
    return this.#latencies;
  }

  onLogAppended(): void {
    this.#outstanding -= 1;
    if (this.#outstanding > 0) return;
    const nowMs = performance.now();
    this.#latencies.push(nowMs - this.#startedMs);
    if (nowMs < this.#endMs) this.#appendGroup();
    else this.#resolve();
  }

  onLogFailed(error: DiskError): void {
    this.#reject(error);
  }

  #appendGroup(): void {
    this.#startedMs = performance.now();
    this.#outstanding = this.#groupSize;
    for (let index = 0; index < this.#groupSize; index++) {
      const partition = index % PARTITIONS;
      const decree = this.#decrees[partition]! + 1;
      this.#decrees[partition] = decree;
      this.#log.append(this.#mutation(partition, decree), this, this.#durable);
    }
  }

  /** Made per record, as a secondary makes them; the digest is part of what a record costs. */
  #mutation(partition: number, decree: number): Mutation {
    const body = new Uint8Array(BODY_BYTES);
    const digest = sealDigest(0, decree, body);
    return new Mutation(
      this.#gpids[partition]!,
      1 as Ballot,
      decree as Decree,
      (decree - 1) as Decree,
      decree,
      0,
      digest,
      body,
    );
  }
}

async function measure(
  folder: string,
  durability: 'os' | 'fsync',
  recordsPerGroup: number,
  seconds: number,
): Promise<Result> {
  const clock = new NodeClock();
  const timers = new NodeTimers(clock);
  const logger = new PinoLogger({ level: 'warn', bindings: {} });
  const environment = {
    disk: new NodeDisk(folder),
    timers,
    clock,
    random: createNodeRandom(),
    logger,
  };
  const log = new MutationLog(environment, `${durability}-${recordsPerGroup}`);
  await log.replay({ onMutation: () => {}, onTruncated: () => {}, onReset: () => {} });
  const load = new Load(log, durability === 'fsync', recordsPerGroup);
  await load.run(seconds / 4);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const latencies = [...(await load.run(seconds))].sort((a, b) => a - b);
  const tookSeconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await log.close();
  const records = latencies.length * recordsPerGroup;
  return {
    durability,
    recordsPerGroup,
    recordsPerSecond: Math.round(records / tookSeconds),
    groupsPerSecond: Math.round(latencies.length / tookSeconds),
    cpuMicrosPerRecord: round((user + system) / records),
    groupMsP50: round(latencies[Math.floor(latencies.length * 0.5)]!),
    groupMsP99: round(latencies[Math.floor(latencies.length * 0.99)]!),
  };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, dir: { type: 'string' } },
});
const folder = await mkdtemp(join(values.dir ?? tmpdir(), 'pegasus-log-'));
try {
  const results: Result[] = [];
  for (const durability of ['os', 'fsync'] as const) {
    for (const recordsPerGroup of [1, 16, 256]) {
      results.push(await measure(folder, durability, recordsPerGroup, Number(values.seconds)));
    }
  }
  process.stdout.write(`${JSON.stringify({ bodyBytes: BODY_BYTES, results }, null, 2)}\n`);
} finally {
  await rm(folder, { recursive: true });
}
