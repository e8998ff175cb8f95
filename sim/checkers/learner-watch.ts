/**
 * Learners, as they talk with their primaries.
 *
 *  1. V10: a primary asks for the promotion of a learner only when that has acknowledged, under the same ballot, all
 *     that the primary has committed and all that it has inherited: its predecessor may have committed that.
 *  2. What a learner has acknowledged under an invitation stays in its log while it stands for it, and it goes back
 *     to no older one: it may be promoted for that meanwhile. It stands for it in one life, until a newer invitation,
 *     another ballot, or a checkpoint that it fetches.
 *  3. V19: a learner that is behind says so. It asks, acknowledges, or is being sent something.
 *
 * Messages between the same two servers are seen in the order in which they were sent; the ones of different servers
 * may have waited for a connection.
 */
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import type { ReplicaView } from './observer.ts';
import type { ViolationKind } from './violations.ts';
import {
  readSeenLearnRequest,
  readSeenPartition,
  readSeenStanding,
  readSeenUpdate,
  type SeenPrepare,
  type SeenPrepareAck,
} from './wire-view.ts';

export interface LearnerSight {
  readonly nowUs: () => number;
  /** Changes with each start of the server. */
  readonly lifeOf: (server: string) => number;
  readonly viewOf: (server: string, partition: string) => ReplicaView | null;
  readonly report: (kind: ViolationKind, partition: string, detail: string) => void;
}

/** As it stands on the wire. */
const PROMOTION = 1;
/** It asks again after half a second, and starts over after three. */
const QUIET_US_MAX = 8_000_000;
/** Whoever answers less often is not in touch. */
const SILENT_US_MAX = 2_500_000;
/** After these a learner may be at work with its disk. */
const BUSYING: readonly number[] = [
  InternalMessage.learnMutations,
  InternalMessage.learnCheckpoint,
  InternalMessage.fileChunk,
];

/** What a learner, or a secondary that was one, stands for. */
class Standing {
  readonly life: number;
  readonly primary: string;
  readonly ballot: number;
  /** 0 = it has joined. */
  readonly learnId: number;
  acked: number = 0;
  /** When it and its primary last exchanged anything but checks, and what. */
  busyUs: number;
  busyType: number = 0;
  heardUs: number;

  constructor(life: number, primary: string, ballot: number, learnId: number, nowUs: number) {
    this.life = life;
    this.primary = primary;
    this.ballot = ballot;
    this.learnId = learnId;
    this.busyUs = nowUs;
    this.heardUs = nowUs;
  }
}

class Learning {
  /** Who has prepared a mutation: by decree and digest. */
  readonly preparers: Map<string, Set<string>> = new Map();
  /** Highest decree prepared under a ballot that another server had prepared before. */
  readonly inherited: Map<number, number> = new Map();
  /** By ballot and server: highest decree that it said it has. */
  readonly acked: Map<string, number> = new Map();
  readonly standings: Map<string, Standing> = new Map();
}

export class LearnerWatch {
  readonly #sight: LearnerSight;
  readonly #partitions: Map<string, Learning> = new Map();

  constructor(sight: LearnerSight) {
    this.#sight = sight;
  }

  onFrame(from: string, to: string, type: number, payload: Uint8Array): void {
    switch (type) {
      case InternalMessage.configurationUpdate:
        this.#onUpdate(from, payload);
        return;
      case InternalMessage.learnRequest:
        this.#onLearnRequest(from, to, payload);
        return;
      case InternalMessage.groupCheckAck:
        this.#onStanding(from, to, payload);
        return;
      case InternalMessage.fileRequest:
        this.#onFileRequest(from, to, payload);
        return;
      case InternalMessage.learnMutations:
      case InternalMessage.learnCheckpoint:
      case InternalMessage.fileChunk:
        this.#onExchange(readSeenPartition(payload), to, from, type);
        return;
      default:
        return;
    }
  }

  onPrepare(from: string, to: string, prepare: SeenPrepare): void {
    const { partition, ballot, decree, digest } = prepare;
    const { preparers, inherited } = this.#learning(partition);
    const key = `${decree} ${digest}`;
    const known = preparers.get(key);
    if (known === undefined) preparers.set(key, new Set([from]));
    else {
      known.add(from);
      if (known.size > 1) inherited.set(ballot, Math.max(decree, inherited.get(ballot) ?? 0));
    }
    this.#onExchange(partition, to, from, InternalMessage.prepare);
  }

  /** A good one. */
  onPrepareAck(from: string, to: string, { partition, ballot, decree }: SeenPrepareAck): void {
    this.#onAcked(partition, ballot, from, decree);
    const { standings } = this.#learning(partition);
    const life = this.#sight.lifeOf(from);
    let standing = standings.get(from);
    if (standing === undefined || standing.life !== life || standing.ballot < ballot) {
      standing = new Standing(life, to, ballot, 0, this.#sight.nowUs());
      standings.set(from, standing);
    }
    if (standing.ballot !== ballot) return;
    standing.acked = Math.max(standing.acked, decree);
    this.#onExchange(partition, from, to, InternalMessage.prepareAck);
  }

  #onUpdate(from: string, payload: Uint8Array): void {
    const { partition, ballot, change, node, committed } = readSeenUpdate(payload);
    if (change !== PROMOTION) return;
    const { inherited, acked } = this.#learning(partition);
    const needed = Math.max(committed, inherited.get(ballot) ?? 0);
    const has = acked.get(`${ballot} ${node}`) ?? 0;
    if (has >= needed) return;
    const detail = `${from} asks under ballot ${ballot} for ${node}, which has acknowledged ${has} of ${needed}`;
    this.#sight.report('V10-early-promotion', partition, detail);
  }

  #onLearnRequest(from: string, to: string, payload: Uint8Array): void {
    const { partition, ballot, learnId, decree } = readSeenLearnRequest(payload);
    this.#onAcked(partition, ballot, from, decree);
    const { standings } = this.#learning(partition);
    const life = this.#sight.lifeOf(from);
    const known = standings.get(from);
    const isSame = known?.life === life && known.ballot === ballot && known.primary === to;
    if (isSame && learnId < known.learnId) {
      const detail =
        `${from} goes back from invitation ${known.learnId} to ${learnId} under ballot ${ballot},` +
        ' and may be promoted for the newer one';
      this.#sight.report('V10-early-promotion', partition, detail);
    }
    if (!isSame || learnId !== known.learnId) {
      standings.set(from, new Standing(life, to, ballot, learnId, this.#sight.nowUs()));
    }
    this.#onExchange(partition, from, to, InternalMessage.learnRequest);
  }

  /** A checkpoint replaces what it has. */
  #onFileRequest(from: string, to: string, payload: Uint8Array): void {
    const partition = readSeenPartition(payload);
    const standing = this.#learning(partition).standings.get(from);
    if (standing?.primary === to) standing.acked = 0;
    this.#onExchange(partition, from, to, InternalMessage.fileRequest);
  }

  #onExchange(partition: string, learner: string, primary: string, type: number): void {
    const standing = this.#learning(partition).standings.get(learner);
    if (standing?.primary !== primary) return;
    standing.busyUs = this.#sight.nowUs();
    standing.busyType = type;
  }

  #onStanding(from: string, to: string, payload: Uint8Array): void {
    const { partition, ballot, committed, logged, learnId } = readSeenStanding(payload);
    const standing = this.#learning(partition).standings.get(from);
    if (learnId === 0 || standing?.life !== this.#sight.lifeOf(from)) return;
    if (standing.ballot !== ballot || standing.learnId !== learnId || standing.primary !== to)
      return;
    if (logged < standing.acked) {
      const detail =
        `${from} has ${logged} in its log and had acknowledged ${standing.acked}` +
        ` under the same ballot ${ballot} and invitation ${learnId}`;
      this.#sight.report('V8-log-continuity', partition, detail);
    }
    const nowUs = this.#sight.nowUs();
    if (nowUs - standing.heardUs > SILENT_US_MAX) standing.busyUs = nowUs;
    standing.heardUs = nowUs;
    this.#checkAsks(from, partition, standing, committed);
  }

  #checkAsks(name: string, partition: string, standing: Standing, committed: number): void {
    const view = this.#sight.viewOf(standing.primary, partition);
    const leads = view?.ballot === standing.ballot;
    if (!leads || committed >= view.lastCommittedDecree || BUSYING.includes(standing.busyType)) {
      standing.busyUs = this.#sight.nowUs();
      return;
    }
    if (this.#sight.nowUs() - standing.busyUs < QUIET_US_MAX) return;
    const detail =
      `${name} learns, has ${committed} while ${standing.primary} has committed ${view.lastCommittedDecree},` +
      ' and has asked for nothing since';
    this.#sight.report('V19-liveness', partition, detail);
  }

  #onAcked(partition: string, ballot: number, server: string, decree: number): void {
    const { acked } = this.#learning(partition);
    const key = `${ballot} ${server}`;
    acked.set(key, Math.max(decree, acked.get(key) ?? 0));
  }

  #learning(partition: string): Learning {
    let learning = this.#partitions.get(partition);
    if (learning === undefined) {
      learning = new Learning();
      this.#partitions.set(partition, learning);
    }
    return learning;
  }
}
