/**
 * A cluster of real servers, with RocksDB under them: each sequence has a table of its own. The servers and the client
 * share the clock of this machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/bin/client.ts';
import type { Client, Table } from '../../src/client/api.ts';
import type { Key } from './operations.ts';
import { partitionOf } from './rules.ts';
import type { World } from './sequence.ts';

const PARTITIONS = 4;
const EPOCH_SECONDS = 1_451_606_400;
/** Time has to be waited for here. */
const PAUSE_SECONDS_MAX = 2;
const HEALTHY_LIMIT_MS = 120_000;

export class RealCluster implements AsyncDisposable {
  readonly #client: Client;
  readonly #joining: Client;
  #tables: number = 0;

  private constructor(client: Client, joining: Client) {
    this.#client = client;
    this.#joining = joining;
  }

  static async connect(metas: string): Promise<RealCluster> {
    const options = { metas, timeoutMs: 60_000, ambiguousWrites: 'fail' } as const;
    return new RealCluster(
      await connect(options),
      await connect({ ...options, coalesceGets: true }),
    );
  }

  world(): RealWorld {
    this.#tables++;
    return new RealWorld(this.#client, this.#joining, `differential${this.#tables}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#joining.close();
  }
}

export class RealWorld implements World {
  readonly isReliable = true;
  /** Compactions come when they come. */
  readonly keepsExpired = false;
  readonly table: Table;
  readonly joining: Table;
  readonly #client: Client;

  constructor(client: Client, joining: Client, name: string) {
    this.#client = client;
    this.table = client.table(name);
    this.joining = joining.table(name);
  }

  partitionOf(key: Key): number {
    return partitionOf(key, PARTITIONS);
  }

  nowSeconds(): number {
    return Math.floor(Date.now() / 1000) - EPOCH_SECONDS;
  }

  async pause(seconds: number): Promise<void> {
    await sleep(Math.min(seconds, PAUSE_SECONDS_MAX) * 1000);
  }

  async settle(): Promise<void> {
    throw new Error('without faults nothing is in doubt');
  }

  async run(work: () => Promise<void>): Promise<void> {
    const { admin } = this.#client;
    const { name } = this.table;
    await admin.createTable(name, { partitionCount: PARTITIONS, timeoutMs: HEALTHY_LIMIT_MS });
    try {
      await work();
    } finally {
      await admin.dropTable(name);
    }
  }
}
