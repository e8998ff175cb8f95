/**
 * What the meta server shows over HTTP: the paths and the shapes of the original, whose tools and
 * whose users' scripts read them. All values in tables are texts, as there.
 */
import { ErrorCode, errorName } from '../base/error-names.ts';
import type { ClusterBrain } from '../cluster/brain.ts';
import { envDescriptions, envRefusal } from '../cluster/env-rules.ts';
import type { Partition } from '../cluster/partition.ts';
import type { Table } from '../cluster/table.ts';
import type { MetaService } from '../meta/meta-service.ts';
import { type HostPort, hostPortText, type NodeId } from '../model/identity.ts';
import { compactionRequest } from './compaction-request.ts';
import { timeText } from './program-routes.ts';
import {
  type HttpQuery,
  type HttpReply,
  type HttpRoute,
  jsonReply,
  missingParameter,
  textReply,
} from './routes.ts';

/** A term of the meta server, as far as its pages need it. */
export interface MetaPagesParts {
  readonly brain: ClusterBrain;
  readonly service: MetaService;
}

export interface MetaPagesServer {
  /** Null while it does not lead. */
  readonly term: MetaPagesParts | null;
  readonly leader: HostPort | null;
}

type Cells = Record<string, string | number | boolean>;
type Answer = (parts: MetaPagesParts, query: HttpQuery) => HttpReply;

export function metaRoutes(server: MetaPagesServer): HttpRoute[] {
  const page = (
    path: string,
    help: string,
    parameters: readonly string[],
    answer: Answer,
  ): HttpRoute => ({
    path,
    method: 'GET',
    help,
    parameters,
    answer: (query) => (server.term === null ? notHere(server) : answer(server.term, query)),
  });
  return [
    page('/meta/app', 'one table: ?name=TABLE[&detail]', ['name', 'detail'], ({ brain }, query) => {
      const name = query.get('name') ?? '';
      if (name === '') return missingParameter('name');
      const table = brain.state.tableNamed(name);
      if (table === undefined) return textReply(404, `there is no table ${name}`);
      return tablePage(table, query);
    }),
    page('/meta/apps', 'all tables: [?detail]', ['detail'], ({ brain }, query) =>
      tablesPage(
        [...brain.state.tables()].filter((table) => table.isAvailable),
        query,
      ),
    ),
    page('/meta/nodes', 'replica servers: [?detail]', ['detail'], ({ brain }, query) =>
      nodesPage(brain, query),
    ),
    page('/meta/cluster', 'the cluster', [], ({ service }) => {
      const { keys, values } = service.clusterFacts();
      const pairs = keys.map((key, index) => [key, values[index]!] as const);
      return jsonReply(Object.fromEntries(pairs.filter(([key]) => key !== 'cluster_name')));
    }),
    page('/meta/app_envs', 'settings of a table: ?name=TABLE', ['name'], ({ brain }, query) => {
      const name = query.get('name') ?? '';
      if (name === '') return missingParameter('name');
      return jsonReply(Object.fromEntries(brain.state.tableNamed(name)?.app.envs ?? []));
    }),
    page('/envs/list', 'settings that tables can have', [], () =>
      jsonReply(Object.fromEntries(envDescriptions())),
    ),
    {
      path: '/meta/app/usage_scenario',
      method: 'POST',
      help: 'how a table is used: {"app_name", "scenario": "normal" | "bulk_load"}',
      parameters: [],
      answer: (_query, body) =>
        server.term === null ? notHere(server) : usageScenario(body, server.term.service),
    },
    {
      path: '/meta/app/start_compaction',
      method: 'POST',
      help: 'compacts a table: {"app_name", "type": "once" | "periodic", "trigger_time", …}',
      parameters: [],
      answer: (_query, body) =>
        server.term === null ? notHere(server) : startCompaction(body, server.term.service),
    },
  ];
}

function notHere({ leader }: MetaPagesServer): HttpReply {
  if (leader === null) return textReply(503, 'no meta server leads at the moment');
  return { ...textReply(307, `${hostPortText(leader)} leads`), elsewhere: leader };
}

// ---- tables ----

function tablePage(table: Table, query: HttpQuery): HttpReply {
  const { appName, appId, partitionCount, maxReplicaCount } = table.app;
  const general = texts({
    app_name: appName,
    app_id: appId,
    partition_count: partitionCount,
    max_replica_count: maxReplicaCount,
  });
  if (!query.has('detail')) return jsonReply({ general });
  return jsonReply({
    general,
    replicas: rows('pidx', table.partitions.map(partitionCells)),
    nodes: rows('node', nodeCells(table)),
    healthy: texts(countHealth('_partition_count', table)),
  });
}

function partitionCells(partition: Partition): Cells {
  const { config } = partition.record;
  const members = membersOf(partition);
  return {
    pidx: config.gpid.partitionIndex,
    ballot: config.ballot,
    replica_count: `${members}/${partition.table.app.maxReplicaCount}`,
    primary: config.primary ?? '-',
    secondaries: `[${config.secondaries.join(',')}]`,
  };
}

function nodeCells(table: Table): Cells[] {
  const counts = new Map<NodeId, { primary: number; secondary: number }>();
  const of = (node: NodeId): { primary: number; secondary: number } => {
    const found = counts.get(node) ?? { primary: 0, secondary: 0 };
    counts.set(node, found);
    return found;
  };
  for (const { record } of table.partitions) {
    if (record.config.primary !== null) of(record.config.primary).primary += 1;
    for (const node of record.config.secondaries) of(node).secondary += 1;
  }
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const cells = sorted.map(([node, { primary, secondary }]) => ({
    node: node as string,
    primary,
    secondary,
    total: primary + secondary,
  }));
  const sum = (pick: (row: (typeof cells)[number]) => number): number =>
    cells.reduce((total, row) => total + pick(row), 0);
  const primary = sum((row) => row.primary);
  const secondary = sum((row) => row.secondary);
  return [...cells, { node: 'total', primary, secondary, total: primary + secondary }];
}

function tablesPage(tables: readonly Table[], query: HttpQuery): HttpReply {
  const general_info = rows(
    'app_id',
    tables.map(({ app }) => ({
      app_id: app.appId,
      status: 'AVAILABLE',
      app_name: app.appName,
      app_type: app.appType,
      partition_count: app.partitionCount,
      replica_count: app.maxReplicaCount,
      is_stateful: true,
      create_time: app.createSeconds > 0 ? timeText(new Date(app.createSeconds * 1000)) : '-',
      drop_time: '-',
      drop_expire: '-',
      envs_count: app.envs.size,
    })),
  );
  if (!query.has('detail') || tables.length === 0) {
    return jsonReply({ general_info, summary: texts({ total_app_count: tables.length }) });
  }
  const healths = tables.map((table) => countHealth('', table));
  const healthy_info = rows(
    'app_id',
    tables.map(({ app }, index) => ({
      app_id: app.appId,
      app_name: app.appName,
      partition_count: app.partitionCount,
      ...healths[index]!,
    })),
  );
  const count = (has: (health: Health) => boolean): number => healths.filter(has).length;
  const summary = texts({
    total_app_count: tables.length,
    fully_healthy_app_count: count((health) => health['unhealthy'] === 0),
    unhealthy_app_count: count((health) => health['unhealthy']! > 0),
    write_unhealthy_app_count: count((health) => health['write_unhealthy']! > 0),
    read_unhealthy_app_count: count((health) => health['read_unhealthy']! > 0),
  });
  return jsonReply({ general_info, healthy_info, summary });
}

type Health = Readonly<Record<string, number>>;

/** Partitions of a table by health; each name with `suffix` behind it. */
function countHealth(suffix: string, table: Table): Health {
  let fully_healthy = 0;
  let write_unhealthy = 0;
  let read_unhealthy = 0;
  const { maxReplicaCount } = table.app;
  for (const partition of table.partitions) {
    const members = membersOf(partition);
    if (partition.record.config.primary === null) read_unhealthy += 1;
    if (members >= maxReplicaCount) fully_healthy += 1;
    else if (partition.record.config.primary === null || members < 2) write_unhealthy += 1;
  }
  const unhealthy = table.app.partitionCount - fully_healthy;
  const counts = { fully_healthy, unhealthy, write_unhealthy, read_unhealthy };
  return Object.fromEntries(Object.entries(counts).map(([name, n]) => [name + suffix, n]));
}

function membersOf(partition: Partition): number {
  const { primary, secondaries } = partition.record.config;
  return (primary === null ? 0 : 1) + secondaries.length;
}

// ---- nodes ----

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1_048_576);
}

function nodesPage(brain: ClusterBrain, query: HttpQuery): HttpReply {
  const nodes = [...brain.state.nodes.all()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const details = rows(
    'address',
    nodes.map((node): Cells => {
      const row = { address: node.id as string, status: node.usable ? 'ALIVE' : 'UNALIVE' };
      if (!query.has('detail')) return row;
      const replica_count = brain.state.replicaCountOf(node.id);
      const primary_count = brain.state.primaryCountOf(node.id);
      const secondary_count = replica_count - primary_count;
      const counts = { replica_count, primary_count, secondary_count };
      const ban = brain.state.admission.banOf(node) ?? '';
      const { totalBytes, freeBytes } = node;
      const disk = {
        disk_total_mb: megabytes(totalBytes),
        disk_available_mb: megabytes(freeBytes),
      };
      return { ...row, ...counts, ...disk, ...node.labels, ban };
    }),
  );
  const alive = nodes.filter((node) => node.usable).length;
  const summary = texts({
    total_node_count: nodes.length,
    alive_node_count: alive,
    unalive_node_count: nodes.length - alive,
  });
  return jsonReply({ details, summary });
}

// ---- settings of tables ----

const USAGE_KEY = 'rocksdb.usage_scenario';

async function usageScenario(body: string, service: MetaService): Promise<HttpReply> {
  const request = parseObject(body);
  const table = request?.['app_name'];
  const scenario = request?.['scenario'];
  if (typeof table !== 'string' || typeof scenario !== 'string') {
    return textReply(400, 'the body is JSON with the texts app_name and scenario');
  }
  if (envRefusal(USAGE_KEY, scenario) !== null || scenario === 'prefer_write') {
    return errorReply(ErrorCode.invalidParameters, 'scenario is normal or bulk_load');
  }
  const { code, hint } = await service.setEnvs(table, new Map([[USAGE_KEY, scenario]]));
  return errorReply(code, hint);
}

async function startCompaction(body: string, service: MetaService): Promise<HttpReply> {
  const request = compactionRequest(parseObject(body), Math.floor(Date.now() / 1_000));
  if (typeof request === 'string') return textReply(400, request);
  const { code, hint } = await service.setEnvs(request.table, request.envs);
  return errorReply(code, hint);
}

function errorReply(code: ErrorCode, hint: string): HttpReply {
  return jsonReply({ error: errorName(code), hint_message: hint });
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

// ---- tables of texts ----

function texts(cells: Cells): Record<string, string> {
  return Object.fromEntries(Object.entries(cells).map(([name, value]) => [name, String(value)]));
}

/** By the text of their first column. */
function rows(first: string, all: readonly Cells[]): Record<string, Record<string, string>> {
  return Object.fromEntries(all.map((cells) => [String(cells[first]), texts(cells)]));
}
