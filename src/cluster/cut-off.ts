/**
 * A primary that has lost sight of all others, while they are there: it is the odd one.
 *
 * It asks for the removal of one secondary after the other. Granting the last of these would leave it below its write
 * floor, alone with what it cannot replicate, for as long as the cut lasts. So the meta server looks at the other
 * side first. If enough former and present members are in touch with it, and hold the replica, it asks the primary to
 * yield (yield.ts) instead: only a primary that has stopped by itself may be replaced while it holds a lease.
 *
 * Evidence of both sides: the primary says of each of them that it is silent; each of them was heard of a moment ago,
 * for less time than the primary has been waiting. Nobody knows whether they see each other. If they do not, the new
 * primary is alone as the old one was, and has nobody to lose: a lead moves for this reason at most once per
 * `learnRetryDelayMs` and partition, so there is no war of ballots. Then the removal is granted.
 */
import { members } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { ConfigurationUpdate } from '../wire/generated/internal.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import type { ClusterState } from './cluster-state.ts';
import { intactHolding, isChangeable, seatState } from './guardian.ts';
import type { Partition } from './partition.ts';
import { type ClusterSettings, writeFloor } from './settings.ts';

/** How a primary begins its reason when a member does not answer. */
const SILENT_PREFIX = 'silent';
/** Beacons that a server in touch may have lost. */
const FRESH_BEACONS = 2;
/** The primary repeats its request until it has heard that it should yield. */
const ASKED_FOR_MS = 5_000;

/** As `isCutOff`, and notes that the primary is asked to yield. */
export function mustYield(
  state: ClusterState,
  settings: ClusterSettings,
  partition: Partition,
  update: ConfigurationUpdate,
  nowMs: number,
): boolean {
  if (!isCutOff(state, settings, partition, update, nowMs)) return false;
  const isNew = nowMs - partition.yieldAskedMs >= settings.learnRetryDelayMs;
  if (isNew) partition.yieldAskedMs = nowMs;
  return true;
}

/** The removal that is asked for should be answered by asking the primary to yield. */
export function isCutOff(
  state: ClusterState,
  settings: ClusterSettings,
  partition: Partition,
  update: ConfigurationUpdate,
  nowMs: number,
): boolean {
  const { change, node, reason } = update;
  if (change !== ConfigurationChange.removeSecondary || !reason.startsWith(SILENT_PREFIX)) {
    return false;
  }
  const { config, seats, drops } = partition.record;
  const floor = writeFloor(partition.table.app.maxReplicaCount);
  if (!isChangeable(partition) || !members(config).includes(node as NodeId)) return false;
  if (seats.length - 1 >= floor || floor < 2) return false;
  const askedMs = nowMs - partition.yieldAskedMs;
  if (askedMs > ASKED_FOR_MS && askedMs < settings.learnRetryDelayMs) return false;

  const isInTouch = (id: NodeId): boolean => {
    const heardMs = state.nodes.get(id)?.heardMs ?? Number.NEGATIVE_INFINITY;
    const isFresh = nowMs - heardMs <= FRESH_BEACONS * settings.beaconIntervalMs;
    return isFresh && intactHolding(state, partition, id) !== undefined;
  };
  const successors = seats.filter(
    (seat) =>
      seat.node !== config.primary &&
      seatState(state, partition, seat) === 'live' &&
      isInTouch(seat.node),
  );
  const lost = drops.filter((id) => partition.backoff.wasRemoved(id) && isInTouch(id));
  return successors.length > 0 && successors.length + lost.length >= floor;
}
