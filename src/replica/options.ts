/** What a replica server is started with. */

import type { HostPort } from '../base/host-port.ts';
import {
  KIB,
  MIB,
  MINUTE_MS,
  type OptionRelation,
  type OptionTable,
  SECOND_MS,
} from '../base/option-table.ts';

export interface ReplicaOptions {
  readonly listen: HostPort;
  /** What others connect to; null = as `listen`, with the real port. */
  readonly advertised: HostPort | null;
  readonly zone: string | null;
  readonly rack: string | null;
  /** Null: the host by which others reach this server. */
  readonly host: string | null;
  readonly connectionsPerAddressMax: number;
  readonly clusterName: string;
  readonly metaServers: readonly HostPort[];
  readonly dataPath: string;
  readonly durability: 'fsync' | 'os';
  readonly beaconIntervalMs: number;
  readonly leaseMs: number;
  readonly reportIntervalMs: number;
  readonly tickIntervalMs: number;
  readonly minReplicaCount: number;
  readonly inFlightMax: number;
  readonly prepareTimeoutMs: number;
  readonly memberSilenceMs: number;
  readonly slowFactor: number;
  readonly slowMinimumMs: number;
  readonly slowAfterMs: number;
  readonly slowPauseMs: number;
  /** Larger write requests are refused with ERR_INVALID_DATA; 0 = no limit but the frame's. */
  /** What was removed, and what had failed, is held in the trash for so long; see trash.ts. */
  readonly trashRemovedHoldMs: number;
  readonly trashFailedHoldMs: number;
  readonly writeBytesMax: number;
  /** From here on a read counts as slow, unless its table says otherwise. */
  readonly slowQueryMs: number;
  readonly slowQueryLogKeys: boolean;
  /** More requests under way are refused with ERR_BUSY. */
  readonly pendingReadsMax: number;
  readonly pendingWritesMax: number;
  readonly pendingWriteBytesMax: number;
  /** A mutation is sealed when it has so many bytes. */
  readonly mutationBytesMax: number;
  readonly logSegmentBytesMax: number;
  /** From so many bytes on that wait to be written to the log, writes of clients are refused. */
  readonly logCongestedBytes: number;
  /** When the log is larger, the replicas that need its oldest part are flushed. */
  readonly logBytesMax: number;
  /** A replica with unflushed writes is flushed after so long. */
  readonly flushIntervalMs: number;
  readonly learnBytesPerSecondMax: number;
  /** A checkpoint is fetched in pieces of so many bytes. */
  readonly learnPieceBytesMax: number;
  /** Committed mutations kept in memory, per replica. */
  readonly tailBytesMax: number;
}

export const REPLICA_OPTIONS: OptionTable<ReplicaOptions> = {
  listen: {
    key: 'replica.listen',
    type: 'hostPort',
    default: { host: '127.0.0.1', port: 34801 },
    help: 'Address to listen on. Port 0 picks a free one.',
  },
  advertised: {
    key: 'replica.advertised',
    type: 'hostPort',
    default: null,
    help: 'Address that clients and other servers connect to; also the identity of this server, under which its data folder belongs to it. Not set: as listen.',
  },
  zone: {
    key: 'replica.zone',
    type: 'string',
    default: null,
    help: 'Label: what this server shares its power and network with at large (an availability zone, a data hall). The copies of a partition are kept in different zones, then racks, then hosts, as far as there are others.',
  },
  rack: {
    key: 'replica.rack',
    type: 'string',
    default: null,
    help: 'Label: the rack within the zone.',
  },
  host: {
    key: 'replica.host',
    type: 'string',
    default: null,
    help: 'Label: the machine, where several servers run on one. Not set: the host of the address under which others reach this server.',
  },
  connectionsPerAddressMax: {
    key: 'replica.connections_per_address_max',
    type: 'integer',
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
    help: 'Connections of clients from one address; more are closed. 0 = no limit but that of all together, 10,000.',
  },
  clusterName: {
    key: 'cluster.name',
    type: 'string',
    default: 'onebox',
    help: 'Servers of another cluster are refused.',
  },
  metaServers: {
    key: 'cluster.meta_servers',
    type: 'hostPorts',
    required: true,
    help: 'Addresses of all meta servers.',
  },
  dataPath: {
    key: 'replica.data_dir',
    type: 'string',
    required: true,
    help: 'Folder for the log and the replicas. One server at a time.',
  },
  durability: {
    key: 'replica.durability',
    type: 'enumeration',
    values: ['fsync', 'os'],
    default: 'fsync',
    help: 'fsync: a write is on the disks of all members before it is answered. os: it is in the page caches of all members; a power cut that hits all of them at once may lose the last second.',
  },
  beaconIntervalMs: {
    key: 'replica.beacon_interval_ms',
    type: 'duration',
    default: SECOND_MS,
    minimum: 10,
    help: 'How often the lease is extended.',
  },
  leaseMs: {
    key: 'replica.lease_ms',
    type: 'duration',
    default: 5 * SECOND_MS,
    minimum: 50,
    help: 'A server that has not reached the meta server for so long stops answering. Shorter than meta.grace_ms.',
  },
  reportIntervalMs: {
    key: 'replica.report_interval_ms',
    type: 'duration',
    default: SECOND_MS,
    minimum: 10,
    help: 'How often the meta server is told what this server holds.',
  },
  tickIntervalMs: {
    key: 'replica.tick_interval_ms',
    type: 'duration',
    default: 100,
    minimum: 1,
    help: 'Resolution of all time-outs of the replication protocol.',
  },
  minReplicaCount: {
    key: 'replica.mutation_2pc_min_replica_count',
    type: 'integer',
    default: 2,
    minimum: 0,
    maximum: 5,
    help: 'Writes are refused, and what was taken up before is not answered, while a partition has fewer members (tables with fewer replicas need only those). 0: a majority of the wanted replicas, one of two.',
  },
  inFlightMax: {
    key: 'replica.in_flight_max',
    type: 'integer',
    default: 64,
    minimum: 1,
    maximum: 1_024,
    help: 'Mutations under way at a time, per partition.',
  },
  prepareTimeoutMs: {
    key: 'replica.prepare_timeout_ms',
    type: 'duration',
    default: 3 * SECOND_MS,
    minimum: 10,
    help: 'A secondary that has not logged a mutation after so long is removed from its partition.',
  },
  memberSilenceMs: {
    key: 'replica.member_silence_ms',
    type: 'duration',
    default: 10 * SECOND_MS,
    minimum: 10,
    help: 'A member that has answered nothing for so long is removed from its partition.',
  },
  slowFactor: {
    key: 'replica.slow_member_factor',
    type: 'integer',
    default: 10,
    minimum: 0,
    maximum: 1_000,
    help: 'A member whose log is so many times slower than those of the other members holds all writes up: it is removed, or yields if it is the primary, as long as enough members stay. 0: never.',
  },
  slowMinimumMs: {
    key: 'replica.slow_member_minimum_ms',
    type: 'duration',
    default: 100,
    minimum: 1,
    help: 'A member that logs within this time is not slow, whatever the others do.',
  },
  slowAfterMs: {
    key: 'replica.slow_member_after_ms',
    type: 'duration',
    default: 10 * SECOND_MS,
    minimum: 10,
    help: 'How long without a break a member has to be slow.',
  },
  slowPauseMs: {
    key: 'replica.slow_member_pause_ms',
    type: 'duration',
    default: MINUTE_MS,
    minimum: 10,
    help: 'Between two removals of slow members of one partition; doubles with each, up to 16 times.',
  },
  trashRemovedHoldMs: {
    key: 'replica.trash_removed_hold_ms',
    type: 'duration',
    default: 24 * 60 * MINUTE_MS,
    minimum: 0,
    help: 'How long copies that were removed stay in the trash folder.',
  },
  trashFailedHoldMs: {
    key: 'replica.trash_failed_hold_ms',
    type: 'duration',
    default: 7 * 24 * 60 * MINUTE_MS,
    minimum: 0,
    help: 'How long copies and logs that had failed stay in the trash folder.',
  },
  writeBytesMax: {
    key: 'replica.write_bytes_max',
    type: 'bytes',
    default: MIB,
    help: 'Largest write request; larger ones are refused with ERR_INVALID_DATA. 0 = only the frame limit.',
  },
  slowQueryMs: {
    key: 'replica.slow_query_threshold_ms',
    type: 'duration',
    default: 100,
    minimum: 20,
    help: 'Reads (get, multi_get, batch_get) that take so long are counted as abnormal and told in the log; the table setting replica.slow_query_threshold wins.',
  },
  slowQueryLogKeys: {
    key: 'replica.slow_query_log_keys',
    type: 'boolean',
    default: false,
    help: 'The log of abnormal reads tells the first 32 bytes of their hash keys. These are data of users: off unless wanted.',
  },
  pendingReadsMax: {
    key: 'replica.pending_reads_max',
    type: 'integer',
    default: 8_192,
    minimum: 2,
    maximum: 60_000,
    help: 'Reads of this server that wait for the disk; more are refused with ERR_BUSY at once. One replica may have half of them.',
  },
  pendingWritesMax: {
    key: 'replica.pending_writes_max',
    type: 'integer',
    default: 65_536,
    minimum: 2,
    maximum: 10_000_000,
    help: 'Writes of this server that are not answered yet; more are refused with ERR_BUSY at once. One replica may have half of them.',
  },
  pendingWriteBytesMax: {
    key: 'replica.pending_write_bytes_max',
    type: 'bytes',
    default: 512 * MIB,
    minimum: MIB,
    help: 'The same for the bytes of these writes, once they are on their way to the members of their partitions.',
  },
  mutationBytesMax: {
    key: 'replica.mutation_bytes_max',
    type: 'bytes',
    default: MIB,
    minimum: KIB,
    help: 'Writes are gathered into one mutation up to this size.',
  },
  logSegmentBytesMax: {
    key: 'replica.log_segment_bytes_max',
    type: 'bytes',
    default: 32 * MIB,
    minimum: 64 * KIB,
    help: 'Size of one log file.',
  },
  logCongestedBytes: {
    key: 'replica.log_congested_bytes',
    type: 'bytes',
    default: 32 * MIB,
    minimum: 64 * KIB,
    help: 'While more waits to be written to the log, the disk does not keep up: writes of clients are refused with ERR_BUSY. At eight times as much replicas fail. A learner is sent no more than this at once.',
  },
  logBytesMax: {
    key: 'replica.log_bytes_max',
    type: 'bytes',
    default: 96 * MIB,
    minimum: MIB,
    help: 'Log kept on disk; above it, replicas are flushed so that old files can go. Bounds the time of a restart.',
  },
  flushIntervalMs: {
    key: 'replica.flush_interval_ms',
    type: 'duration',
    default: 5 * MINUTE_MS,
    minimum: SECOND_MS,
    help: 'Replicas with unflushed writes are flushed after so long.',
  },
  learnBytesPerSecondMax: {
    key: 'replica.learn_bytes_per_second_max',
    type: 'bytes',
    default: 100 * MIB,
    minimum: KIB,
    help: 'Bandwidth of this server for learning: checkpoints that it fetches, and mutations that it reads from its log for learners.',
  },
  learnPieceBytesMax: {
    key: 'replica.learn_piece_bytes_max',
    type: 'bytes',
    default: MIB,
    minimum: KIB,
    maximum: MIB,
    help: 'Checkpoints are fetched in pieces of this size. An attempt that was interrupted is gone on with at a piece.',
  },
  tailBytesMax: {
    key: 'replica.tail_bytes_max',
    type: 'bytes',
    default: MIB,
    minimum: 64 * KIB,
    help: 'Committed writes kept in memory per replica: a member or learner that lacks no more than these is served without reading the log.',
  },
};

/** As the meta server cuts them (cluster/fault-domains.ts). */
const LABEL_LENGTH_MAX = 64;

function isLabel(text: string | null): boolean {
  return text === null || (text.length <= LABEL_LENGTH_MAX && /^[\w.:-]+$/.test(text));
}

/** What must hold between them; broken ones are reported with both keys. */
export const REPLICA_OPTION_RELATIONS: readonly OptionRelation<ReplicaOptions>[] = [
  {
    holds: ({ zone, rack, host }) => [zone, rack, host].every(isLabel),
    message: `replica.zone, replica.rack and replica.host must be at most ${LABEL_LENGTH_MAX} letters, digits, dots, dashes, underscores or colons`,
  },
  {
    // The meta server grants no more than its own meta.lease_ms, so a longer one is no danger.
    holds: (options) => options.leaseMs >= 2 * options.beaconIntervalMs,
    message:
      'replica.lease_ms must be at least twice replica.beacon_interval_ms, or one lost beacon stops the server',
  },
  {
    holds: (options) => options.prepareTimeoutMs >= 2 * options.tickIntervalMs,
    message:
      'replica.prepare_timeout_ms must be at least twice replica.tick_interval_ms, or members are removed by chance',
  },
  {
    // All of it is prepared again at once, and replicas fail at eight times the congestion.
    holds: (options) => options.tailBytesMax <= 4 * options.logCongestedBytes,
    message:
      'replica.tail_bytes_max must be at most four times replica.log_congested_bytes, or who lacks all of it fails when it gets it',
  },
];
