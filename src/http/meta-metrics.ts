/** What the meta server measures: the servers it knows, and the health of each table. */
import type { Table } from '../cluster/table.ts';
import type { MetaServer } from '../meta/server.ts';
import { gauge, type Metric, type MetricEntity } from './metrics.ts';
import { serverMetrics } from './server-metrics.ts';

export function metaMetrics(server: MetaServer): MetricEntity[] {
  const leads = gauge('is_leader', 'Servers', server.isSure ? 1 : 0, 'it leads, and is sure of it');
  const own = (metrics: readonly Metric[]): MetricEntity => ({
    type: 'server',
    id: 'server',
    attributes: {},
    metrics: [leads, ...metrics, ...serverMetrics(server.statistics)],
  });
  if (server.term === null) return [own([])];
  const { state } = server.term.brain;
  const nodes = [...state.nodes.all()];
  const alive = nodes.filter((node) => node.usable).length;
  const servers = [
    gauge('alive_replica_servers', 'Servers', alive, 'replica servers that are alive'),
    gauge('unalive_replica_servers', 'Servers', nodes.length - alive, 'and those that are not'),
  ];
  const tables = [...state.tables()].filter((table) => table.isAvailable);
  return [own(servers), ...tables.map(tableEntity)];
}

function tableEntity(table: Table): MetricEntity {
  const { appId, maxReplicaCount } = table.app;
  let dead = 0;
  let unreadable = 0;
  let unwritable = 0;
  let writableIll = 0;
  let healthy = 0;
  for (const { record } of table.partitions) {
    const { primary, secondaries } = record.config;
    const members = (primary === null ? 0 : 1) + secondaries.length;
    if (members === 0) dead += 1;
    else if (primary === null) unreadable += 1;
    else if (members < 2 && maxReplicaCount > 1) unwritable += 1;
    else if (members < maxReplicaCount) writableIll += 1;
    else healthy += 1;
  }
  const partitions = (name: string, value: number, desc: string): ReturnType<typeof gauge> =>
    gauge(name, 'Partitions', value, desc);
  return {
    type: 'table',
    id: `table@${appId}`,
    attributes: { table_id: String(appId) },
    metrics: [
      partitions('dead_partitions', dead, 'partitions without a member'),
      partitions('unreadable_partitions', unreadable, 'partitions without a primary'),
      partitions('unwritable_partitions', unwritable, 'partitions with too few members to write'),
      partitions('writable_ill_partitions', writableIll, 'partitions that lack a member'),
      partitions('healthy_partitions', healthy, 'partitions with all their members'),
    ],
  };
}
