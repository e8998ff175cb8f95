/**
 * Writes the index: one atomic multiSet per package, many at a time. A write whose fate is unknown is simply written
 * again: nobody else writes these rows. What the cluster has acknowledged is written to a log, for whoever wants to
 * check later that none of it was lost.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { type Client, PegasusError, type Table } from '../../src/bin/client.ts';
import { countPackages, type Package, readPackages } from './index.ts';
import { Progress } from './progress.ts';

export interface LoadOptions {
  readonly table: string;
  readonly partitions: number;
  readonly limit: number;
  readonly inflight: number;
  readonly timeoutMs: number;
  /** Null = none. */
  readonly ackLog: string | null;
}

export interface LoadResult {
  readonly packages: number;
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** Writes that were acknowledged only after the client had given up on them at least once. */
  readonly repeatedWrites: number;
  /** Longest time from the first attempt of a package to its acknowledgement. */
  readonly slowestMs: number;
}

export async function load(client: Client, options: LoadOptions): Promise<LoadResult> {
  await client.admin.createTable(options.table, {
    partitionCount: options.partitions,
    successIfExists: true,
  });
  const loader = new Loader(client.table(options.table), options);
  return await loader.run();
}

class Loader {
  readonly #table: Table;
  readonly #options: LoadOptions;
  readonly #ackLog: WriteStream | null;
  #packages = 0;
  #records = 0;
  #repeated = 0;
  #slowestMs = 0;

  constructor(table: Table, options: LoadOptions) {
    this.#table = table;
    this.#options = options;
    this.#ackLog = options.ackLog === null ? null : createWriteStream(options.ackLog);
  }

  async run(): Promise<LoadResult> {
    const { limit, inflight } = this.#options;
    const progress = new Progress('load  ', await countPackages(limit));
    const beganMs = performance.now();
    const source = readPackages(limit);
    const writers = Array.from({ length: inflight }, () => this.#write(source, progress));
    await Promise.all(writers);
    const seconds = (performance.now() - beganMs) / 1000;
    progress.end(this.#packages, this.#records);
    await this.#closeLog();
    return {
      packages: this.#packages,
      records: this.#records,
      seconds: Math.round(seconds * 1000) / 1000,
      recordsPerSecond: Math.round(this.#records / seconds),
      repeatedWrites: this.#repeated,
      slowestMs: Math.round(this.#slowestMs),
    };
  }

  /** One of the writers that share the source. */
  async #write(source: AsyncGenerator<Package>, progress: Progress): Promise<void> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      const { hashKey, fields } = next.value;
      const beganMs = performance.now();
      await this.#writeUntilAcknowledged(hashKey, fields);
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - beganMs);
      this.#packages++;
      this.#records += fields.size;
      this.#ackLog?.write(`${hashKey}\n`);
      const note = this.#repeated === 0 ? '' : `(${this.#repeated} repeated)`;
      progress.update(this.#packages, this.#records, note);
    }
  }

  async #writeUntilAcknowledged(
    hashKey: string,
    fields: ReadonlyMap<string, string>,
  ): Promise<void> {
    const { timeoutMs } = this.#options;
    const giveUpMs = performance.now() + timeoutMs;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#table.multiSet(hashKey, fields, { timeoutMs });
        return;
      } catch (error) {
        const isTransient =
          error instanceof PegasusError &&
          (error.code === 'inDoubt' || error.code === 'timeout' || error.code === 'unavailable');
        if (!isTransient || performance.now() >= giveUpMs) throw error;
        if (attempt === 0) this.#repeated++;
      }
    }
  }

  #closeLog(): Promise<void> {
    const log = this.#ackLog;
    if (log === null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      log.on('error', reject);
      log.end(resolve);
    });
  }
}
