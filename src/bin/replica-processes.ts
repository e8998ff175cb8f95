/**
 * `pegasus replica --processes N`: N replica servers on one machine, each a process of its own with its own port
 * (from that of replica.listen upwards) and its own folder (`process-1`, … in replica.data_dir), watched over by one.
 *
 *  - One that ends is started again: at once the first time, and then ever more rarely, until it has run for a while.
 *  - On a signal all are asked to end; this process ends when all have. A second signal ends them at once.
 *  - They end too when this process dies: each listens to its channel.
 *
 * They are apart from each other to the cluster, but on one host: their label `host` is the same unless it is set, so
 * a partition has a copy on two of them only when there is no other host (cluster/fault-domains.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { PinoLogger } from '../adapters/node/logger.ts';
import { assert, assertAtLeast } from '../base/assert.ts';
import { type HostPort, hostPortText } from '../base/host-port.ts';
import { UserError } from '../base/user-error.ts';
import type { Logger } from '../env/logger.ts';
import type { ProcessOptions } from './process-options.ts';
import { type ConfiguredProgram, configure, nextSignal, SERVING } from './server-program.ts';

/** More than any machine has cores. */
export const PROCESSES_MAX = 1_024;

export interface FleetTimes {
  /** Before the second start in a row; doubles with each. */
  readonly restartDelayMs: number;
  readonly restartDelayMaxMs: number;
  /** Who has run so long is started again at once. */
  readonly stableAfterMs: number;
}

export const FLEET_TIMES: FleetTimes = {
  restartDelayMs: 1_000,
  restartDelayMaxMs: 30_000,
  stableAfterMs: 60_000,
};

interface Member {
  readonly index: number;
  child: ChildProcess | null;
  serves: boolean;
  startedMs: number;
  /** Starts in a row that did not last. */
  failures: number;
  timer: NodeJS.Timeout | null;
}

export class ProcessFleet {
  readonly #members: readonly Member[];
  readonly #commandOf: (index: number) => readonly string[];
  readonly #logger: Logger;
  readonly #times: FleetTimes;
  readonly #serving: Promise<void>;
  #onServing: () => void = () => undefined;
  #onEnded: (() => void) | null = null;

  /** `commandOf` are the arguments of Node for the process of that number, from 0 on. */
  constructor(
    count: number,
    commandOf: (index: number) => readonly string[],
    logger: Logger,
    times: FleetTimes = FLEET_TIMES,
  ) {
    assertAtLeast(count, 1, 'processes');
    this.#commandOf = commandOf;
    this.#logger = logger;
    this.#times = times;
    this.#serving = new Promise((resolve) => {
      this.#onServing = resolve;
    });
    this.#members = Array.from({ length: count }, (_, index) => {
      return { index, child: null, serves: false, startedMs: 0, failures: 0, timer: null };
    });
    for (const member of this.#members) this.#start(member);
  }

  /** Resolves when all of them serve at once for the first time. */
  get serving(): Promise<void> {
    return this.#serving;
  }

  /** Process ids of those that run. */
  get pids(): readonly number[] {
    return this.#members.flatMap(({ child }) => (child?.pid === undefined ? [] : [child.pid]));
  }

  /** Asks all to end and resolves when they have. Idempotent in what it asks for, not to be awaited twice. */
  close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    for (const member of this.#members) {
      if (member.timer !== null) clearTimeout(member.timer);
      member.timer = null;
      member.child?.kill('SIGTERM');
    }
    this.#endIfAllHave();
    return ended;
  }

  /** Without waiting for anything. */
  kill(): void {
    for (const { child } of this.#members) child?.kill('SIGKILL');
  }

  #start(member: Member): void {
    assert(member.child === null, 'a server runs once');
    const args = this.#commandOf(member.index);
    const stdio: ['ignore', 'inherit', 'inherit', 'ipc'] = ['ignore', 'inherit', 'inherit', 'ipc'];
    const child = spawn(process.execPath, [...args], { stdio });
    member.child = child;
    member.serves = false;
    member.startedMs = performance.now();
    child.on('message', (message) => {
      if (message === SERVING) this.#onMemberServes(member);
    });
    child.once('error', (error) => this.#logger.error('process.spawn', { error: error.message }));
    child.once('close', (code, signal) => this.#onMemberEnded(member, code, signal));
  }

  #onMemberServes(member: Member): void {
    member.serves = true;
    if (this.#members.every(({ serves }) => serves)) this.#onServing();
  }

  #onMemberEnded(member: Member, code: number | null, signal: NodeJS.Signals | null): void {
    const ranMs = performance.now() - member.startedMs;
    member.child = null;
    member.serves = false;
    if (this.#onEnded !== null) {
      this.#endIfAllHave();
      return;
    }
    member.failures = ranMs >= this.#times.stableAfterMs ? 0 : member.failures + 1;
    const delayMs = restartDelayMs(this.#times, member.failures);
    const process = member.index + 1;
    this.#logger.warn('process.ended', {
      process,
      code,
      signal,
      ranMs: Math.round(ranMs),
      delayMs,
    });
    member.timer = setTimeout(() => {
      member.timer = null;
      this.#start(member);
    }, delayMs);
  }

  #endIfAllHave(): void {
    if (this.#members.every(({ child }) => child === null)) this.#onEnded?.();
  }
}

/** After so many starts in a row that did not last. */
export function restartDelayMs(times: FleetTimes, failures: number): number {
  if (failures <= 1) return 0;
  const doublings = Math.min(failures - 2, 20);
  return Math.min(times.restartDelayMs * 2 ** doublings, times.restartDelayMaxMs);
}

export interface FleetPlan {
  readonly listen: HostPort;
  readonly advertised: HostPort | null;
  readonly dataPath: string;
}

/** Flags for one of them; they win over all that was said for all of them. */
export function flagsOf(plan: FleetPlan, index: number): string[] {
  const { listen, advertised, dataPath } = plan;
  const at = ({ host, port }: HostPort): string => hostPortText({ host, port: port + index });
  return [
    ...['--replica.listen', at(listen)],
    ...(advertised === null ? [] : ['--replica.advertised', at(advertised)]),
    ...['--replica.data_dir', `${dataPath}/process-${index + 1}`],
  ];
}

/** Throws `UserError` when these servers could not all be started. */
export function checkPlan({ listen, advertised, dataPath }: FleetPlan, count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > PROCESSES_MAX) {
    throw new UserError(
      `--processes must be from 1 to ${PROCESSES_MAX}.`,
      'One per core is usual.',
    );
  }
  for (const address of [listen, advertised]) {
    if (address === null) continue;
    if (address.port === 0 || address.port + count - 1 > 65_535) {
      throw new UserError(
        `From port ${address.port} on there are no ${count} ports.`,
        'Give a fixed port in replica.listen: a server is known by its address, and the next ones count from it.',
      );
    }
  }
  if (existsSync(`${dataPath}/server.json`)) {
    throw new UserError(
      `The data folder ${dataPath} belongs to one server.`,
      'Start that without --processes, or give another folder for these (replica.data_dir).',
    );
  }
}

export const PROCESSES_HELP =
  'so many servers, one process each, with ports and folders of their own; 0: one per core';

export function asksForProcesses(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--processes' || arg.startsWith('--processes='));
}

/** Runs them until a signal comes. */
export async function runProcesses<T extends ProcessOptions & FleetPlan>(
  program: ConfiguredProgram<T>,
  args: readonly string[],
): Promise<number> {
  const { options, command } = configure(program, args);
  const asked = Number(command.opts<{ processes: string }>().processes);
  const count = asked === 0 ? availableParallelism() : asked;
  checkPlan(options, count);
  const { logLevel, readyFile } = options;
  const logger = new PinoLogger({ level: logLevel, bindings: { server: `${program.name}s` } });
  const common = [...process.execArgv, process.argv[1]!, ...withoutProcesses(args)];
  const fleet = new ProcessFleet(
    count,
    (index) => [
      ...common,
      ...flagsOf(options, index),
      ...(readyFile === null ? [] : ['--process.ready_file', `${readyFile}.${index + 1}`]),
    ],
    logger,
  );
  const signalled = nextSignal();
  const first = await Promise.race([fleet.serving, signalled]);
  if (first === undefined && readyFile !== null) writeFileSync(readyFile, `${process.pid}\n`);
  const signal = await signalled;
  if (readyFile !== null) rmSync(readyFile, { force: true });
  logger.info('process.draining', { signal });
  process.once(signal, () => fleet.kill());
  await fleet.close();
  logger.info('process.drained');
  return 0;
}

/** `--processes N` and `--processes=N` are not for those that are started. */
function withoutProcesses(args: readonly string[]): string[] {
  return args.filter((arg, index) => {
    return !arg.startsWith('--processes') && args[index - 1] !== '--processes';
  });
}
