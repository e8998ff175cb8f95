/**
 * What servers of one cluster say to each other, in internal frames.
 *
 * Every message is one-way and may be lost, doubled or late. Nothing hangs on a single one: senders
 * repeat from their state (level-triggered), receivers compare ballot, decree, incarnation or learn
 * id and drop what is stale. The answer to a message is the state that it led to.
 */
import { list, map, ref, type Struct, struct } from './schema.ts';

export const internalStructs: readonly Struct[] = [
  struct('Hello', 'First message of each side of an internal connection.', [
    [1, 'protocolVersion', 'i32'],
    [2, 'clusterName', 'string'],
    [3, 'nodeId', 'string'],
    [4, 'incarnation', 'i64'],
  ]),

  // ---- failure detector ----
  struct('Beacon', 'A replica server is alive; also the request to extend its lease.', [
    [1, 'nodeId', 'string'],
    [2, 'incarnation', 'i64'],
    [3, 'sequence', 'i64'],
    [4, 'address', 'hostPort'],
    [5, 'freeBytes', 'i64'],
    [6, 'totalBytes', 'i64'],
    [7, 'leaving', 'bool'],
    // Drawn by each life: two with the same incarnation are not the same. 0 = not given.
    [8, 'lifeId', 'i64'],
    // The lease has not lapsed: nobody can have been made primary in this server's place since it was granted.
    [9, 'holdsLease', 'bool'],
    // What may fail together with the server (cluster/fault-domains.ts).
    [10, 'zone', 'string', 'optional'],
    [11, 'rack', 'string', 'optional'],
    [12, 'host', 'string', 'optional'],
  ]),
  struct('BeaconAck', 'Extends the lease that began when beacon `sequence` was sent.', [
    [1, 'sequence', 'i64'],
    [2, 'incarnation', 'i64'],
    [3, 'isLeader', 'bool'],
    [4, 'leader', 'hostPort'],
    [5, 'allowed', 'bool'],
    [6, 'leaseMs', 'i32'],
    [7, 'metaEpoch', 'i64'],
    // Of the beacon that is answered.
    [8, 'lifeId', 'i64'],
    // Another life of this server had `incarnation`, and the sender of the beacon has it too, or a lower one: its data
    // folder is an old copy. It has to begin a life with a higher one.
    [9, 'outlived', 'bool'],
  ]),

  // ---- configuration ----
  struct(
    'ConfigurationInfo',
    'model/configuration.ts PartitionConfiguration; empty string = null.',
    [
      [1, 'gpid', 'gpid'],
      [2, 'ballot', 'i64'],
      [3, 'maxReplicaCount', 'i32'],
      [4, 'primary', 'string'],
      [5, 'secondaries', list('string')],
      [6, 'learner', 'string'],
    ],
  ),
  struct('TableInfo', 'What a replica must know of its table.', [
    [1, 'appId', 'i32'],
    [2, 'appName', 'string'],
    [3, 'appType', 'string'],
    [4, 'status', 'i32'],
    [5, 'partitionCount', 'i32'],
    [6, 'maxReplicaCount', 'i32'],
    [7, 'envs', map('string', 'string')],
    [8, 'createSeconds', 'i64'],
    [9, 'dropSeconds', 'i64'],
    [10, 'expireSeconds', 'i64'],
    [11, 'atomicIdempotent', 'bool'],
    [12, 'revision', 'i64'],
  ]),
  struct('ReplicaReport', 'All that a replica server holds; sent regularly and after a change.', [
    [1, 'nodeId', 'string'],
    [2, 'incarnation', 'i64'],
    [3, 'replicas', list(ref('ReplicaState'))],
    // Grows by one with each report of this incarnation; an older report that arrives later is
    // ignored. 0 = not given.
    [4, 'sequence', 'i64'],
  ]),
  struct('ReplicaState', 'One replica on one server.', [
    [1, 'gpid', 'gpid'],
    [2, 'ballot', 'i64'],
    [3, 'status', 'i32'],
    [4, 'lastCommittedDecree', 'i64'],
    [5, 'lastPreparedDecree', 'i64'],
    [6, 'appliedDecree', 'i64'],
    [7, 'durableDecree', 'i64'],
    [8, 'learnId', 'i64'],
    [9, 'dataBytes', 'i64'],
    [10, 'failure', 'string'],
    // A cut of power may have taken the end of its log: it has not led or followed since.
    [11, 'tailUnproven', 'bool'],
    // The head of its log, with `lastPreparedDecree`. The ballot is 0 when all is in the engine.
    [12, 'headBallot', 'i64'],
    [13, 'headDigest', 'i32'],
    // What its engine was compacted for last (model/compaction-schedule.ts); 0 = nothing.
    [14, 'compactedSeconds', 'i64'],
    // Capacity units read and written for clients since the server started.
    [15, 'capacityUnits', 'i64'],
    // Of the checkpoint that it fetches; 0 = it fetches none.
    [16, 'fetchedBytes', 'i64'],
  ]),
  struct(
    'ConfigurationUpdate',
    'A primary asks for a change of its partition; compare-and-set on `ballot`. Answered by a ConfigurationPush.',
    [
      [1, 'gpid', 'gpid'],
      [2, 'ballot', 'i64'],
      [3, 'change', 'i32'],
      [4, 'node', 'string'],
      [5, 'lastCommittedDecree', 'i64'],
      [6, 'learnId', 'i64'],
      [7, 'reason', 'string'],
      // Of `node` when it became caught up; a later life of it has not. 0 when it is to be removed.
      [8, 'incarnation', 'i64'],
    ],
  ),
  struct('ConfigurationPush', 'The current truth of one partition, from the leader meta server.', [
    [1, 'metaEpoch', 'i64'],
    [2, 'table', ref('TableInfo')],
    [3, 'configuration', ref('ConfigurationInfo')],
    [4, 'lastCommittedDecree', 'i64'],
    // The life of the addressee that is meant. Another life ignores the push: the role in it is not
    // its own.
    [5, 'incarnation', 'i64'],
    // The primary cannot reach the others, who are there: it should give up the lead (cluster/cut-off.ts).
    [6, 'shouldYield', 'bool'],
    // The primary should hand the lead over to this secondary (replica/handover.ts).
    [7, 'successor', 'string', 'optional'],
  ]),
  struct(
    'ReplicaForget',
    'This replica belongs to no configuration: its table is dropped, or the partition is healthy without it.',
    [
      [1, 'metaEpoch', 'i64'],
      [2, 'gpid', 'gpid'],
      [3, 'ballot', 'i64'],
    ],
  ),

  struct(
    'WitnessRequest',
    'A meta server asks somebody else whether this life of a node can still be seen.',
    [
      [1, 'node', 'string'],
      [2, 'incarnation', 'i64'],
      [3, 'address', 'hostPort'],
    ],
  ),
  struct('WitnessAnswer', 'What the witness saw when it tried to connect to the node.', [
    [1, 'node', 'string'],
    [2, 'incarnation', 'i64'],
    [3, 'sight', 'i32'],
  ]),
  struct(
    'ConfigurationQuery',
    'A replica has reported a higher ballot than the meta server knows of: which configuration is that?',
    [
      [1, 'metaEpoch', 'i64'],
      [2, 'gpid', 'gpid'],
    ],
  ),
  struct('ConfigurationTold', 'The newest configuration that the sender has stored.', [
    [1, 'configuration', ref('ConfigurationInfo')],
    [2, 'incarnation', 'i64'],
  ]),

  // ---- recovery ----
  struct(
    'InventoryRequest',
    'A meta server that has lost its store asks what the addressee holds.',
    [
      [1, 'metaEpoch', 'i64'],
      // Of the attempt to recover; the answer has it too.
      [2, 'attempt', 'i64'],
    ],
  ),
  struct('InventoryAnswer', 'All that the sender holds, with what it has stored of its tables.', [
    [1, 'incarnation', 'i64'],
    [2, 'attempt', 'i64'],
    // Each version once.
    [3, 'tables', list(ref('TableInfo'))],
    [4, 'replicas', list(ref('ReplicaHeld'))],
  ]),
  struct('ReplicaHeld', 'Part of InventoryAnswer.', [
    [1, 'state', ref('ReplicaState')],
    // The newest that it has seen.
    [2, 'configuration', ref('ConfigurationInfo')],
    // Place in `tables`; -1: its folder cannot be read, and the configuration says nothing.
    [3, 'tableAt', 'i32'],
  ]),

  // ---- several meta servers ----
  struct(
    'LeadPromiseRequest',
    'The leader asks another meta server not to begin a term for a while (meta/lead-promises.ts).',
    [
      [1, 'clusterId', 'string'],
      [2, 'epoch', 'i64'],
      // Grows by one with each round of this term.
      [3, 'sequence', 'i64'],
      // From the receipt, on the clock of the addressee. 0: what was promised so far is given back.
      [4, 'holdMs', 'i32'],
      // All meta servers as the sender is configured, sorted, as `host:port`.
      [5, 'metaServers', list('string')],
    ],
  ),
  struct('LeadPromise', 'The answer: promised, or why not.', [
    // Of the request.
    [1, 'epoch', 'i64'],
    [2, 'sequence', 'i64'],
    // Empty: promised.
    [3, 'refusal', 'string'],
    // The highest that the sender has heard of.
    [4, 'knownEpoch', 'i64'],
  ]),

  // ---- two-phase commit ----
  struct(
    'Prepare',
    'One mutation. `body` is the engine write batch; `digest` identifies it together with the decree.',
    [
      [1, 'appId', 'i32'],
      [2, 'partitionIndex', 'i32'],
      [3, 'ballot', 'i64'],
      [4, 'decree', 'i64'],
      [5, 'lastCommittedDecree', 'i64'],
      [6, 'timestampUs', 'i64'],
      [7, 'previousDigest', 'i32'],
      [8, 'digest', 'i32'],
      [9, 'body', 'blob'],
    ],
    'packed',
  ),
  struct(
    'PrepareAck',
    'Everything up to `decree` is in the log of the sender under `ballot` (cumulative), or why not.',
    [
      [1, 'appId', 'i32'],
      [2, 'partitionIndex', 'i32'],
      [3, 'ballot', 'i64'],
      [4, 'decree', 'i64'],
      [5, 'result', 'i32'],
      [6, 'lastCommittedDecree', 'i64'],
    ],
    'packed',
  ),
  struct('GroupCheck', 'The primary tells a member or learner configuration and commit point.', [
    [1, 'table', ref('TableInfo')],
    [2, 'configuration', ref('ConfigurationInfo')],
    [3, 'lastCommittedDecree', 'i64'],
    [4, 'digest', 'i32'],
    [5, 'learnId', 'i64'],
  ]),
  struct('GroupCheckAck', 'State of a member or learner, as seen by itself.', [
    [1, 'gpid', 'gpid'],
    [2, 'ballot', 'i64'],
    [3, 'status', 'i32'],
    [4, 'lastCommittedDecree', 'i64'],
    [5, 'lastLoggedDecree', 'i64'],
    [6, 'learnId', 'i64'],
    [7, 'failure', 'string'],
    // At `lastCommittedDecree`: whether it has the same history.
    [8, 'digest', 'i32'],
  ]),

  struct('CommitQuery', 'A secondary asks its primary how far it is (replica/freshness.ts).', [
    [1, 'gpid', 'gpid'],
    // Of the replica that asks, in this life.
    [2, 'token', 'i64'],
    // Its clock.
    [3, 'stampMs', 'i64'],
  ]),
  struct('CommitAnswer', 'All that was acknowledged up to the stamp is at most this decree.', [
    [1, 'gpid', 'gpid'],
    // As asked.
    [2, 'token', 'i64'],
    [3, 'stampMs', 'i64'],
    [4, 'committedDecree', 'i64'],
  ]),

  // ---- learning ----
  struct('LearnRequest', 'A learner asks for what follows its applied decree.', [
    [1, 'gpid', 'gpid'],
    [2, 'ballot', 'i64'],
    [3, 'learnId', 'i64'],
    [4, 'appliedDecree', 'i64'],
    [5, 'digest', 'i32'],
    [6, 'incarnation', 'i64'],
  ]),
  struct('LearnMutations', 'Committed mutations in decree order, each a packed Prepare.', [
    [1, 'gpid', 'gpid'],
    [2, 'learnId', 'i64'],
    [3, 'fromDecree', 'i64'],
    [4, 'mutations', list('blob')],
    [5, 'lastCommittedDecree', 'i64'],
  ]),
  struct('LearnCheckpoint', 'The learner is too far behind: fetch these files first.', [
    [1, 'gpid', 'gpid'],
    [2, 'learnId', 'i64'],
    [3, 'checkpointId', 'string'],
    [4, 'decree', 'i64'],
    [5, 'fileNames', list('string')],
    [6, 'fileSizes', list('i64')],
  ]),
  struct('FileRequest', 'A piece of a checkpoint file.', [
    [1, 'gpid', 'gpid'],
    [2, 'learnId', 'i64'],
    [3, 'checkpointId', 'string'],
    [4, 'fileName', 'string'],
    [5, 'offset', 'i64'],
    [6, 'length', 'i32'],
    // The sender has these bytes of an earlier attempt, with this CRC-32C: if it is right, the answer
    // is the checksum without bytes.
    [7, 'isHeld', 'bool'],
    [8, 'heldChecksum', 'i32'],
  ]),
  struct('FileChunk', 'Its bytes, with their CRC-32C.', [
    [1, 'gpid', 'gpid'],
    [2, 'learnId', 'i64'],
    [3, 'checkpointId', 'string'],
    [4, 'fileName', 'string'],
    [5, 'offset', 'i64'],
    [6, 'bytes', 'blob'],
    [7, 'checksum', 'i32'],
    [8, 'error', 'error'],
  ]),
];

/** Type byte of each internal frame. Never reuse a number. */
export const InternalMessage = {
  hello: 1,
  beacon: 2,
  beaconAck: 3,
  replicaReport: 4,
  configurationUpdate: 5,
  configurationPush: 6,
  replicaForget: 7,
  prepare: 8,
  prepareAck: 9,
  groupCheck: 10,
  groupCheckAck: 11,
  learnRequest: 12,
  learnMutations: 13,
  learnCheckpoint: 14,
  fileRequest: 15,
  fileChunk: 16,
  witnessRequest: 17,
  witnessAnswer: 18,
  configurationQuery: 19,
  configurationTold: 20,
  leadPromiseRequest: 21,
  leadPromise: 22,
  commitQuery: 23,
  commitAnswer: 24,
  inventoryRequest: 25,
  inventoryAnswer: 26,
} as const;
export type InternalMessage = (typeof InternalMessage)[keyof typeof InternalMessage];

/** `ConfigurationUpdate.change` */
export const ConfigurationChange = {
  addSecondary: 1,
  removeSecondary: 2,
  /**
   * The sender leads no more and never again under this ballot: another member is to lead, or, if
   * there is none, the sender under a new ballot.
   */
  yieldPrimary: 3,
  /** The same, and everything is committed: `node` is to lead, and the sender to follow it. */
  handOver: 4,
} as const;
export type ConfigurationChange = (typeof ConfigurationChange)[keyof typeof ConfigurationChange];

/** `WitnessAnswer.sight` */
export const WitnessSight = {
  /** Neither seen nor proved gone. */
  nothing: 0,
  /** No connection with it stands, and its machine answers that nobody listens at its address. */
  refused: 1,
  /** A connection with it stands, or a new one was accepted. */
  seen: 2,
} as const;
export type WitnessSight = (typeof WitnessSight)[keyof typeof WitnessSight];

/** `PrepareAck.result` */
export const PrepareResult = {
  ok: 0,
  /** The sender's ballot is newer: it no longer follows this primary. */
  staleBallot: 1,
  /** The sender lacks the configuration of this ballot: send a group check, then prepare again. */
  unknownBallot: 2,
  /** A decree is missing before what was sent: prepare again from the last acknowledged one. */
  gap: 3,
  /** The sender cannot log any more; remove it. */
  failed: 4,
} as const;
export type PrepareResult = (typeof PrepareResult)[keyof typeof PrepareResult];
