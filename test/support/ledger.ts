/**
 * Writers that know what they were promised. Each one writes to a hash key of its own, one atomic multiSet after the
 * other: a new row, and the row `last` with that row's number. What the cluster acknowledged is remembered here, in
 * the memory of the test process, and compared later with what the cluster holds:
 *
 *   1. every acknowledged row is there with its value;
 *   2. `last` is not older than the last acknowledged write, so no overwrite was undone;
 *   3. the row that `last` names is there, so no write was torn;
 *   4. nothing is there that was not sent, and nothing that certainly failed.
 *
 * A writer whose write is in doubt goes on with a new hash key: that write may still happen, at any later time.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { type Client, PegasusError, type Table } from '../../src/bin/client.ts';

export interface LedgerOptions {
  readonly writers?: number;
  /** Patience with one write, retries of the client included. */
  readonly timeoutMs?: number;
}

interface Page {
  readonly hashKey: string;
  /** Rows 1 … this were sent. */
  sent: number;
  /** Rows 1 … this were acknowledged, but for those that failed. */
  acknowledged: number;
  readonly failed: Set<number>;
}

export interface Verdict {
  readonly rowsExpected: number;
  readonly problems: readonly string[];
}

const VALUE_BYTES = 100;
const PROBLEMS_MAX = 20;

export class Ledger {
  readonly #table: Table;
  readonly #options: Required<LedgerOptions>;
  /** Keys of another ledger on the same cluster are none of ours. */
  readonly #name: string = randomBytes(4).toString('hex');
  readonly #pages: Page[] = [];
  readonly #writers: Promise<void>[] = [];
  readonly #stop: AbortController = new AbortController();
  /** When the newest acknowledgement came, and the longest time without one. */
  #acknowledgedMs: number = performance.now();
  #gapMs = 0;
  #slowestMs = 0;
  #isEnding = false;
  acknowledged = 0;
  inDoubt = 0;
  failed = 0;
  /** The messages of the first failures. */
  readonly failures: string[] = [];

  constructor(client: Client, options: LedgerOptions = {}) {
    this.#table = client.table('temp');
    this.#options = { writers: 16, timeoutMs: 30_000, ...options };
    setMaxListeners(0, this.#stop.signal);
  }

  /** Longest time without any acknowledgement so far. */
  get gapMs(): number {
    return Math.max(this.#gapMs, this.#writers.length === 0 ? 0 : this.#sinceLastMs());
  }

  /** Longest time that one acknowledged write took. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  begin(): void {
    this.#acknowledgedMs = performance.now();
    for (let index = 0; index < this.#options.writers; index++) {
      this.#writers.push(this.#write(index));
    }
  }

  /** Lets the writes under way come to their ends. */
  async end(): Promise<void> {
    this.#gapMs = this.gapMs;
    this.#isEnding = true;
    await Promise.all(this.#writers.splice(0));
  }

  /** Gives up on the writes under way: they are in doubt. */
  async abort(): Promise<void> {
    this.#stop.abort();
    await this.end();
  }

  async #write(index: number): Promise<void> {
    const { timeoutMs } = this.#options;
    let page = this.#newPage(index);
    while (!this.#isEnding) {
      const number = ++page.sent;
      const beganMs = performance.now();
      try {
        const rows = { [rowName(number)]: textOf(page.hashKey, number), last: `${number}` };
        await this.#table.multiSet(page.hashKey, rows, { timeoutMs, signal: this.#stop.signal });
        this.#onAcknowledged(page, number, beganMs);
      } catch (error) {
        if (!(error instanceof PegasusError)) throw error;
        if (this.failures.length < PROBLEMS_MAX) this.failures.push(error.message);
        if (error.maybeApplied) {
          this.inDoubt++;
          page = this.#newPage(index);
        } else {
          this.failed++;
          page.failed.add(number);
        }
      }
    }
  }

  #newPage(index: number): Page {
    const hashKey = `ledger-${this.#name}-writer-${index}-page-${this.#pages.length}`;
    const page: Page = { hashKey, sent: 0, acknowledged: 0, failed: new Set() };
    this.#pages.push(page);
    return page;
  }

  #onAcknowledged(page: Page, number: number, beganMs: number): void {
    page.acknowledged = number;
    this.acknowledged++;
    if (!this.#isEnding) this.#gapMs = Math.max(this.#gapMs, this.#sinceLastMs());
    this.#acknowledgedMs = performance.now();
    this.#slowestMs = Math.max(this.#slowestMs, this.#acknowledgedMs - beganMs);
  }

  #sinceLastMs(): number {
    return this.#isEnding ? 0 : performance.now() - this.#acknowledgedMs;
  }

  /** Reads everything back, with another client if need be, and compares. */
  async verify(client: Client): Promise<Verdict> {
    const table = client.table('temp');
    const problems: string[] = [];
    let rowsExpected = 0;
    for (const page of this.#pages) {
      const rows = new Map<string, string>();
      for await (const { sortKey, value } of table.scan({ hashKey: page.hashKey })) {
        rows.set(Buffer.from(sortKey).toString(), Buffer.from(value).toString());
      }
      rowsExpected += page.acknowledged - page.failed.size;
      problems.push(...compare(page, rows));
    }
    return { rowsExpected, problems: problems.slice(0, PROBLEMS_MAX) };
  }
}

function compare(page: Page, rows: ReadonlyMap<string, string>): string[] {
  const { hashKey, sent, acknowledged, failed } = page;
  const problems: string[] = [];
  for (let number = 1; number <= sent; number++) {
    const value = rows.get(rowName(number));
    const where = `${hashKey} row ${number}`;
    if (failed.has(number)) {
      if (value !== undefined) problems.push(`${where}: is there, though it failed for certain`);
    } else if (value === undefined) {
      if (number <= acknowledged) problems.push(`${where}: acknowledged, but lost`);
    } else if (value !== textOf(hashKey, number)) {
      problems.push(`${where}: has another value`);
    }
  }
  const last = Number(rows.get('last') ?? 0);
  if (last < acknowledged)
    problems.push(`${hashKey}: last is ${last}, acknowledged ${acknowledged}`);
  if (last > 0 && !rows.has(rowName(last))) problems.push(`${hashKey}: write ${last} is torn`);
  for (const name of rows.keys()) {
    const number = Number(name.slice(1));
    if (name !== 'last' && !(number >= 1 && number <= sent)) {
      problems.push(`${hashKey}: nobody wrote ${name}`);
    }
  }
  return problems;
}

function rowName(number: number): string {
  return `r${String(number).padStart(8, '0')}`;
}

function textOf(hashKey: string, number: number): string {
  return `${hashKey} ${number} `.padEnd(VALUE_BYTES, '.');
}
