/**
 * A lead by force: one server leads one partition with what it has, whoever else has had more. What its copy lacks is
 * lost for good, so this is never done by a rule, only asked for by people who have seen the diagnosis.
 *
 *  1. Only where nobody leads and nobody will (diagnosis.ts), and only under the ballot that was diagnosed.
 *  2. The server is alive and has shown a whole copy; it need not have been a member.
 *  3. The new ballot is above all that is known; where the meta server's own journal is behind, far above, because
 *     there may be ballots that nobody has told. So what comes back later is old: it learns, or is removed.
 *  4. What is known to be committed becomes what the copy has, and what others tell under older ballots does not
 *     raise it.
 *  5. Who led, when, why, under which ballots and how much was known to be lost stays in the partition's record, and is
 *     told in the log.
 */
import { assertAtLeast } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { type Ballot, gpidText, type NodeId } from '../model/identity.ts';
import { diagnosisOf, isLeaderless } from './diagnosis.ts';
import { assertRecord, type Partition } from './partition.ts';
import type { PartitionRecord } from './records.ts';
import { BALLOT_STEP } from './recovery.ts';
import { type CommandContext, type CommandPlan, refused } from './table-commands.ts';

export interface ForceRequest {
  readonly appId: number;
  readonly partitionIndex: number;
  readonly node: NodeId;
  readonly ballot: number;
  readonly reason: string;
}

/** UTF-16 units; it is kept for as long as the partition. */
const REASON_MAX = 500;

export function planForcedPrimary(context: CommandContext, request: ForceRequest): CommandPlan {
  const { state } = context;
  const { node, ballot, reason } = request;
  const partition = state.partition(request);
  if (partition === undefined)
    return refusal(ErrorCode.objectNotFound, 'there is no such partition');
  if (reason === '' || reason.length > REASON_MAX) {
    return refusal(ErrorCode.invalidParameters, `a reason has 1 to ${REASON_MAX} letters`);
  }
  if (partition.changing || partition.table.frozen) {
    return refusal(ErrorCode.busy, 'the partition is being changed');
  }
  if (!isLeaderless(state, partition)) {
    return refusal(ErrorCode.invalidState, 'the partition has somebody who leads it, or will soon');
  }
  if (partition.ballot !== ballot) {
    const hint = `the partition has ballot ${partition.ballot}: look at the diagnosis again`;
    return refusal(ErrorCode.invalidVersion, hint);
  }
  const copy = diagnosisOf(state, partition).copies.find((one) => one.node === node);
  if (copy?.server === undefined || copy.holding === null) {
    return refusal(ErrorCode.objectNotFound, `${node} has not shown a whole copy of it`);
  }
  const record = forcedRecord(partition, context.wallSeconds, {
    ...request,
    incarnation: copy.server.incarnation,
    preparedDecree: copy.holding.lastPreparedDecree,
    lostDecrees: copy.lostDecrees,
  });
  partition.adopting = record;
  const hint =
    `${node} leads partition ${gpidText(partition.gpid)} under ballot ${record.config.ballot}; ` +
    `mutations known to be lost: ${copy.lostDecrees}`;
  return { code: ErrorCode.ok, hint, appId: request.appId, records: [record] };
}

interface Forced extends ForceRequest {
  readonly incarnation: number;
  readonly preparedDecree: number;
  readonly lostDecrees: number;
}

function forcedRecord(partition: Partition, atSeconds: number, forced: Forced): PartitionRecord {
  const { node, incarnation, reason, lostDecrees, preparedDecree } = forced;
  const step = partition.isDoubted || partition.isBehind ? BALLOT_STEP : 1;
  const ballot = Math.max(partition.ballot, partition.aheadBallot) + step;
  assertAtLeast(ballot, partition.ballot + 1, 'ballot of a lead by force');
  const committedDecree = Math.min(partition.committedDecree, preparedDecree);
  const record: PartitionRecord = {
    kind: 'partition',
    config: {
      gpid: partition.gpid,
      ballot: ballot as Ballot,
      maxReplicaCount: partition.table.app.maxReplicaCount,
      primary: node,
      secondaries: [],
      learner: null,
    },
    seats: [{ node, incarnation }],
    materialised: [node],
    drops: [],
    dormant: [],
    committedDecree,
    forced: { ballot, formerBallot: partition.ballot, node, atSeconds, reason, lostDecrees },
  };
  assertRecord(record);
  return record;
}

function refusal(code: ErrorCode, hint: string): CommandPlan {
  return { ...refused(code), hint };
}
