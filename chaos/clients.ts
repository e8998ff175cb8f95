/**
 * Clients at work for as long as the run lasts: the workload of the simulator, in epochs.
 *
 * An epoch has hash keys of its own, so histories stay short enough to be judged and memory stays
 * bounded: when it is over its keys are read once more, as soon as the cluster answers, its
 * histories are checked, and they are dropped. Its ledger is kept and read back at the very end.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HistoryOperation, operationText } from '../sim/checkers/history.ts';
import { checkLinearizable } from '../sim/checkers/linearizability.ts';
import { type ViolationKind, Violations } from '../sim/checkers/violations.ts';
import type { Ledger } from '../sim/workload/ledger.ts';
import type { WorkloadTraits } from '../sim/workload/traits.ts';
import { Workload, type WorkloadClient, type WorkloadTable } from '../sim/workload/workload.ts';
import { SeededRandom } from '../src/base/prng.ts';
import type { Bytes, Client } from '../src/client/api.ts';
import { PegasusError } from '../src/client/errors.ts';
import type { Timers } from '../src/env/clock.ts';

export interface ClientsOptions {
  readonly clients: readonly Client[];
  readonly tableName: string;
  readonly timers: Timers;
  readonly random: SeededRandom;
  readonly nowUs: () => number;
  /** Where histories of wrong keys go. */
  readonly folder: string;
  readonly onViolation: (kind: ViolationKind, detail: string) => void;
}

export interface OperationCounts {
  completed: number;
  inDoubt: number;
  failed: number;
  ledgered: number;
  keysChecked: number;
  /** Ended after their deadlines: a busy machine, or a fault of the client. */
  late: number;
}

interface Epoch {
  readonly prefix: string;
  readonly workload: Workload;
  readonly violations: Violations;
  readonly ended: Promise<void>;
}

const TRAITS: WorkloadTraits = {
  clientCount: 3,
  workersPerClient: 4,
  hashKeyCount: 16,
  rowCount: 3,
  thinkMsMean: 60,
  timeoutMs: 3_000,
  valueBytesMax: 200,
  weights: {
    set: 8,
    get: 8,
    del: 2,
    multiSet: 4,
    multiGet: 4,
    multiDel: 1,
    ledger: 4,
    expiring: 1,
    incr: 3,
    swap: 3,
  },
};
const EPOCH_MS = 6_000;
/** On the way, so that no search holds up the clients; what is undecided is searched at the end. */
const STEPS_ON_THE_WAY = 500_000;
const UNDECIDED_MAX = 200;
const AUDIT_RETRY_MS = 500;
const READ_BACK_TIMEOUT_MS = 30_000;

export class Clients {
  readonly counts: OperationCounts = {
    completed: 0,
    inDoubt: 0,
    failed: 0,
    ledgered: 0,
    keysChecked: 0,
    late: 0,
  };
  readonly #options: ClientsOptions;
  readonly #ledgers: { readonly prefix: string; readonly ledger: Ledger }[] = [];
  readonly #undecided: [string, readonly HistoryOperation[]][] = [];
  readonly #retiring: Set<Promise<void>> = new Set();
  /** Clients of these still work or are read. */
  readonly #live: Set<Workload> = new Set();
  #current: Epoch | null = null;
  #wallSkewUs: number = 0;
  #timer: NodeJS.Timeout | null = null;
  #epochCount: number = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  get clientCount(): number {
    return this.#options.clients.length;
  }

  /** How far wall clocks differ from now on; expiry is judged with it. */
  set wallSkewUs(skewUs: number) {
    this.#wallSkewUs = skewUs;
    for (const workload of this.#live) {
      workload.wallSkewUs = Math.max(workload.wallSkewUs, skewUs);
    }
  }

  start(): void {
    this.#turn();
    this.#timer = setInterval(() => this.#turn(), EPOCH_MS);
  }

  /** Ends the work; resolves when everything was read back and judged. */
  async finish(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#retire();
    await Promise.all(this.#retiring);
    for (const [hashKey, history] of this.#undecided.splice(0)) this.#judge(hashKey, history, null);
    for (const { prefix, ledger } of this.#ledgers.splice(0)) await this.#readBack(prefix, ledger);
  }

  #turn(): void {
    this.#retire();
    this.#epochCount += 1;
    const { random, nowUs, clients } = this.#options;
    const prefix = `e${this.#epochCount}-`;
    const violations = new Violations(() => undefined);
    const workload = new Workload(TRAITS, new SeededRandom(random.u32()), nowUs, violations);
    workload.wallSkewUs = this.#wallSkewUs;
    this.#live.add(workload);
    const ended = workload.run(clients.map((_, index) => this.#clientOf(index, prefix)));
    this.#current = { prefix, workload, violations, ended };
  }

  #clientOf(index: number, prefix: string): WorkloadClient {
    const table = this.#options.clients[index]!.table(this.#options.tableName);
    return {
      name: `client${index + 1}`,
      table: withPrefix(table, prefix),
      timers: this.#options.timers,
    };
  }

  #retire(): void {
    const epoch = this.#current;
    if (epoch === null) return;
    this.#current = null;
    epoch.workload.stop();
    const retiring = this.#judgeEpoch(epoch).finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
  }

  async #judgeEpoch({ prefix, workload, violations, ended }: Epoch): Promise<void> {
    await ended;
    this.#live.delete(workload);
    const auditor = this.#clientOf(0, prefix);
    while (!(await isDone(workload.audit(auditor)))) await pause(AUDIT_RETRY_MS);
    const { recorder, ledger } = workload;
    this.counts.completed += recorder.completed;
    this.counts.inDoubt += recorder.inDoubt;
    this.counts.failed += recorder.failed;
    this.counts.ledgered += ledger.acknowledged;
    this.#ledgers.push({ prefix, ledger });
    for (const { kind, detail } of violations.all) {
      if (kind === 'V20-client-deadline') this.counts.late += 1;
      else this.#options.onViolation(kind, `epoch ${prefix} ${detail}`);
    }
    for (const [hashKey, history] of recorder.histories) {
      this.#judge(`${prefix}${hashKey}`, history, STEPS_ON_THE_WAY);
      await pause(0);
    }
  }

  #judge(hashKey: string, history: readonly HistoryOperation[], stepCountMax: number | null): void {
    const verdict =
      stepCountMax === null ? checkLinearizable(history) : checkLinearizable(history, stepCountMax);
    const canWait = stepCountMax !== null && this.#undecided.length < UNDECIDED_MAX;
    if (verdict.kind === 'unknown' && canWait) {
      this.#undecided.push([hashKey, history]);
      return;
    }
    this.counts.keysChecked += 1;
    if (verdict.kind === 'ok') return;
    const path = join(this.#options.folder, `history-${hashKey}.txt`);
    writeFileSync(path, `${history.map(operationText).join('\n')}\n`);
    if (verdict.kind === 'unknown') {
      this.#options.onViolation('undecided', `${hashKey} after ${verdict.steps} steps: ${path}`);
    } else {
      this.#options.onViolation('V1-linearizability', `${hashKey}: ${verdict.detail}: ${path}`);
    }
  }

  async #readBack(prefix: string, ledger: Ledger): Promise<void> {
    const table = this.#clientOf(0, prefix).table;
    for (const hashKey of ledger.hashKeys) {
      const found = await table.multiGet(hashKey, { timeoutMs: READ_BACK_TIMEOUT_MS });
      for (const wrong of ledger.audit(hashKey, found)) {
        this.#options.onViolation('V2-acknowledged-write-lost', `at the end, ${prefix} ${wrong}`);
      }
    }
  }
}

/** The same table with hash keys of its own. */
function withPrefix(table: WorkloadTable, prefix: string): WorkloadTable {
  const own = (hashKey: Bytes): string => `${prefix}${String(hashKey)}`;
  return {
    get: (hashKey, sortKey, options) => table.get(own(hashKey), sortKey, options),
    set: (hashKey, sortKey, value, options) => table.set(own(hashKey), sortKey, value, options),
    del: (hashKey, sortKey, options) => table.del(own(hashKey), sortKey, options),
    multiGet: (hashKey, options) => table.multiGet(own(hashKey), options),
    multiSet: (hashKey, entries, options) => table.multiSet(own(hashKey), entries, options),
    multiDel: (hashKey, sortKeys, options) => table.multiDel(own(hashKey), sortKeys, options),
    incr: (hashKey, sortKey, by, options) => table.incr(own(hashKey), sortKey, by, options),
    checkAndSet: (hashKey, check, value, options) =>
      table.checkAndSet(own(hashKey), check, value, options),
  };
}

/** False when the cluster did not answer. */
async function isDone(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof PegasusError) return false;
    throw error;
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}
