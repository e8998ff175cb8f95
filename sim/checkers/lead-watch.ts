/**
 * V4: who leads a partition, and may.
 *
 *  1. One sender of prepares per ballot, and one primary per ballot among the replicas. It counts from when it has
 *     stored the ballot: before, it says nothing under it, and a meta server on an old journal may give it away again.
 *  2. Who has asked to be replaced leads no more under that ballot: it is not waited for when the next one is chosen.
 *  3. A server that still leads what another one leads since is granted no lease. It has one reason to answer reads
 *     then, and the other one has another. Judged is the answer to a beacon that was sent when that other one had been
 *     made known already: the meta server answered it later still.
 */
import { ReplicaStatus } from '../../src/model/configuration.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import type { ReplicaView, SeenConfiguration } from './observer.ts';
import type { ViolationKind } from './violations.ts';
import {
  readSeenBeacon,
  readSeenBeaconAck,
  readSeenUpdate,
  type SeenPrepare,
} from './wire-view.ts';

/** The newest configuration that the meta server has told anybody of. */
export interface NewestConfiguration {
  readonly seen: SeenConfiguration;
  readonly sinceUs: number;
}

export interface LeadSight {
  readonly nowUs: () => number;
  /** Of a server that is up, as they are now. */
  readonly viewsOf: (server: string) => readonly ReplicaView[];
  /** Null when it may have been lost since. */
  readonly newest: (partition: string) => NewestConfiguration | null;
  readonly report: (kind: ViolationKind, partition: string, detail: string) => void;
}

/** As it stands on the wire. */
const YIELD = 3;
/** The answer to an older beacon would grant nothing. */
const BEACONS_KEPT = 32;

/** By ballot. */
class Leads {
  readonly senders: Map<number, string> = new Map();
  readonly primaries: Map<number, string> = new Map();
  readonly yielded: Map<number, string> = new Map();
}

interface SentBeacons {
  readonly incarnation: number;
  /** By sequence, in order. */
  readonly sentUs: Map<number, number>;
}

export class LeadWatch {
  readonly #sight: LeadSight;
  readonly #partitions: Map<string, Leads> = new Map();
  readonly #beacons: Map<string, SentBeacons> = new Map();

  constructor(sight: LeadSight) {
    this.#sight = sight;
  }

  onFrame(from: string, to: string, type: number, payload: Uint8Array): void {
    if (type === InternalMessage.configurationUpdate) {
      const { partition, ballot, change } = readSeenUpdate(payload);
      if (change === YIELD) this.#leads(partition).yielded.set(ballot, from);
    } else if (type === InternalMessage.groupCheck) {
      for (const view of this.#sight.viewsOf(from)) this.#checkYielded(from, view);
    } else if (type === InternalMessage.beacon) this.#onBeacon(from, payload);
    else if (type === InternalMessage.beaconAck) this.#onBeaconAck(to, payload);
  }

  onPrepare(from: string, { partition, ballot }: SeenPrepare): void {
    const { senders } = this.#leads(partition);
    const sender = senders.get(ballot);
    if (sender === undefined) senders.set(ballot, from);
    else if (sender !== from) {
      const detail = `${sender} and ${from} both prepare under ballot ${ballot}`;
      this.#sight.report('V4-one-primary-per-ballot', partition, detail);
    }
  }

  onLook(server: string, view: ReplicaView): void {
    if (view.status !== ReplicaStatus.primary) return;
    this.#checkYielded(server, view);
    if (view.persistedBallot < view.ballot) return;
    const { primaries } = this.#leads(view.partition);
    const known = primaries.get(view.ballot);
    if (known === undefined) primaries.set(view.ballot, server);
    else if (known !== server) {
      const detail = `${known} and ${server} are both primary at ballot ${view.ballot}`;
      this.#sight.report('V4-one-primary-per-ballot', view.partition, detail);
    }
  }

  #checkYielded(server: string, { partition, status, ballot }: ReplicaView): void {
    if (status !== ReplicaStatus.primary) return;
    if (this.#leads(partition).yielded.get(ballot) !== server) return;
    const detail = `${server} leads again under ballot ${ballot}, which it had given up`;
    this.#sight.report('V4-one-primary-per-ballot', partition, detail);
  }

  #onBeacon(from: string, payload: Uint8Array): void {
    const { incarnation, sequence } = readSeenBeacon(payload);
    let sent = this.#beacons.get(from);
    if (sent?.incarnation !== incarnation) {
      sent = { incarnation, sentUs: new Map() };
      this.#beacons.set(from, sent);
    }
    sent.sentUs.set(sequence, this.#sight.nowUs());
    for (const oldest of sent.sentUs.keys()) {
      if (sent.sentUs.size <= BEACONS_KEPT) break;
      sent.sentUs.delete(oldest);
    }
  }

  #onBeaconAck(to: string, payload: Uint8Array): void {
    const { incarnation, sequence, leaseMs } = readSeenBeaconAck(payload);
    const sent = this.#beacons.get(to);
    if (leaseMs === 0 || sent?.incarnation !== incarnation) return;
    const sentUs = sent.sentUs.get(sequence);
    if (sentUs === undefined) return;
    for (const { partition, status, ballot } of this.#sight.viewsOf(to)) {
      const newest = this.#sight.newest(partition);
      if (status !== ReplicaStatus.primary || newest === null || newest.sinceUs >= sentUs) continue;
      const { primary, ballot: newestBallot } = newest.seen;
      if (primary === null || primary === to || newestBallot <= ballot) continue;
      const detail =
        `${to}, which leads under ballot ${ballot}, is granted a lease of ${leaseMs} ms,` +
        ` though ${primary} leads under ballot ${newestBallot}`;
      this.#sight.report('V4-one-reader', partition, detail);
    }
  }

  #leads(partition: string): Leads {
    let leads = this.#partitions.get(partition);
    if (leads === undefined) {
      leads = new Leads();
      this.#partitions.set(partition, leads);
    }
    return leads;
  }
}
