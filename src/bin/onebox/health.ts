/** Whether a onebox serves: its servers known to the meta server, its tables there, every partition whole. */
import type { Client, TableConfig } from '../../client/api.ts';
import { PegasusError } from '../../client/errors.ts';
import { hostPortText } from '../../model/identity.ts';
import { connect } from '../client.ts';
import { metaAddresses, type Onebox } from './cluster.ts';
import { pauseMs } from './processes.ts';

export interface TableHealth {
  readonly name: string;
  readonly id: number;
  readonly partitions: number;
  /** With a primary and all the secondaries they should have. */
  readonly healthy: number;
}

/** What is seen from outside. */
export interface Sight {
  readonly tables: TableHealth[];
  /** `host:port` */
  readonly leader: string;
}

interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** In the order of their ids, 1 and 2, which scripts rely on. */
const TABLES: readonly { readonly name: string; readonly partitions: number }[] = [
  { name: 'stat', partitions: 4 },
  { name: 'temp', partitions: 8 },
];
const REPLICAS_PER_PARTITION = 3;
const POLL_MS = 50;
const GLANCE_MS = 3_000;

/** Makes the tables that are missing; resolves when all is healthy. */
export async function waitUntilHealthy(
  onebox: Onebox,
  limitMs: number,
  signal: AbortSignal,
): Promise<Sight> {
  const untilMs = performance.now() + limitMs;
  const left = (): Patience => ({ timeoutMs: Math.max(untilMs - performance.now(), 1), signal });
  await using client = await connect({
    metas: metaAddresses(onebox),
    timeoutMs: limitMs,
    lazy: true,
  });
  await waitUntilRegistered(client, onebox, left);
  const replicaCount = Math.min(REPLICAS_PER_PARTITION, onebox.replicas);
  // Those that are there may have got other settings or another number of replicas.
  const present = (await client.admin.listTables(left())).map(({ name }) => name);
  for (const { name, partitions } of TABLES) {
    if (present.includes(name)) continue;
    await client.admin.createTable(name, {
      partitionCount: partitions,
      replicaCount,
      successIfExists: true,
      ...left(),
    });
  }
  const tables = await client.admin.listTables(left());
  for (const { name } of tables) await client.admin.waitHealthy(name, left());
  return await sight(client);
}

/** A look from outside; null when no meta server answers. */
export async function glance(onebox: Onebox): Promise<Sight | null> {
  await using client = await connect({
    metas: metaAddresses(onebox),
    timeoutMs: GLANCE_MS,
    lazy: true,
  });
  try {
    return await sight(client);
  } catch (error) {
    if (error instanceof PegasusError) return null;
    throw error;
  }
}

async function waitUntilRegistered(
  client: Client,
  onebox: Onebox,
  left: () => Patience,
): Promise<void> {
  const wanted = onebox.nodes
    .filter((node) => node.kind === 'replica')
    .map((node) => hostPortText(node.address));
  for (;;) {
    const nodes = await client.admin.listNodes(left());
    const alive = new Set(nodes.filter((node) => node.alive).map((node) => node.address));
    if (wanted.every((address) => alive.has(address)) || left().timeoutMs === 1) return;
    await pauseMs(POLL_MS);
  }
}

async function sight(client: Client): Promise<Sight> {
  const facts = await client.admin.clusterInfo();
  return { tables: await tableHealth(client), leader: facts.get('primary_meta_server') ?? '' };
}

async function tableHealth(client: Client): Promise<TableHealth[]> {
  const tables = await client.admin.listTables();
  const health = tables.map(async ({ name, appId, partitionCount }) => {
    const healthy = countHealthy(await client.admin.tableConfig(name));
    return { name, id: appId, partitions: partitionCount, healthy };
  });
  return await Promise.all(health);
}

function countHealthy(config: TableConfig): number {
  return config.partitions.filter(
    ({ primary, secondaries }) => primary !== null && secondaries.length + 1 >= config.replicaCount,
  ).length;
}
