/**
 * What the meta server says to replica servers: pushes, acknowledgements, what can be forgotten. All
 * of it is repeated from state, so nothing hangs on a single message; nobody is told what is not
 * durable, and no life is told what another one was trusted with.
 */
import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Logger } from '../env/logger.ts';
import { members } from '../model/configuration.ts';
import { configurationToWire, tableToWire } from '../model/configuration-wire.ts';
import { gpidText, type HostPort, type NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import type { BrainParts, ClusterEffects, Now } from './effects.ts';
import type { BeaconFacts, ServerNode } from './node-registry.ts';
import type { Partition } from './partition.ts';
import { isForgettable, mayBeTold, needsPush, type ReportBook } from './reports.ts';
import type { ClusterSettings } from './settings.ts';

export class Messenger {
  readonly #settings: ClusterSettings;
  readonly #effects: ClusterEffects;
  readonly #logger: Logger;
  readonly #self: HostPort;
  readonly #epoch: number;
  readonly #state: ClusterState;
  readonly #reports: ReportBook;

  constructor(parts: BrainParts, state: ClusterState, reports: ReportBook) {
    this.#settings = parts.settings;
    this.#effects = parts.effects;
    this.#logger = parts.logger;
    this.#self = parts.self;
    this.#epoch = parts.epoch;
    this.#state = state;
    this.#reports = reports;
  }

  /** Tells members, those who were, and the learner what holds now. */
  broadcast(partition: Partition, formerMembers: readonly NodeId[]): void {
    const audience = new Set([...members(partition.record.config), ...formerMembers]);
    for (const id of audience) {
      const node = this.#state.nodes.get(id);
      if (node === undefined || !mayBeTold(partition, node)) continue;
      // A replica that is made by ballot 1 must not be made again where it was lost.
      if (partition.ballot === 1 && isLost(partition, node)) continue;
      this.#push(node, partition);
    }
  }

  /** What the node holds, against what it should. */
  tellNode(node: ServerNode, now: Now): void {
    for (const partition of this.#state.hostedBy(node.id)) this.#tellOf(partition, node);
    const { surplusDelayMs } = this.#settings;
    for (const partition of this.#reports.heldBy(node.id)) {
      if (partition.seatOf(node.id) !== undefined) continue;
      this.#tellOf(partition, node);
      if (!isForgettable(this.#state, partition, node, now, surplusDelayMs)) continue;
      reached('cluster.copy.forgotten');
      this.#logger.info('replica.forget', { partition: gpidText(partition.gpid), node: node.id });
      this.#effects.sendForget(node.id, {
        metaEpoch: this.#epoch,
        gpid: partition.gpid,
        ballot: Math.max(partition.ballot, partition.aheadBallot),
      });
    }
  }

  /** Unless it must not be told. */
  tell(node: ServerNode, partition: Partition): void {
    if (mayBeTold(partition, node)) this.#push(node, partition);
  }

  /** The primary has lost sight of all others, and they are there; see cut-off.ts. */
  askToYield(node: ServerNode, partition: Partition): void {
    reached('cluster.yield.askedFor');
    this.#logger.warn('partition.cutOff', {
      partition: gpidText(partition.gpid),
      primary: node.id,
    });
    if (mayBeTold(partition, node)) this.#push(node, partition, true);
  }

  /** See moves.ts. */
  askToHandOver(node: ServerNode, partition: Partition, successor: NodeId): void {
    if (mayBeTold(partition, node)) this.#push(node, partition, false, successor);
  }

  /** Whoever has reported a higher ballot than is known here is asked for the configuration. */
  query(node: ServerNode, partition: Partition): void {
    const { gpid, ballot, aheadBallot } = partition;
    this.#logger.warn('replica.ballotAhead', {
      node: node.id,
      partition: gpidText(gpid),
      ballot,
      aheadBallot,
    });
    this.#effects.sendQuery(node.id, { metaEpoch: this.#epoch, gpid });
  }

  #tellOf(partition: Partition, node: ServerNode): void {
    if (!needsPush(partition, node)) return;
    const repeats = partition.tablePushes.get(node.id) ?? 0;
    if (repeats > 1) partition.tablePushes.set(node.id, repeats - 1);
    else partition.tablePushes.delete(node.id);
    this.#push(node, partition);
  }

  #push(
    node: ServerNode,
    partition: Partition,
    shouldYield = false,
    successor: NodeId | undefined = undefined,
  ): void {
    assert(mayBeTold(partition, node), 'a former life is told nothing');
    this.#effects.sendPush(node.id, {
      metaEpoch: this.#epoch,
      table: tableToWire(partition.table.app),
      configuration: configurationToWire(partition.configuration()),
      lastCommittedDecree: partition.committedDecree,
      incarnation: node.incarnation,
      shouldYield,
      successor,
    });
  }

  /** Answers the node's last beacon, with a lease if it is to have one. */
  acknowledge(node: ServerNode): void {
    this.#effects.sendBeaconAck(node.id, {
      sequence: node.lastSequence,
      incarnation: node.incarnation,
      isLeader: true,
      leader: this.#self,
      allowed: true,
      leaseMs: node.grantsLease ? this.#settings.leaseMs : 0,
      metaEpoch: this.#epoch,
      lifeId: node.lifeId,
      outlived: false,
    });
  }

  /** Whoever is not to join gets no lease, and is told so. */
  refuse(facts: BeaconFacts): void {
    this.#effects.sendBeaconAck(facts.node, {
      sequence: facts.sequence,
      incarnation: facts.incarnation,
      isLeader: true,
      leader: this.#self,
      allowed: false,
      leaseMs: 0,
      metaEpoch: this.#epoch,
      lifeId: facts.lifeId,
      outlived: false,
    });
  }

  /** Another life of the node has this incarnation, or had a later one. */
  tellOutlived(node: ServerNode, facts: BeaconFacts): void {
    this.#effects.sendBeaconAck(node.id, {
      sequence: facts.sequence,
      incarnation: node.incarnation,
      isLeader: true,
      leader: this.#self,
      allowed: true,
      leaseMs: 0,
      metaEpoch: this.#epoch,
      lifeId: facts.lifeId,
      outlived: true,
    });
  }
}

function isLost(partition: Partition, node: ServerNode): boolean {
  if (!partition.isMaterialised(node.id)) return false;
  return partition.holdingOf(node.id, node.incarnation)?.present !== true;
}
