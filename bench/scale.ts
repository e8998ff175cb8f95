/**
 * The meta server of a large cluster: what it costs, and how long the cluster takes to come to rest (sim/scale/).
 *
 *   npm run bench:scale -- [--servers 1000] [--partitions 100000] [--seed 1] [--json]
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Fleet } from '../sim/scale/fleet.ts';
import type { Meter, WorkKind } from '../sim/scale/meta-host.ts';
import { type Convergence, Scenarios } from '../sim/scale/scenarios.ts';
import { printJson, runProgram } from '../src/bin/program.ts';
import { machine, rounded, say } from './report.ts';

/** Of this process, with its helpers: others on the machine do not count. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

class RealMeter implements Meter {
  #samples = new Map<WorkKind, number[]>();
  #beganUs = 0;

  begin(): void {
    this.#beganUs = cpuUs();
  }

  end(kind: WorkKind): void {
    const spentUs = cpuUs() - this.#beganUs;
    const samples = this.#samples.get(kind);
    if (samples === undefined) this.#samples.set(kind, [spentUs]);
    else samples.push(spentUs);
  }

  take(): Record<string, unknown> {
    const taken = [...this.#samples].map(([kind, samples]) => [kind, summary(samples)] as const);
    this.#samples = new Map();
    return Object.fromEntries(taken);
  }
}

function summary(samples: number[]): Record<string, number> {
  samples.sort((a, b) => a - b);
  const total = samples.reduce((a, b) => a + b, 0);
  const at = (share: number): number => samples[Math.floor(share * (samples.length - 1))]!;
  return {
    count: samples.length,
    meanUs: rounded(total / samples.length, 1),
    p50Us: rounded(at(0.5), 1),
    p99Us: rounded(at(0.99), 1),
    maxMs: rounded(at(1) / 1_000, 1),
    totalMs: rounded(total / 1_000, 0),
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      servers: { type: 'string', default: '1000' },
      partitions: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const serverCount = Number(values.servers);
  const partitionCount = Number(values.partitions);
  const onMachine = machine();
  const meter = new RealMeter();
  const fleet = new Fleet(Number(values.seed), meter, {});
  const scenarios = new Scenarios(fleet);
  const reports: unknown[] = [];
  let failed = 0;
  const run = (name: string, scenario: () => Convergence[]): void => {
    const before = counts(fleet);
    const beganUs = cpuUs();
    const convergence = scenario();
    const after = counts(fleet);
    const spent = Object.fromEntries(
      Object.entries(after).map(([key, value]) => [key, value - before[key]!]),
    );
    const cpuMs = rounded((cpuUs() - beganUs) / 1_000, 0);
    failed += convergence.filter(({ ms }) => ms === Number.POSITIVE_INFINITY).length;
    const report = {
      name,
      convergence,
      ...spent,
      cpuMs,
      log: Object.fromEntries(fleet.meta.events),
      work: meter.take(),
    };
    fleet.meta.events.clear();
    reports.push(report);
    say(JSON.stringify(report, null, 1));
  };
  const joiners = Math.floor(serverCount / 10);
  const base = heapBytes();
  run('start', () => scenarios.start(serverCount - joiners));
  const withNodes = heapBytes();
  run('create', () => scenarios.createTables(partitionCount));
  run('steady', () => {
    scenarios.rest(10_000);
    return [];
  });
  const withTables = heapBytes();
  run('cold start', () => scenarios.coldStart());
  run('failover, process', () => scenarios.fail(fleet.servers[0]!, false));
  run('failover, machine', () => scenarios.fail(fleet.servers[1]!, true));
  run('growth', () => scenarios.grow(joiners, Math.floor(partitionCount / 10)));
  const full = heapBytes();
  const keys = fleet.meta.store.keyCount;
  fleet.meta.stop();
  const memory = { base, withNodes, withTables, brain: full - heapBytes(), keys };
  const report = { machine: onMachine, memory, hash: fleet.timeline.hash, scenarios: reports };
  printJson(report);
  return failed === 0 ? 0 : 1;
}

function counts(fleet: Fleet): Record<string, number> {
  const { store } = fleet.meta;
  return {
    simulatedMs: fleet.nowMs(),
    events: fleet.timeline.eventCount,
    appends: store.appends,
    records: store.records,
    recordBytes: store.bytes,
    sent: fleet.meta.sentCount,
    sentBytes: fleet.meta.sentBytes,
    receivedBytes: fleet.meta.receivedBytes,
  };
}

await runProgram(main);
