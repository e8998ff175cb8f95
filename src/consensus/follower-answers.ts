/** What a replica says to the primary that it follows, or does not follow. */
import type { NodeId } from '../model/identity.ts';
import { InternalMessage, type PrepareResult } from '../wire/schema/internal.ts';
import { DIVERGED } from './divergence.ts';
import type { ReplicaState } from './replica-state.ts';

/** How far it is. `hasDiverged`: from the history of the addressee. */
export function sendGroupCheckAck(
  state: ReplicaState,
  to: NodeId,
  learnId: number,
  hasDiverged: boolean,
): void {
  const { gpid, config, status, list, lastLogged, failure, effects } = state;
  effects.send(to, InternalMessage.groupCheckAck, {
    gpid,
    ballot: config.ballot,
    status,
    lastCommittedDecree: list.lastCommitted,
    lastLoggedDecree: lastLogged,
    learnId,
    failure: hasDiverged ? `${DIVERGED}: from the history of its primary` : failure,
    digest: list.lastCommittedDigest,
  });
}

/** It takes no prepare of this sender under this ballot, and why. */
export function refusePrepare(
  { gpid, list, effects }: ReplicaState,
  to: NodeId,
  result: PrepareResult,
  ballot: number,
): void {
  effects.send(to, InternalMessage.prepareAck, {
    appId: gpid.appId,
    partitionIndex: gpid.partitionIndex,
    ballot,
    decree: 0,
    result,
    lastCommittedDecree: list.lastCommitted,
  });
}
