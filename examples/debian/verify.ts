/**
 * Reads everything back twice, by range multi_gets per package and by a scan of the whole table, and compares both
 * with the index of this machine.
 *
 * With an acknowledgement log only the packages in it have to be there. A package is written atomically: one that is
 * there in part is damage in any case.
 */
import { readFileSync } from 'node:fs';
import type { Client, Table } from '../../src/bin/client.ts';
import { RecordDigest } from './digest.ts';
import { countPackages, type Package, readPackages } from './index.ts';
import { Progress } from './progress.ts';

export interface VerifyOptions {
  readonly table: string;
  readonly limit: number;
  readonly inflight: number;
  readonly timeoutMs: number;
  /** Null: all packages have to be there. */
  readonly ackLog: string | null;
}

export interface VerifyResult {
  readonly ok: boolean;
  readonly packages: number;
  readonly records: number;
  /** Packages that have to be there and are not, and those that differ from the index. The first few by name. */
  readonly missingCount: number;
  readonly missing: readonly string[];
  readonly damagedCount: number;
  readonly damaged: readonly string[];
  /** Rows of other packages in the table, e.g. of an earlier load. */
  readonly foreignRecords: number;
  readonly expectedDigest: string;
  readonly multiGetDigest: string;
  readonly scanDigest: string;
  readonly multiGetSeconds: number;
  readonly scanSeconds: number;
}

const NAMED_MAX = 10;
const text = new TextEncoder();

export async function verify(client: Client, options: VerifyOptions): Promise<VerifyResult> {
  return await new Verifier(client.table(options.table), options).run();
}

class Verifier {
  readonly #table: Table;
  readonly #options: VerifyOptions;
  /** Null: all. */
  readonly #required: ReadonlySet<string> | null;
  readonly #expected: RecordDigest = new RecordDigest();
  readonly #byMultiGet: RecordDigest = new RecordDigest();
  readonly #byScan: RecordDigest = new RecordDigest();
  /** Packages that were found. */
  readonly #present: Set<string> = new Set();
  readonly #missing: string[] = [];
  readonly #damaged: string[] = [];
  #looked = 0;
  #foreign = 0;

  constructor(table: Table, options: VerifyOptions) {
    this.#table = table;
    this.#options = options;
    this.#required = options.ackLog === null ? null : readAckLog(options.ackLog);
  }

  async run(): Promise<VerifyResult> {
    const { limit, inflight } = this.#options;
    const beganMs = performance.now();
    const progress = new Progress('verify', await countPackages(limit));
    const source = readPackages(limit);
    await Promise.all(Array.from({ length: inflight }, () => this.#read(source, progress)));
    progress.end(this.#looked, this.#byMultiGet.records);
    const readMs = performance.now();
    await this.#scan();
    const scannedMs = performance.now();
    const digests = [this.#expected, this.#byMultiGet, this.#byScan].map((digest) => digest.hex());
    const isSame = digests.every((digest) => digest === digests[0]);
    return {
      ok: isSame && this.#missing.length === 0 && this.#damaged.length === 0,
      packages: this.#present.size,
      records: this.#byMultiGet.records,
      missingCount: this.#missing.length,
      missing: this.#missing.slice(0, NAMED_MAX),
      damagedCount: this.#damaged.length,
      damaged: this.#damaged.slice(0, NAMED_MAX),
      foreignRecords: this.#foreign,
      expectedDigest: digests[0]!,
      multiGetDigest: digests[1]!,
      scanDigest: digests[2]!,
      multiGetSeconds: Math.round(readMs - beganMs) / 1000,
      scanSeconds: Math.round(scannedMs - readMs) / 1000,
    };
  }

  /** One of the readers that share the source. */
  async #read(source: AsyncGenerator<Package>, progress: Progress): Promise<void> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      await this.#check(next.value);
      this.#looked++;
      progress.update(this.#looked, this.#byMultiGet.records);
    }
  }

  async #check({ hashKey, fields }: Package): Promise<void> {
    const hashBytes = text.encode(hashKey);
    let start = '';
    let found = 0;
    let same = 0;
    for (;;) {
      const { rows, complete } = await this.#table.multiGet(hashKey, {
        start,
        startInclusive: start === '',
        timeoutMs: this.#options.timeoutMs,
      });
      for (const { sortKey, value } of rows) {
        this.#byMultiGet.add(hashBytes, sortKey, value);
        found++;
        start = Buffer.from(sortKey).toString();
        if (fields.get(start) === Buffer.from(value).toString()) same++;
      }
      if (complete) break;
    }
    if (found === 0) {
      if (this.#required === null || this.#required.has(hashKey)) this.#missing.push(hashKey);
      return;
    }
    this.#present.add(hashKey);
    if (same !== fields.size || found !== fields.size) this.#damaged.push(hashKey);
    for (const [field, value] of fields) {
      this.#expected.add(hashBytes, text.encode(field), text.encode(value));
    }
  }

  async #scan(): Promise<void> {
    const progress = new Progress('scan  ', this.#present.size);
    const seen = new Set<string>();
    const rows = this.#table.scan({ batchSize: 1_000, timeoutMs: this.#options.timeoutMs });
    for (let batch = await rows.nextBatch(); batch !== null; batch = await rows.nextBatch()) {
      for (const { hashKey, sortKey, value } of batch) {
        const name = Buffer.from(hashKey).toString();
        if (this.#present.has(name)) {
          this.#byScan.add(hashKey, sortKey, value);
          seen.add(name);
        } else {
          this.#foreign++;
        }
      }
      progress.update(seen.size, this.#byScan.records);
    }
    progress.end(seen.size, this.#byScan.records);
  }
}

/** A line that was cut off by a crash of the loader names nothing that was acknowledged for sure. */
function readAckLog(path: string): ReadonlySet<string> {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return new Set(lines);
}
