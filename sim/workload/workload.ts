/**
 * Clients at work: a few loops per client that draw an operation, do it through the real client library, and write
 * down what they saw. Few hash keys and few rows, so that operations meet.
 */
import type { Table } from '../../src/client/api.ts';
import { PegasusError } from '../../src/client/errors.ts';
import type { Timers } from '../../src/env/clock.ts';
import type { Random } from '../../src/env/random.ts';
import type { RowValue } from '../checkers/history.ts';
import type { Violations } from '../checkers/violations.ts';
import { Counters } from './counters.ts';
import { expiryFault } from './expiry.ts';
import { Ledger } from './ledger.ts';
import { HistoryRecorder, type OpenOperation } from './recorder.ts';
import { text, valueNumber, valueText } from './text.ts';
import { OPERATION_KINDS, type OperationKind, type WorkloadTraits } from './traits.ts';

/** The part of the client library that is used. */
export type WorkloadTable = Pick<
  Table,
  'get' | 'set' | 'del' | 'multiGet' | 'multiSet' | 'multiDel' | 'incr' | 'checkAndSet'
>;

/** One client process. */
export interface WorkloadClient {
  readonly name: string;
  readonly table: WorkloadTable;
  readonly timers: Timers;
}

/**
 * An operation may end so much after its deadline: timers of the client are late now and then, and its clock drifts.
 */
const DEADLINE_SLACK_US = 200_000;
const CLOCK_DRIFT_MAX = 0.025;

export class Workload {
  readonly traits: WorkloadTraits;
  readonly recorder: HistoryRecorder;
  readonly ledger: Ledger = new Ledger();
  readonly #counters: Counters = new Counters();
  /** Largest difference between two wall clocks, raised by the nemesis. */
  wallSkewUs: number = 0;
  lastWriteUs: number = 0;
  readonly #violations: Violations;
  readonly #nowUs: () => number;
  readonly #random: Random;
  readonly #weightTotal: number;
  #isStopping: boolean = false;
  #sequence: number = 0;

  constructor(traits: WorkloadTraits, random: Random, nowUs: () => number, violations: Violations) {
    this.traits = traits;
    this.#random = random;
    this.#nowUs = nowUs;
    this.#violations = violations;
    this.recorder = new HistoryRecorder(nowUs);
    this.#weightTotal = OPERATION_KINDS.reduce((sum, kind) => sum + traits.weights[kind], 0);
  }

  /** Ends when `stop` was called and all loops have finished their last operation. */
  async run(clients: readonly WorkloadClient[]): Promise<void> {
    const loops: Promise<void>[] = [];
    for (const client of clients) {
      for (let worker = 0; worker < this.traits.workersPerClient; worker++) {
        loops.push(this.#loop(client, `${client.name}.${worker}`));
      }
    }
    await Promise.all(loops);
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Reads everything at the end through `client`; rejects when a read fails. */
  async audit(client: WorkloadClient): Promise<void> {
    for (let key = 0; key < this.traits.hashKeyCount; key++) {
      await this.#multiGet(client, 'audit', `key${key}`, true);
    }
    for (const hashKey of this.ledger.hashKeys) {
      const found = await client.table.multiGet(hashKey);
      for (const wrong of this.ledger.audit(hashKey, found)) {
        this.#violations.add('V2-acknowledged-write-lost', this.#nowUs(), wrong);
      }
    }
    for (const hashKey of this.#counters.hashKeys) {
      const found = await client.table.get(hashKey, 'count');
      this.#report(this.#counters.audit(hashKey, found === null ? 0 : Number(text(found))));
    }
  }

  async #loop(client: WorkloadClient, label: string): Promise<void> {
    while (!this.#isStopping) {
      const kind = this.#drawKind();
      const startUs = this.#nowUs();
      const needsMs = await this.#operate(client, label, kind);
      const lateUs = this.#nowUs() - startUs - (this.traits.timeoutMs + needsMs) * 1000;
      if (lateUs > DEADLINE_SLACK_US + CLOCK_DRIFT_MAX * 1000 * (this.traits.timeoutMs + needsMs)) {
        const detail = `${kind} of ${label} ended ${Math.round(lateUs / 1000)} ms after its deadline`;
        this.#violations.add('V20-client-deadline', this.#nowUs(), detail);
      }
      const thinkMs = -Math.log(1 - this.#random.fraction()) * this.traits.thinkMsMean;
      await sleep(client, thinkMs);
    }
  }

  /** Returns the time that the operation takes on purpose. */
  async #operate(client: WorkloadClient, label: string, kind: OperationKind): Promise<number> {
    const hashKey = `key${this.#random.below(this.traits.hashKeyCount)}`;
    const row = this.#random.below(this.traits.rowCount);
    switch (kind) {
      case 'set':
        await this.#write(client, label, hashKey, [this.#newValue(row)], false);
        return 0;
      case 'del':
        await this.#write(client, label, hashKey, [{ row, value: 0 }], false);
        return 0;
      case 'multiSet':
        await this.#write(client, label, hashKey, this.#someRows(false), true);
        return 0;
      case 'multiDel':
        await this.#write(client, label, hashKey, this.#someRows(true), true);
        return 0;
      case 'get':
        await this.#get(client, label, hashKey, row);
        return 0;
      case 'multiGet':
        await this.#multiGet(client, label, hashKey, false);
        return 0;
      case 'ledger':
        await this.#ledgerEntry(client, label);
        return 0;
      case 'expiring':
        return await this.#expiringRow(client, label);
      case 'incr':
        await this.#increment(client);
        return 0;
      case 'swap':
        return await this.#swap(client, label, hashKey, row);
    }
  }

  #drawKind(): OperationKind {
    let luck = this.#random.below(this.#weightTotal);
    for (const kind of OPERATION_KINDS) {
      luck -= this.traits.weights[kind];
      if (luck < 0) return kind;
    }
    return 'get';
  }

  #newValue(row: number): RowValue {
    return { row, value: this.recorder.nextValue() };
  }

  #someRows(removed: boolean): RowValue[] {
    const rows: RowValue[] = [];
    for (let row = 0; row < this.traits.rowCount; row++) {
      if (this.#random.below(3) > 0) rows.push(removed ? { row, value: 0 } : this.#newValue(row));
    }
    return rows.length > 0 ? rows : [removed ? { row: 0, value: 0 } : this.#newValue(0)];
  }

  #text(value: number): string {
    const paddingMax = this.traits.valueBytesMax;
    return valueText(value, paddingMax === 0 ? 0 : this.#random.below(paddingMax));
  }

  async #write(
    client: WorkloadClient,
    label: string,
    hashKey: string,
    writes: readonly RowValue[],
    isMulti: boolean,
  ): Promise<void> {
    const isRemoval = writes[0]!.value === 0;
    const name = `${isMulti ? 'multi' : ''}${isRemoval ? 'Del' : 'Set'}`;
    const open = this.recorder.begin(hashKey, `${label} ${name}`, writes);
    try {
      await this.#send(client.table, hashKey, writes, isMulti, isRemoval);
    } catch (error) {
      this.recorder.failedWith(open, mayHaveHappened(error));
      return;
    }
    this.lastWriteUs = this.#nowUs();
    this.recorder.succeeded(open, []);
  }

  #send(
    table: WorkloadTable,
    hashKey: string,
    writes: readonly RowValue[],
    isMulti: boolean,
    isRemoval: boolean,
  ): Promise<void> {
    const options = { timeoutMs: this.traits.timeoutMs };
    if (isMulti && isRemoval) {
      return table.multiDel(
        hashKey,
        writes.map(({ row }) => `row${row}`),
        options,
      );
    }
    if (isMulti) {
      const entries = writes.map(({ row, value }) => [`row${row}`, this.#text(value)] as const);
      return table.multiSet(hashKey, entries, options);
    }
    const { row, value } = writes[0]!;
    if (isRemoval) return table.del(hashKey, `row${row}`, options);
    return table.set(hashKey, `row${row}`, this.#text(value), options);
  }

  async #get(client: WorkloadClient, label: string, hashKey: string, row: number): Promise<void> {
    const open = this.recorder.begin(hashKey, `${label} get`, []);
    let found: Uint8Array | null;
    try {
      found = await client.table.get(hashKey, `row${row}`, { timeoutMs: this.traits.timeoutMs });
    } catch (error) {
      this.#readFailed(open, error);
      return;
    }
    this.recorder.succeeded(open, [{ row, value: valueNumber(found) }]);
  }

  async #multiGet(
    client: WorkloadClient,
    label: string,
    hashKey: string,
    mustSucceed: boolean,
  ): Promise<void> {
    const open = this.recorder.begin(hashKey, `${label} multiGet`, []);
    const reads: RowValue[] = [];
    try {
      const timeoutMs = mustSucceed ? 10_000 : this.traits.timeoutMs;
      const { rows, complete } = await client.table.multiGet(hashKey, { timeoutMs });
      if (!complete) return;
      const found = new Map(rows.map((row) => [text(row.sortKey), valueNumber(row.value)]));
      for (let row = 0; row < this.traits.rowCount; row++) {
        reads.push({ row, value: found.get(`row${row}`) ?? 0 });
      }
    } catch (error) {
      if (mustSucceed) throw error;
      this.#readFailed(open, error);
      return;
    }
    this.recorder.succeeded(open, reads);
  }

  /** Reads a row and writes it if nobody else has in between. */
  async #swap(
    client: WorkloadClient,
    label: string,
    hashKey: string,
    row: number,
  ): Promise<number> {
    const { timeoutMs } = this.traits;
    const sortKey = `row${row}`;
    const found = await client.table.get(hashKey, sortKey, { timeoutMs }).catch(giveUp);
    if (found === undefined) return 0;
    const before = { row, value: valueNumber(found) };
    const after = this.#newValue(row);
    const open = this.recorder.begin(hashKey, `${label} swap`, [after]);
    const refused = this.recorder.begin(hashKey, `${label} swap refused`, []);
    const check =
      found === null
        ? ({ sortKey, test: 'absent' } as const)
        : ({ sortKey, test: 'bytesEqual', operand: found } as const);
    try {
      const options = { timeoutMs, returnValue: true };
      const result = await client.table.checkAndSet(
        hashKey,
        check,
        this.#text(after.value),
        options,
      );
      const seen = [{ row, value: valueNumber(result.value ?? null) }];
      this.recorder.succeeded(result.applied ? open : refused, seen);
    } catch (error) {
      this.recorder.failedWith(open, mayHaveHappened(error), [before]);
    }
    return timeoutMs;
  }

  async #increment(client: WorkloadClient): Promise<void> {
    const hashKey = `counter${this.#random.below(4)}`;
    const open = this.#counters.begin(hashKey);
    try {
      const { timeoutMs } = this.traits;
      const given = await client.table.incr(hashKey, 'count', 1, { timeoutMs });
      this.#report(this.#counters.succeeded(open, Number(given)));
    } catch (error) {
      if (!mayHaveHappened(error)) this.#counters.failed(open);
    }
  }

  #report(wrong: string | null): void {
    if (wrong !== null) this.#violations.add('V1-linearizability', this.#nowUs(), wrong);
  }

  #readFailed(open: OpenOperation, error: unknown): void {
    mayHaveHappened(error);
    this.recorder.failedWith(open, false);
  }

  async #ledgerEntry(client: WorkloadClient, label: string): Promise<void> {
    this.#sequence += 1;
    const hashKey = `ledger${this.#sequence % 16}`;
    const sortKey = `${label}-${this.#sequence}`;
    const value = this.recorder.nextValue();
    try {
      await client.table.set(hashKey, sortKey, this.#text(value), {
        timeoutMs: this.traits.timeoutMs,
      });
    } catch (error) {
      this.ledger.note(hashKey, sortKey, value, mayHaveHappened(error) ? 'inDoubt' : 'failed');
      return;
    }
    this.lastWriteUs = this.#nowUs();
    this.ledger.note(hashKey, sortKey, value, 'acknowledged');
  }

  async #expiringRow(client: WorkloadClient, label: string): Promise<number> {
    this.#sequence += 1;
    const hashKey = `expiring${this.#sequence % 4}`;
    const sortKey = `${label}-${this.#sequence}`;
    const ttlSeconds = 1 + this.#random.below(4);
    const value = valueText(this.recorder.nextValue(), 0);
    const { timeoutMs } = this.traits;
    const invokeUs = this.#nowUs();
    let returnUs = Infinity;
    try {
      await client.table.set(hashKey, sortKey, value, { timeoutMs, ttlSeconds });
      returnUs = this.#nowUs();
    } catch (error) {
      if (!mayHaveHappened(error)) return 0;
    }
    let waitedMs = returnUs === Infinity ? 0 : (returnUs - invokeUs) / 1000;
    for (const waitMs of [0, ttlSeconds * 500, ttlSeconds * 500 + 2500]) {
      await sleep(client, waitMs);
      const readUs = this.#nowUs();
      try {
        const found = await client.table.get(hashKey, sortKey, { timeoutMs });
        const read = { invokeUs: readUs, returnUs: this.#nowUs() };
        const row = { ttlSeconds, invokeUs, returnUs };
        const wrong = expiryFault(row, found !== null, read, this.wallSkewUs);
        if (wrong !== null) {
          this.#violations.add('V11-expired-data', readUs, `${hashKey}/${sortKey} ${wrong}`);
        }
      } catch (error) {
        mayHaveHappened(error);
      }
      waitedMs += waitMs + timeoutMs + 100;
    }
    return waitedMs;
  }
}

function sleep(client: WorkloadClient, ms: number): Promise<void> {
  return new Promise((resolve) => void client.timers.after(ms, resolve));
}

/** Of a read that failed: there is nothing to go on from. */
function giveUp(error: unknown): undefined {
  mayHaveHappened(error);
}

/** Anything but a typed error of the client is a fault of the client. */
function mayHaveHappened(error: unknown): boolean {
  if (error instanceof PegasusError) return error.maybeApplied;
  throw error;
}
