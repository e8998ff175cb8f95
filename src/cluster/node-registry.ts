/**
 * The replica servers that the meta server knows, and which of them are alive: master side of the failure detector.
 *
 * Rules (docs/internals/replication.md, "Leases"):
 *  1. A node is dead when the grace has passed since its last beacon was *received*, or when it said that it leaves.
 *  2. Nobody is dead before one grace after this registry was made or the node was first heard of.
 *  3. A newer incarnation is another life: what the older one was trusted with is gone. Older incarnations and
 *     sequence numbers that are not newer are ignored.
 *  4. A beacon grants a lease only after the node has shown, in a report of its present life, that it claims no
 *     leadership that was taken from it (`grantsLease`). So a node that comes back after its grace, or that is heard
 *     by a new meta server for the first time, cannot answer from an old configuration.
 *  5. When this process itself was asleep, everybody gets a whole new grace: their beacons may wait in its sockets.
 *  6. A life that is proved over (`onLifeEnded`) is dead at once and is granted nothing more: what still arrives of
 *     it was sent before. Only a newer incarnation brings the node back. Should it be heard a whole grace later, the
 *     proof was wrong; then it is what a node is that comes back after its grace (rule 4), for its lease is over.
 *  7. Incarnations are counted in the node's data folder. One that comes back from an old copy of it begins a life
 *     under a number that was had before, and knows nothing of what that life was trusted with. Each life draws an id,
 *     so that it is told apart; it is told that it was outlived, and begins another one (replica/server-lives.ts).
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { HostPort, NodeId } from '../model/identity.ts';
import { type Labels, labelsOf, NO_LABELS } from './fault-domains.ts';
import type { NodeRecord } from './records.ts';

export interface BeaconFacts {
  readonly node: NodeId;
  readonly incarnation: number;
  /** 0 = not given. */
  readonly lifeId: number;
  readonly sequence: number;
  readonly address: HostPort;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly leaving: boolean;
  /** Its lease has not lapsed since it was granted. */
  readonly holdsLease: boolean;
  /** What may fail together with it; see fault-domains.ts. */
  readonly zone?: string | undefined;
  readonly rack?: string | undefined;
  readonly host?: string | undefined;
}

/** One server, in its present life. Changed by the registry only, but for the fields that say so. */
export class ServerNode {
  readonly id: NodeId;
  address: HostPort;
  incarnation: number;
  /** Which of the lives that had this incarnation; 0 = not known. */
  lifeId = 0;
  labels: Labels = NO_LABELS;
  /** When this life was first heard of; minus infinity if that was under another leader. */
  bornMs: number = Number.NEGATIVE_INFINITY;
  /** Lives in a row that ended soon after their start, without a farewell; see admission.ts. */
  shortLives = 0;
  alive = true;
  /** This life has said farewell; whatever it still sends, it is not coming back. */
  left = false;
  /** When this life was proved over; minus infinity while it was not. */
  endedAtMs: number = Number.NEGATIVE_INFINITY;
  /** A beacon of this life was received; `lastBeaconMs` may be what a grace counts from instead. */
  heardMs: number = Number.NEGATIVE_INFINITY;
  /** When this life was first heard of, or counted out: the former one was lost by then. */
  turnedMs: number;
  lastBeaconMs: number;
  lastSequence = 0;
  /** It did when it sent its last beacon. */
  holdsLease = false;
  freeBytes = 0;
  totalBytes = 0;
  /** A report of this life was taken up. Set by the report's reader. */
  reported = false;
  /** When a report of this life was taken up last. Set by the report's reader. */
  shownMs: number = Number.NEGATIVE_INFINITY;
  /** Highest sequence number of a report of this life. Set by the report's reader. */
  reportSequence = 0;
  /** Rule 4. Set by the report's reader. */
  grantsLease = false;

  constructor(id: NodeId, address: HostPort, incarnation: number, nowMs: number) {
    this.id = id;
    this.address = address;
    this.incarnation = incarnation;
    this.lastBeaconMs = nowMs;
    this.turnedMs = nowMs;
  }

  /** Fit to lead, to follow and to learn. */
  get usable(): boolean {
    return this.alive && !this.left;
  }

  record(): NodeRecord {
    return {
      kind: 'node',
      node: this.id,
      address: this.address,
      incarnation: this.incarnation,
      lifeId: this.lifeId,
      labels: this.labels,
    };
  }
}

/** What a beacon meant. */
export const BeaconOutcome = {
  /** Not newer than the last one. */
  stale: 0,
  /** Nothing has changed. */
  known: 1,
  /** Was dead, or has just left. */
  changed: 2,
  /** A node or a life that was not known: to be recorded. */
  born: 3,
  /** Of an older life, or of one that took the number of another for new: rule 7. */
  outlived: 4,
} as const;
export type BeaconOutcome = (typeof BeaconOutcome)[keyof typeof BeaconOutcome];

export class NodeRegistry {
  readonly #nodes = new Map<NodeId, ServerNode>();
  readonly #graceMs: number;
  readonly #stableAfterMs: number;
  #lastCheckMs: number;

  constructor(graceMs: number, nowMs: number, stableAfterMs: number = Number.POSITIVE_INFINITY) {
    assertAtLeast(graceMs, 1, 'grace');
    this.#graceMs = graceMs;
    this.#stableAfterMs = stableAfterMs;
    this.#lastCheckMs = nowMs;
  }

  get(id: NodeId): ServerNode | undefined {
    return this.#nodes.get(id);
  }

  /** Of nodes that nobody knows too. */
  labelsOf(id: NodeId): Labels {
    return this.#nodes.get(id)?.labels ?? NO_LABELS;
  }

  all(): IterableIterator<ServerNode> {
    return this.#nodes.values();
  }

  /** A node that goes on reporting has done so this long before any moment, and this allows for a lost one. */
  get reportLapseMs(): number {
    return this.#graceMs / 3;
  }

  /** This process has not looked around for so long that what was sent to it meanwhile may still wait. */
  wasAsleep(nowMs: number): boolean {
    return nowMs - this.#lastCheckMs > this.#graceMs / 3;
  }

  usableNodes(): ServerNode[] {
    return [...this.#nodes.values()].filter((node) => node.usable);
  }

  /** Takes up a durable record; it starts or confirms the grace of a node, it never ends a life. */
  apply(record: NodeRecord, nowMs: number): void {
    const node = this.#nodes.get(record.node);
    if (node === undefined) {
      const added = new ServerNode(record.node, record.address, record.incarnation, nowMs);
      added.lifeId = record.lifeId;
      added.labels = record.labels;
      this.#nodes.set(record.node, added);
      return;
    }
    if (record.incarnation > node.incarnation) {
      this.#beginLife(node, record.incarnation, record.lifeId, nowMs);
    }
  }

  onBeacon(facts: BeaconFacts, nowMs: number): BeaconOutcome {
    assertAtLeast(facts.incarnation, 1, 'incarnation of a beacon');
    let node = this.#nodes.get(facts.node);
    const known = node !== undefined;
    if (node === undefined) {
      node = new ServerNode(facts.node, facts.address, facts.incarnation, nowMs);
      node.bornMs = nowMs;
      this.#nodes.set(facts.node, node);
    }
    const born = facts.incarnation > node.incarnation;
    const isOther = facts.lifeId !== 0 && node.lifeId !== 0 && facts.lifeId !== node.lifeId;
    if (facts.incarnation < node.incarnation || (!born && isOther)) {
      reached('cluster.beacon.formerLife');
      return BeaconOutcome.outlived;
    }
    if (!born && node.lifeId === 0) node.lifeId = facts.lifeId;
    if (born) this.#beginLife(node, facts.incarnation, facts.lifeId, nowMs);
    else if (facts.sequence <= node.lastSequence) return BeaconOutcome.stale;

    node.lastSequence = facts.sequence;
    node.holdsLease = facts.holdsLease;
    node.lastBeaconMs = nowMs;
    node.heardMs = nowMs;
    node.address = facts.address;
    if (!isLabelledSo(node.labels, facts)) node.labels = labelsOf(facts, facts.address.host);
    node.freeBytes = facts.freeBytes;
    node.totalBytes = facts.totalBytes;
    const changed = facts.leaving ? this.#leave(node, nowMs) : this.#revive(node, nowMs);
    if (born || !known) return BeaconOutcome.born;
    return changed ? BeaconOutcome.changed : BeaconOutcome.known;
  }

  /** Rule 6. Returns the node when this makes a difference. */
  onLifeEnded(id: NodeId, incarnation: number, nowMs: number): ServerNode | null {
    const node = this.#nodes.get(id);
    if (node === undefined || node.incarnation !== incarnation || !node.usable) return null;
    node.alive = false;
    node.grantsLease = false;
    node.endedAtMs = nowMs;
    node.turnedMs = nowMs;
    reached('cluster.node.ended');
    assert(!node.usable, 'a life that is over is of no use');
    return node;
  }

  /** Returns the nodes whose grace is over since the last call. */
  takeExpired(nowMs: number): ServerNode[] {
    const wasAsleep = this.wasAsleep(nowMs);
    assertAtLeast(nowMs, this.#lastCheckMs, 'a monotonic clock does not go back');
    this.#lastCheckMs = nowMs;
    const expired: ServerNode[] = [];
    for (const node of this.#nodes.values()) {
      if (!node.alive) continue;
      if (nowMs - node.bornMs >= this.#stableAfterMs) node.shortLives = 0;
      if (wasAsleep) {
        reached('cluster.asleep');
        node.lastBeaconMs = nowMs;
      } else if (nowMs - node.lastBeaconMs > this.#graceMs) {
        reached('cluster.node.expired');
        node.turnedMs = nowMs;
        node.alive = false;
        node.grantsLease = false;
        expired.push(node);
      }
    }
    return expired;
  }

  #beginLife(node: ServerNode, incarnation: number, lifeId: number, nowMs: number): void {
    assert(incarnation > node.incarnation, 'lives follow one another');
    if (!node.left && node.lastBeaconMs - node.bornMs < this.#stableAfterMs) node.shortLives += 1;
    node.bornMs = nowMs;
    node.incarnation = incarnation;
    node.lifeId = lifeId;
    node.alive = true;
    node.left = false;
    node.endedAtMs = Number.NEGATIVE_INFINITY;
    node.lastSequence = 0;
    node.holdsLease = false;
    node.lastBeaconMs = nowMs;
    node.heardMs = Number.NEGATIVE_INFINITY;
    node.turnedMs = nowMs;
    node.reported = false;
    node.shownMs = Number.NEGATIVE_INFINITY;
    node.reportSequence = 0;
    node.grantsLease = false;
  }

  #leave(node: ServerNode, nowMs: number): boolean {
    const changed = !node.left;
    if (changed) node.turnedMs = nowMs;
    node.left = true;
    node.alive = false;
    node.grantsLease = false;
    return changed;
  }

  #revive(node: ServerNode, nowMs: number): boolean {
    if (node.alive || node.left) return false;
    if (nowMs - node.endedAtMs <= this.#graceMs) return false;
    node.endedAtMs = Number.NEGATIVE_INFINITY;
    reached('cluster.node.revived');
    node.alive = true;
    // What it reported before is what it was trusted with before: it has to report again.
    node.reported = false;
    node.grantsLease = false;
    return true;
  }
}

/** Most beacons tell what the last one told. */
function isLabelledSo(labels: Labels, { zone, rack, host, address }: BeaconFacts): boolean {
  if (labels.zone !== (zone ?? '') || labels.rack !== (rack ?? '')) return false;
  return labels.host === (host ?? address.host);
}
