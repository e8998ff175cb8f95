/**
 * A cluster of real servers, with RocksDB under them: each sequence has a table of its own. The servers and the client
 * share the clock of this machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeEnvironment, silent } from '../../src/bin/client.ts';
import type { Table } from '../../src/client/api.ts';
import { ClusterClient } from '../../src/client/client.ts';
import { Requests } from './perform-requests.ts';
import { type Key, partitionOf } from './rules.ts';
import type { World } from './sequence.ts';

const PARTITIONS = 4;
const EPOCH_SECONDS = 1_451_606_400;
/** Time has to be waited for here. */
const PAUSE_SECONDS_MAX = 2;
/** Of machines that have much else to do. */
const TIMEOUT_MS = 60_000;
const HEALTHY_LIMIT_MS = 120_000;

export class RealCluster implements AsyncDisposable {
  readonly #client: ClusterClient;
  readonly #joining: ClusterClient;
  #tables: number = 0;

  constructor(metas: string) {
    const options = { metas, timeoutMs: TIMEOUT_MS, ambiguousWrites: 'fail' } as const;
    this.#client = new ClusterClient(nodeEnvironment(silent), options);
    this.#joining = new ClusterClient(nodeEnvironment(silent), { ...options, coalesceGets: true });
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
  readonly requests: Requests;
  readonly #client: ClusterClient;

  constructor(client: ClusterClient, joining: ClusterClient, name: string) {
    this.#client = client;
    this.table = client.table(name);
    this.joining = joining.table(name);
    this.requests = new Requests(client, name);
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
