/**
 * What a meta server is started with, declared once.
 *
 *   const meta = await MetaServer.open(environment, defaultOptions(META_OPTIONS, { listen, dataPath }));
 *   meta.address;         // with the real port
 *   await meta.close();
 */
import { type OptionRelation, type OptionTable, SECOND_MS } from '../base/option-table.ts';
import {
  type ClusterSettings,
  DEFAULT_CLUSTER_SETTINGS,
  graceCoversLease,
  leaseCoversBeacons,
  probesEndWithinGrace,
} from '../cluster/settings.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';

export interface MetaOptions extends ClusterSettings {
  /** Port 0 picks a free one. */
  readonly listen: HostPort;
  /** What others connect to; null = as `listen`, with the real port. */
  readonly advertised: HostPort | null;
  /** Servers of another cluster are refused, and so is a data folder of another cluster. */
  readonly clusterName: string;
  /** Folder of the journal; created if it is missing. */
  readonly dataPath: string;
  readonly store: 'journal' | 'etcd' | 'zookeeper';
  /** Of the store, if it is a service. */
  /** Folder of dumps; null = beside the data folder. */
  readonly dumpPath: string | null;
  readonly dumpIntervalMs: number;
  readonly dumpsKept: number;
  readonly storeEndpoints: readonly HostPort[] | null;
  /** All meta servers of the cluster, this one too; null, or of no meaning, with the journal. */
  readonly metaServers: readonly HostPort[] | null;
  /** Who is not heard by the store for so long loses the lead; promises of the others hold as long. */
  readonly leadTimeoutMs: number;
  /** How often dead nodes are looked for and cures are tried again. */
  readonly tickIntervalMs: number;
  /** Configurations carry the fields that clients of before host names cannot read past. */
  readonly hostPortFields: boolean;
  readonly connectionsPerAddressMax: number;
}

const DEFAULTS = DEFAULT_CLUSTER_SETTINGS;

export const META_OPTIONS: OptionTable<MetaOptions> = {
  listen: {
    key: 'meta.listen',
    type: 'hostPort',
    default: { host: '127.0.0.1', port: 34601 },
    help: 'Where the meta server accepts connections.',
  },
  advertised: {
    key: 'meta.advertised',
    type: 'hostPort',
    default: null,
    help: 'Where others connect to when that is not the listen address (containers, NAT).',
  },
  clusterName: {
    key: 'cluster.name',
    type: 'string',
    default: 'onebox',
    help: 'Name of the cluster; servers and data folders of another cluster are refused.',
  },
  dataPath: {
    key: 'meta.data_dir',
    type: 'string',
    default: 'meta',
    help: 'Folder of the journal that holds tables and configurations.',
  },
  store: {
    key: 'meta.store',
    type: 'enumeration',
    values: ['journal', 'etcd', 'zookeeper'],
    default: 'journal',
    help: 'Where tables and configurations are kept. journal: in meta.data_dir, for one meta server. etcd, zookeeper: in a service that several meta servers share.',
  },
  dumpPath: {
    key: 'meta.dump_dir',
    type: 'string',
    default: null,
    help: 'Folder for dumps of the state; not set: beside meta.data_dir, with -dumps at its end.',
  },
  dumpIntervalMs: {
    key: 'meta.dump_interval_ms',
    type: 'duration',
    default: 3_600 * SECOND_MS,
    minimum: 0,
    maximum: 30 * 86_400 * SECOND_MS,
    help: 'How often the leader writes a dump of its state, if it has changed; 0 = never.',
  },
  dumpsKept: {
    key: 'meta.dumps_kept',
    type: 'integer',
    default: 24,
    minimum: 1,
    maximum: 10_000,
    help: 'How many of these dumps are kept; those that were asked for (meta.dump) stay.',
  },
  storeEndpoints: {
    key: 'meta.store_endpoints',
    type: 'hostPorts',
    default: null,
    help: 'Addresses of the members of the etcd or ZooKeeper, for their clients.',
  },
  metaServers: {
    key: 'cluster.meta_servers',
    type: 'hostPorts',
    default: null,
    help: 'Addresses of all meta servers, the same list on each of them. With the journal there is only one, and this is not looked at.',
  },
  leadTimeoutMs: {
    key: 'meta.lead_timeout_ms',
    type: 'duration',
    default: 3 * SECOND_MS,
    minimum: 2 * SECOND_MS,
    maximum: 60 * SECOND_MS,
    help: 'How long after its last sign of life the leader of several meta servers is followed by another one. The same on all of them.',
  },
  tickIntervalMs: {
    key: 'meta.tick_interval_ms',
    type: 'duration',
    default: 200,
    minimum: 10,
    maximum: 10 * SECOND_MS,
    help: 'How often dead servers are looked for and cures are tried again.',
  },
  connectionsPerAddressMax: {
    key: 'meta.connections_per_address_max',
    type: 'integer',
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
    help: 'Connections of clients from one address; more are closed. 0 = no limit but that of all together, 10,000.',
  },
  hostPortFields: {
    key: 'meta.host_port_fields',
    type: 'boolean',
    default: true,
    help: 'Configurations name servers by host and port too (hp_primary and its like). Switch it off for clients released before these fields (pypegasus3 from PyPI): they cannot read past them. The C++ client always gets them.',
  },
  beaconIntervalMs: {
    key: 'meta.beacon_interval_ms',
    type: 'duration',
    default: DEFAULTS.beaconIntervalMs,
    minimum: 10,
    maximum: 60 * SECOND_MS,
    help: 'How often replica servers are expected to say that they are alive.',
  },
  leaseMs: {
    key: 'meta.lease_ms',
    type: 'duration',
    default: DEFAULTS.leaseMs,
    minimum: 100,
    maximum: 600 * SECOND_MS,
    help: 'How long a replica server may lead after its last acknowledged beacon.',
  },
  graceMs: {
    key: 'meta.grace_ms',
    type: 'duration',
    default: DEFAULTS.graceMs,
    minimum: 100,
    maximum: 900 * SECOND_MS,
    help: 'How long after its last beacon a replica server is declared dead.',
  },
  fastFailover: {
    key: 'meta.fast_failover',
    type: 'boolean',
    default: DEFAULTS.fastFailover,
    help: 'A crashed server is replaced as soon as its machine and a second witness refuse connections to it, without waiting for the grace. Switch it off where something else than the machine itself may refuse them while the server lives (a virtual service address).',
  },
  probeIntervalMs: {
    key: 'meta.probe_interval_ms',
    type: 'duration',
    default: DEFAULTS.probeIntervalMs,
    minimum: 10,
    maximum: 10 * SECOND_MS,
    help: 'Time between two attempts to connect to a server whose connection has ended; there are ten.',
  },
  replacementDelayMs: {
    key: 'meta.replacement_delay_ms',
    type: 'duration',
    default: DEFAULTS.replacementDelayMs,
    minimum: 0,
    maximum: 86_400 * SECOND_MS,
    help: 'How long a partition waits for a lost member before another server gets a copy.',
  },
  urgentReplacementDelayMs: {
    key: 'meta.urgent_replacement_delay_ms',
    type: 'duration',
    default: DEFAULTS.urgentReplacementDelayMs,
    minimum: 0,
    maximum: 86_400 * SECOND_MS,
    help: 'The same for a partition with too few members to take writes.',
  },
  learnStallMs: {
    key: 'meta.learn_stall_ms',
    type: 'duration',
    default: DEFAULTS.learnStallMs,
    minimum: 100,
    maximum: 3_600 * SECOND_MS,
    help: 'A learner without progress for this long is given up and another one chosen.',
  },
  learnRetryDelayMs: {
    key: 'meta.learn_retry_delay_ms',
    type: 'duration',
    default: DEFAULTS.learnRetryDelayMs,
    minimum: 0,
    maximum: 3_600 * SECOND_MS,
    help: 'How long a server that failed to learn a partition is not tried again for it.',
  },
  learnsPerNodeMax: {
    key: 'meta.learns_per_node_max',
    type: 'integer',
    default: DEFAULTS.learnsPerNodeMax,
    minimum: 1,
    maximum: 1_000,
    help: 'Copies under way at a time per server, as receiver and as sender.',
  },
  movesPerNodeMax: {
    key: 'meta.moves_per_node_max',
    type: 'integer',
    default: DEFAULTS.movesPerNodeMax,
    minimum: 1,
    maximum: 1_000,
    help: 'Copies that move from or to one server at a time, for balance and for drains. A lead that is handed over counts a quarter.',
  },
  balanceIntervalMs: {
    key: 'meta.balance_interval_ms',
    type: 'duration',
    default: DEFAULTS.balanceIntervalMs,
    minimum: 100,
    maximum: 3_600 * SECOND_MS,
    help: 'How often the balance looks for something to move.',
  },
  balanceQuietMs: {
    key: 'meta.balance_quiet_ms',
    type: 'duration',
    default: DEFAULTS.balanceQuietMs,
    minimum: 0,
    maximum: 86_400 * SECOND_MS,
    help: 'Nothing is balanced before no server has come or gone for so long.',
  },
  surplusDelayMs: {
    key: 'meta.surplus_delay_ms',
    type: 'duration',
    default: DEFAULTS.surplusDelayMs,
    minimum: 0,
    maximum: 86_400 * SECOND_MS,
    help: 'How long a partition has to be healthy before copies elsewhere are removed.',
  },
  replicaCountMin: {
    key: 'meta.replica_count_min',
    type: 'integer',
    default: DEFAULTS.replicaCountMin,
    minimum: 1,
    maximum: 5,
    help: 'Fewest replicas per partition that a table may be created with.',
  },
  replicaCountMax: {
    key: 'meta.replica_count_max',
    type: 'integer',
    default: DEFAULTS.replicaCountMax,
    minimum: 1,
    maximum: 5,
    help: 'Most replicas per partition that a table may be created with.',
  },
  partitionCountMax: {
    key: 'meta.partition_count_max',
    type: 'integer',
    default: DEFAULTS.partitionCountMax,
    minimum: 1,
    maximum: 65_536,
    help: 'Most partitions that a table may be created with.',
  },
  dropHoldSeconds: {
    key: 'meta.drop_hold_seconds',
    type: 'integer',
    default: DEFAULTS.dropHoldSeconds,
    minimum: 1,
    maximum: 10 * 365 * 86_400,
    help: 'How long a dropped table can be recalled when the drop does not say.',
  },
  replicaWhiteList: {
    key: 'meta.replica_white_list',
    type: 'hostPorts',
    default: null,
    help: 'Only these replica servers may join, by the addresses under which others reach them. Not set: all. A server that holds copies already keeps them and gets no more.',
  },
  unstableRestartsMax: {
    key: 'meta.max_succssive_unstable_restart',
    type: 'integer',
    default: DEFAULTS.unstableRestartsMax,
    minimum: 0,
    maximum: 1_000,
    help: 'A replica server that ended so often in a row, without a farewell and each time soon after its start, gets no copies until it has run for a while. 0: never mind. (The name is that of the original.)',
  },
  stableAfterMs: {
    key: 'meta.stable_after_ms',
    type: 'duration',
    default: DEFAULTS.stableAfterMs,
    minimum: 0,
    maximum: 86_400 * SECOND_MS,
    help: 'A replica server that has run so long is stable.',
  },
  liveNodesMin: {
    key: 'meta.min_live_node_count_for_unfreeze',
    type: 'integer',
    default: DEFAULTS.liveNodesMin,
    minimum: 0,
    maximum: 10_000,
    help: 'While fewer replica servers live, the cluster is frozen: no tables are created, and no copies made. 0: never.',
  },
  liveNodesPercentMin: {
    key: 'meta.node_live_percentage_threshold_for_update',
    type: 'integer',
    default: DEFAULTS.liveNodesPercentMin,
    minimum: 0,
    maximum: 100,
    help: 'The same while fewer percent of the replica servers live. 0: never.',
  },
};

function namesOf(servers: readonly HostPort[] | null): string[] {
  return servers?.map(hostPortText) ?? [];
}

/** What others know this server by, with a fixed port. */
function ownAddress({ advertised, listen }: MetaOptions): string {
  return hostPortText(advertised ?? listen);
}

/** What must hold between them; broken ones are reported with both keys. */
export const META_OPTION_RELATIONS: readonly OptionRelation<MetaOptions>[] = [
  {
    holds: ({ store, storeEndpoints }) => store === 'journal' || storeEndpoints !== null,
    message: 'meta.store needs meta.store_endpoints, unless it is journal',
  },
  {
    holds: (options) =>
      options.store === 'journal' || namesOf(options.metaServers).includes(ownAddress(options)),
    message:
      'cluster.meta_servers must name all meta servers, this one too: its meta.advertised, or else meta.listen',
  },
  {
    holds: ({ metaServers }) => new Set(namesOf(metaServers)).size === namesOf(metaServers).length,
    message: 'cluster.meta_servers must name each meta server once',
  },
  {
    holds: leaseCoversBeacons,
    message:
      'meta.lease_ms must be at least twice meta.beacon_interval_ms, or one lost beacon stops a server',
  },
  {
    holds: graceCoversLease,
    message:
      'meta.grace_ms must be at least meta.lease_ms plus 5 % and 250 ms, or two servers could lead at once',
  },
  {
    holds: probesEndWithinGrace,
    message: 'meta.probe_interval_ms must be at most a tenth of meta.grace_ms',
  },
  {
    holds: (options) => 10 * options.tickIntervalMs <= options.graceMs,
    message: 'meta.tick_interval_ms must be at most a tenth of meta.grace_ms',
  },
  {
    holds: (options) => options.replacementDelayMs >= options.urgentReplacementDelayMs,
    message: 'meta.replacement_delay_ms must not be shorter than meta.urgent_replacement_delay_ms',
  },
  {
    holds: (options) => options.replicaCountMax >= options.replicaCountMin,
    message: 'meta.replica_count_max must not be smaller than meta.replica_count_min',
  },
];
