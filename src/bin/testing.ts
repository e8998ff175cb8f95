/**
 * The published entry point `pegasus-ts/testing`: a whole cluster inside this process, for tests of
 * what is built on it. Real servers and real sockets on free loopback ports; disks and engines are
 * in memory, so nothing is left behind.
 *
 *   await using cluster = await startTestCluster();
 *   await using client = await cluster.connect();
 *   await client.table('temp').set('ada', 'born', '1815');
 */
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { defaultOptions } from '../base/option-table.ts';
import type { Client } from '../client/api.ts';
import { InvalidArgumentError } from '../client/errors.ts';
import type { MetaEnvironment, ReplicaEnvironment } from '../env/environment.ts';
import type { Logger } from '../env/logger.ts';
import { META_OPTIONS } from '../meta/options.ts';
import { MetaServer } from '../meta/server.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { REPLICA_OPTIONS } from '../replica/options.ts';
import { ReplicaServer } from '../replica/server.ts';
import { type ConnectOptions, connect, nodeEnvironment, silent } from './client.ts';

export type { Client, Table } from '../client/api.ts';

export interface TestClusterOptions {
  /** Replica servers, 1 to 10. Default 3. */
  readonly replicas?: number;
  /** Tables to create, with their numbers of partitions. Default: `temp` with 8. */
  readonly tables?: Readonly<Record<string, number>>;
  /** Where the servers' events go; nowhere by default. */
  readonly logger?: Logger;
}

export interface TestCluster extends AsyncDisposable {
  /** What `connect` of the client wants as `metas`. */
  readonly metas: string;
  /** `host:port` of the replica servers. */
  readonly replicas: readonly string[];
  /** A client, to be closed before the cluster. */
  connect(options?: Partial<ConnectOptions>): Promise<Client>;
  /** Ends one server in order; its in-memory disk is kept. */
  stopReplica(index: number): Promise<void>;
  /** Starts it again on its disk and port. */
  startReplica(index: number): Promise<void>;
  close(): Promise<void>;
}

const REPLICAS = 3;
const REPLICAS_MAX = 10;
const CLUSTER_NAME = 'test';
/** Servers of one process need not wait a second for each other. */
const BEACON_INTERVAL_MS = 100;
const HEALTHY_TIMEOUT_MS = 10_000;

/** Resolves when every partition of every table has all its replicas. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const count = options.replicas ?? REPLICAS;
  if (!Number.isInteger(count) || count < 1 || count > REPLICAS_MAX) {
    throw new InvalidArgumentError(`replicas is an integer from 1 to ${REPLICAS_MAX}`);
  }
  const logger = options.logger ?? silent;
  const cluster = await InProcessCluster.open(count, logger);
  try {
    await using client = await cluster.connect();
    const tables = Object.entries(options.tables ?? { temp: 8 });
    const replicaCount = Math.min(count, 3);
    await Promise.all(
      tables.map(([name, partitionCount]) =>
        client.admin.createTable(name, {
          partitionCount,
          replicaCount,
          timeoutMs: HEALTHY_TIMEOUT_MS,
        }),
      ),
    );
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

interface Node {
  readonly disk: MemoryDisk;
  address: HostPort;
  server: ReplicaServer | null;
}

class InProcessCluster implements TestCluster {
  readonly metas: string;
  readonly #logger: Logger;
  readonly #meta: MetaServer;
  readonly #nodes: Node[] = [];

  private constructor(logger: Logger, meta: MetaServer) {
    this.#logger = logger;
    this.#meta = meta;
    this.metas = hostPortText(meta.address);
  }

  static async open(replicas: number, logger: Logger): Promise<InProcessCluster> {
    const environment: MetaEnvironment = {
      ...nodeEnvironment(logger),
      disk: new MemoryDisk(),
    };
    const meta = await MetaServer.open(
      environment,
      defaultOptions(META_OPTIONS, {
        unstableRestartsMax: 0,
        listen: loopback(0),
        clusterName: CLUSTER_NAME,
        dataPath: 'meta',
        tickIntervalMs: 20,
        beaconIntervalMs: BEACON_INTERVAL_MS,
        replicaCountMin: 1,
      }),
    );
    const cluster = new InProcessCluster(logger, meta);
    try {
      for (let index = 0; index < replicas; index++) {
        cluster.#nodes.push({ disk: new MemoryDisk(), address: loopback(0), server: null });
      }
      await Promise.all(cluster.#nodes.map((node) => cluster.#start(node)));
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get replicas(): readonly string[] {
    return this.#nodes.map(({ address }) => hostPortText(address));
  }

  connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    return connect({ ...options, metas: this.metas });
  }

  async stopReplica(index: number): Promise<void> {
    const node = this.#node(index);
    const { server } = node;
    node.server = null;
    await server?.close();
  }

  async startReplica(index: number): Promise<void> {
    const node = this.#node(index);
    if (node.server === null) await this.#start(node);
  }

  async close(): Promise<void> {
    const servers = this.#nodes.map(({ server }) => server);
    await Promise.all(servers.map((server) => server?.close()));
    await this.#meta.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(node: Node): Promise<void> {
    const base = nodeEnvironment(this.#logger);
    const { clock, timers } = base;
    const engines = new MemoryEngineFactory({ disk: node.disk, timers, clock, mayBlock: null });
    const environment: ReplicaEnvironment = { ...base, disk: node.disk, engines };
    node.server = await ReplicaServer.open(
      environment,
      defaultOptions(REPLICA_OPTIONS, {
        listen: node.address,
        clusterName: CLUSTER_NAME,
        metaServers: [this.#meta.address],
        dataPath: 'replica',
        beaconIntervalMs: BEACON_INTERVAL_MS,
        reportIntervalMs: BEACON_INTERVAL_MS,
        tickIntervalMs: 20,
        minReplicaCount: Math.min(2, this.#nodes.length),
      }),
    );
    node.address = node.server.address;
  }

  #node(index: number): Node {
    const node = this.#nodes[index];
    if (node === undefined) throw new InvalidArgumentError(`there is no replica server ${index}`);
    return node;
  }
}

function loopback(port: number): HostPort {
  return { host: '127.0.0.1', port };
}
