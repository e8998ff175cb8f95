/**
 * The load itself, on the callback core of the client: a fixed number of workers, each one reusable
 * operation.
 *
 * Closed loop: a worker starts its next operation when the last one has ended. Throughput is the
 * result; latencies are those of a system that is exactly as busy as the workers make it.
 *
 * Open loop (`ratePerSecond` > 0): operation i is due at i / rate, whatever became of the earlier
 * ones. It is started by the first idle worker and its latency counts from when it was due: a stall
 * of the system is paid by all operations that should have run in it (no coordinated omission).
 */
import { assert } from '../../src/base/assert.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import type { ClusterClient } from '../../src/client/client.ts';
import { Operation } from '../../src/client/operation.ts';
import { GET, PUT } from '../../src/client/operation-kinds.ts';
import type { TableRoute } from '../../src/client/table-route.ts';
import { StorageStatus } from '../../src/wire/schema/rrdb.ts';
import { KeyBuffer, ValuePool } from './keys.ts';
import { Recorder } from './recorder.ts';

export type Workload = 'fill' | 'read' | 'mixed';

export interface LoadOptions {
  readonly table: string;
  readonly workload: Workload;
  readonly inflight: number;
  /** Rows that the load knows of. `fill` writes them in turn, the others draw from them. */
  readonly keys: number;
  readonly valueBytes: number;
  /** Share of reads of `mixed`, 0 to 100. */
  readonly readPercent: number;
  /** 0 = closed loop. */
  readonly ratePerSecond: number;
  readonly timeoutMs: number;
  readonly seed: number;
}

interface Worker {
  readonly operation: Operation;
  readonly route: TableRoute;
  readonly key: KeyBuffer;
  startedMs: number;
  isRead: boolean;
}

/** How often due operations are looked for in open loop. */
const PACE_MS = 1;

export class Load {
  readonly recorder: Recorder = new Recorder();
  readonly #options: LoadOptions;
  readonly #random: SeededRandom;
  readonly #values: ValuePool;
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #hash = { high: 0, low: 0 };
  #fillNext = 0;
  #stopping = false;
  #busy = 0;
  #onIdle: (() => void) | null = null;
  #pace: NodeJS.Timeout | null = null;
  #beganMs = 0;
  #issued = 0;

  constructor(clients: readonly ClusterClient[], options: LoadOptions) {
    assert(clients.length > 0, 'the load has clients');
    assert(options.inflight > 0, 'every client has operations in flight');
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#values = new ValuePool(options.valueBytes, options.seed);
    for (const client of clients) {
      for (let index = 0; index < options.inflight; index++) this.#addWorker(client);
    }
  }

  start(): void {
    this.#beganMs = performance.now();
    if (this.#options.ratePerSecond === 0) {
      for (const worker of this.#workers) this.#begin(worker, this.#beganMs);
      return;
    }
    this.#idle.push(...this.#workers);
    this.#pace = setInterval(() => this.#startDue(), PACE_MS);
  }

  /** Starts nothing more; resolves when all that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#pace !== null) clearInterval(this.#pace);
    if (this.#busy === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** `fill` has written every row once. */
  get isFilled(): boolean {
    return this.#fillNext >= this.#options.keys;
  }

  #addWorker(client: ClusterClient): void {
    const worker: Worker = {
      operation: new Operation(client.engine, () => this.#onDone(worker)),
      route: client.engine.table(this.#options.table),
      key: new KeyBuffer(),
      startedMs: 0,
      isRead: false,
    };
    this.#workers.push(worker);
  }

  #startDue(): void {
    const nowMs = performance.now();
    while (this.#idle.length > 0) {
      const dueMs = this.#dueMs();
      if (dueMs > nowMs) return;
      this.#issued++;
      this.#begin(this.#idle.pop()!, dueMs);
    }
  }

  #dueMs(): number {
    return this.#beganMs + (this.#issued * 1000) / this.#options.ratePerSecond;
  }

  /** `startedMs` is when the operation should have begun. */
  #begin(worker: Worker, startedMs: number): void {
    const { workload, keys, readPercent, timeoutMs } = this.#options;
    const { operation } = worker;
    worker.startedMs = startedMs;
    worker.isRead =
      workload === 'read' || (workload === 'mixed' && this.#random.below(100) < readPercent);
    const index = workload === 'fill' ? this.#fillNext++ % keys : this.#random.below(keys);
    worker.key.set(index, this.#hash);
    operation.hashHigh = this.#hash.high;
    operation.hashLow = this.#hash.low;
    this.#busy++;
    if (worker.isRead) {
      operation.start(worker.route, GET, worker.key.bytes, timeoutMs);
      return;
    }
    const request = {
      key: worker.key.bytes,
      value: this.#values.next(),
      expireTsSeconds: 0,
      type: undefined,
      checkValueReturned: undefined,
      checkValueExist: undefined,
      checkValue: undefined,
    };
    operation.start(worker.route, PUT, request, timeoutMs);
  }

  #onDone(worker: Worker): void {
    this.#busy--;
    const nowMs = performance.now();
    this.#record(worker, nowMs);
    if (this.#stopping) {
      if (this.#busy === 0) this.#onIdle?.();
    } else if (this.#options.ratePerSecond === 0) {
      this.#begin(worker, nowMs);
    } else {
      this.#idle.push(worker);
      if (this.#dueMs() <= nowMs) this.#startDue();
    }
  }

  #record(worker: Worker, nowMs: number): void {
    const { operation, isRead } = worker;
    if (operation.failure !== null) {
      this.recorder.onError(operation.failure);
      return;
    }
    const status = isRead ? operation.result(GET).error : operation.result(PUT).error;
    if (status === StorageStatus.ok) this.recorder.onSuccess(isRead, nowMs - worker.startedMs);
    else if (status === StorageStatus.notFound) this.recorder.onError('notFound');
    else this.recorder.onError(`storageStatus${status}`);
  }
}
