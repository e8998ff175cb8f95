/**
 * Watches a whole cluster from outside: what goes over the wire, what each replica says of itself, and what its engine
 * holds. Nothing here is shared with the code under test but the numbers of the messages.
 *
 *   V4   who leads (lead-watch.ts).
 *   V5   committed anywhere ≤ prepared at every member of the newest configuration that is up, and the same.
 *   V6   one digest per committed decree (global-history.ts).
 *   V8   what a member acknowledged and what is committed is in its log again after a restart, and so is the ballot
 *        under which it did so.
 *   V7, V9   engine content = replay of the committed history up to the engine's applied decree.
 *   V10  a node that is new in a configuration has everything that is committed (and learner-watch.ts).
 *   V12  one set of members per (partition, ballot); a newer ballot keeps at least one former member.
 */
import type { Engine } from '../../src/env/engine.ts';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { type EngineContent, readContent } from './content.ts';
import { LeadWatch, type NewestConfiguration } from './lead-watch.ts';
import { LearnerWatch } from './learner-watch.ts';
import { PartitionRecord } from './partition-record.ts';
import type { ReadAnswers } from './read-answers.ts';
import type { ViolationKind, Violations } from './violations.ts';
import { readSeenPrepare, readSeenPrepareAck } from './wire-view.ts';

/** What a replica says of itself (ReplicaServer.inspect). */
export interface ReplicaView {
  readonly partition: string;
  readonly status: ReplicaStatus;
  readonly ballot: number;
  readonly persistedBallot: number;
  readonly lastCommittedDecree: number;
  /** In the own log. */
  readonly lastPreparedDecree: number;
  readonly digestAt: (decree: number) => number | null;
}

/** A server process that is up. */
export interface ServerView {
  readonly name: string;
  readonly isUp: boolean;
  /** Raised by each start. */
  readonly generation: number;
  readonly replicas: () => readonly ReplicaView[];
  /** Calls back with the engine of a replica; false when there is none open. */
  readonly withEngine: (partition: string, look: (engine: Engine) => void) => boolean;
}

export interface SeenConfiguration {
  readonly partition: string;
  readonly ballot: number;
  readonly primary: string | null;
  readonly secondaries: readonly string[];
  /** Of the term that told it; absent or 0: there is one meta server. */
  readonly epoch?: number;
  /** How many members the table wants; absent: it does not matter. */
  readonly replicaCount?: number;
}

/** A configuration that names a server. */
export interface Membership {
  readonly partition: string;
  readonly ballot: number;
}

/** What a member must have again when it comes back. */
interface Owed {
  readonly partition: string;
  readonly decree: number;
  readonly ballot: number;
}

/** What of a server's life has been looked at. */
class ServerLife {
  readonly generation: number;
  /** Partitions whose engine was compared after they appeared. */
  readonly compared: Set<string> = new Set();
  /** By partition: decree up to which its history was compared, one by one. */
  readonly checkedUpTo: Map<string, number> = new Map();

  constructor(generation: number) {
    this.generation = generation;
  }
}

/** Between two looks there are few. */
const CHECKED_AT_ONCE_MAX = 1000;

export class ClusterObserver {
  readonly #violations: Violations;
  readonly #nowUs: () => number;
  readonly #servers: readonly ServerView[];
  readonly #partitions: Map<string, PartitionRecord> = new Map();
  readonly #owed: Map<string, Owed[]> = new Map();
  /** The present one of each server. */
  readonly #lives: Map<string, ServerLife> = new Map();
  /** Of the present look, by server. */
  readonly #views: Map<string, readonly ReplicaView[]> = new Map();
  readonly #leads: LeadWatch;
  readonly #learners: LearnerWatch;
  #isFinal: boolean = false;
  /** The highest that anything was told under. */
  #epoch: number = 0;
  /**
   * The disk of this member forgot what it had promised, as its fault model allows: until it has
   * left the configuration, it owes nothing (V5, V8).
   */
  isExcused: (server: string) => boolean = () => false;
  committedCount: number = 0;
  contentComparisons: number = 0;
  /** Who answers reads; it wants to know of each look. */
  readAnswers: ReadAnswers | null = null;

  constructor(violations: Violations, nowUs: () => number, servers: readonly ServerView[]) {
    this.#violations = violations;
    this.#nowUs = nowUs;
    this.#servers = servers;
    const report = this.#report.bind(this);
    this.#leads = new LeadWatch({
      nowUs,
      report,
      viewsOf: (name) => this.#serverOf(name)?.replicas() ?? [],
      newest: (partition) => this.#newest(partition),
    });
    this.#learners = new LearnerWatch({
      nowUs,
      report,
      lifeOf: (name) => this.#serverOf(name)?.generation ?? 0,
      viewOf: (name, partition) => this.#viewOf(name, partition),
    });
  }

  // ---- the wire ----

  onFrame(from: string, to: string, type: number, payload: Uint8Array): void {
    this.#leads.onFrame(from, to, type, payload);
    this.#learners.onFrame(from, to, type, payload);
    if (type === InternalMessage.prepare) this.#onPrepare(from, to, payload);
    else if (type === InternalMessage.prepareAck) this.#onPrepareAck(from, to, payload);
    else if (type === InternalMessage.replicaForget) this.#forget(to);
  }

  #onPrepare(from: string, to: string, payload: Uint8Array): void {
    const prepare = readSeenPrepare(payload);
    const wrong = this.#record(prepare.partition).history.onPrepared(prepare);
    if (wrong !== null) this.#report('V6-one-digest-per-decree', prepare.partition, wrong);
    this.#leads.onPrepare(from, prepare);
    this.#learners.onPrepare(from, to, prepare);
  }

  #onPrepareAck(from: string, to: string, payload: Uint8Array): void {
    const ack = readSeenPrepareAck(payload);
    if (ack.result !== 0) return;
    const { acknowledged, followed } = this.#record(ack.partition);
    acknowledged.set(from, Math.max(ack.decree, acknowledged.get(from) ?? 0));
    followed.set(from, Math.max(ack.ballot, followed.get(from) ?? 0));
    this.#learners.onPrepareAck(from, to, ack);
  }

  /** It may drop a copy now; only members keep what they acknowledged. */
  #forget(server: string): void {
    for (const record of this.#partitions.values()) {
      if (record.newest !== null && !isMember(record.newest, server)) {
        record.acknowledged.delete(server);
        record.followed.delete(server);
      }
    }
  }

  // ---- configurations ----

  /**
   * Partitions whose newest configuration names the server; a dropped table has none, and may be
   * recalled with the members that it had.
   */
  memberships(server: string): Membership[] {
    const found: Membership[] = [];
    for (const [partition, { configurations }] of this.#partitions) {
      let newest: SeenConfiguration | null = null;
      for (const seen of configurations.values()) {
        if (members(seen).length > 0 && seen.ballot >= (newest?.ballot ?? 0)) newest = seen;
      }
      if (newest !== null && isMember(newest, server)) {
        found.push({ partition, ballot: newest.ballot });
      }
    }
    return found;
  }

  /** A configuration after that of `membership` was seen that does not name the server. */
  hasLeft(server: string, { partition, ballot }: Membership): boolean {
    for (const seen of this.#record(partition).configurations.values()) {
      if (seen.ballot > ballot && members(seen).length > 0 && !isMember(seen, server)) return true;
    }
    return false;
  }

  /** With so few members, which are less than a majority of those wanted, no write is acknowledged. */
  isBelowFloor(partition: string, ballot: number): boolean {
    const { configurations, replicaCountLeast } = this.#record(partition);
    const seen = configurations.get(ballot);
    if (seen === undefined || replicaCountLeast < 3) return false;
    return members(seen).length <= replicaCountLeast / 2;
  }

  /**
   * The meta server's disk comes back from a copy. What it decided since is lost, but where a server has stored it;
   * a decision whose every push was lost as well is nowhere, was never acted upon, and its ballot may be given to
   * another one.
   */
  onMetaRestored(): void {
    for (const record of this.#partitions.values()) {
      record.lostUpTo = Math.max(0, ...record.configurations.keys());
    }
  }

  /** Nobody up has stored what `seen` contradicts. Whoever is down and has is caught when it acts: V4, V5, V6. */
  #forgetLost(record: PartitionRecord, seen: SeenConfiguration, told: number): void {
    const known = record.configurations.get(seen.ballot);
    const isOther = known !== undefined && membersText(known) !== membersText(seen);
    if (seen.ballot > record.lostUpTo || (seen.ballot >= told && !isOther)) return;
    this.look();
    let stored = 0;
    for (const views of this.#views.values()) {
      const view = views.find((one) => one.partition === seen.partition);
      stored = Math.max(stored, view?.ballot ?? 0);
    }
    record.forgetAbove(stored);
  }

  /** From the meta server, which has persisted it: seen in a push to `to`. */
  onConfiguration(seen: SeenConfiguration, to: string): void {
    const record = this.#record(seen.partition);
    this.#forgetLost(record, seen, record.told.get(to) ?? 0);
    const told = record.told.get(to) ?? 0;
    const isOverdue = this.#isOverdue(seen);
    if (seen.ballot < told && !isOverdue) {
      const detail = `the meta server tells ${to} of ballot ${seen.ballot} after ${told}`;
      this.#report('V12-configuration', seen.partition, detail);
    }
    record.told.set(to, Math.max(told, seen.ballot));
    record.replicaCountLeast = Math.min(record.replicaCountLeast, seen.replicaCount ?? 0);
    const known = record.configurations.get(seen.ballot);
    if (known !== undefined) {
      if (membersText(known) !== membersText(seen)) {
        const detail = `ballot ${seen.ballot} has members ${membersText(known)} and ${membersText(seen)}`;
        this.#report('V12-configuration', seen.partition, detail);
      }
      return;
    }
    record.configurations.set(seen.ballot, seen);
    const previous = record.newest;
    if (previous !== null && previous.ballot > seen.ballot) return;
    record.newest = seen;
    record.newestSinceUs = this.#nowUs();
    if (previous === null || previous.ballot === 0) return;
    this.#checkAdded(record, previous, seen);
  }

  /** From a leader that was followed: servers do not heed it. */
  #isOverdue({ epoch = 0 }: SeenConfiguration): boolean {
    this.#epoch = Math.max(this.#epoch, epoch);
    return epoch < this.#epoch;
  }

  #checkAdded(record: PartitionRecord, previous: SeenConfiguration, seen: SeenConfiguration): void {
    this.look();
    for (const name of members(seen)) {
      if (isMember(previous, name)) continue;
      const view = this.#viewOf(name, seen.partition);
      if (view === null || view.lastPreparedDecree >= record.history.lastCommitted) continue;
      const detail =
        `${name} joins at ballot ${seen.ballot} with log up to ${view.lastPreparedDecree}` +
        ` while ${record.history.lastCommitted} is committed`;
      this.#report('V10-early-promotion', seen.partition, detail);
    }
  }

  // ---- the replicas ----

  /** Looks at every replica that is up. Cheap enough for many times a second. */
  look(): void {
    this.#views.clear();
    for (const server of this.#servers) {
      if (!server.isUp) continue;
      const views = server.replicas();
      this.#views.set(server.name, views);
      const life = this.#lifeOf(server);
      for (const view of views) this.#lookAt(server, life, view);
    }
    for (const [partition, record] of this.#partitions) this.#checkMembers(partition, record);
  }

  #lifeOf({ name, generation }: ServerView): ServerLife {
    let life = this.#lives.get(name);
    if (life?.generation !== generation) {
      life = new ServerLife(generation);
      this.#lives.set(name, life);
    }
    return life;
  }

  #lookAt(server: ServerView, life: ServerLife, view: ReplicaView): void {
    const record = this.#record(view.partition);
    this.#checkSince(server.name, life, record, view);
    const digest = view.digestAt(view.lastCommittedDecree);
    if (digest !== null) {
      const before = record.history.lastCommitted;
      const wrong = record.history.onCommitted(view.lastCommittedDecree, digest);
      this.committedCount += record.history.lastCommitted - before;
      if (wrong !== null && (this.#isFinal || !record.history.isUnknown)) {
        this.#report('V6-one-digest-per-decree', view.partition, `${server.name}: ${wrong}`);
      }
    }
    this.readAnswers?.onLook(server.name, view.partition, view.status, view.ballot);
    this.#leads.onLook(server.name, view);
    if (life.compared.has(view.partition)) return;
    if (this.#compareContent(server, view.partition)) life.compared.add(view.partition);
  }

  /** A digest covers its own history, which need not be the one that was taken over. */
  #checkSince(name: string, life: ServerLife, record: PartitionRecord, view: ReplicaView): void {
    const checked = life.checkedUpTo.get(view.partition) ?? 0;
    // The newest one is compared when it is taken over.
    const last = Math.min(view.lastCommittedDecree - 1, record.history.lastCommitted);
    for (let decree = Math.max(checked + 1, last - CHECKED_AT_ONCE_MAX); decree <= last; decree++) {
      const digest = view.digestAt(decree);
      if (digest === null || digest === record.history.digestAt(decree)) continue;
      const detail = `${name} has committed decree ${decree} with digest ${digest}, not ${record.history.digestAt(decree)}`;
      this.#report('V6-one-digest-per-decree', view.partition, detail);
    }
    if (last > checked) life.checkedUpTo.set(view.partition, last);
  }

  /** The commit invariant of PacificA, against the newest configuration that the meta server has. */
  #checkMembers(partition: string, record: PartitionRecord): void {
    const { newest, history } = record;
    if (newest === null) return;
    for (const name of members(newest)) {
      const view = this.#views.get(name)?.find((one) => one.partition === partition);
      if (view === undefined || view.status === ReplicaStatus.error) continue;
      const own = view.digestAt(history.lastCommitted);
      const isSame = own === null || own === history.digestAt(history.lastCommitted);
      if (isSame && view.lastPreparedDecree >= history.lastCommitted) continue;
      if (this.isExcused(name)) continue;
      const detail =
        `${name} is a member at ballot ${newest.ballot} and has prepared ${view.lastPreparedDecree},` +
        ` but ${isSame ? '' : 'another '}${history.lastCommitted} is committed`;
      this.#report('V5-commit-invariant', partition, detail);
    }
  }

  /** All partitions have so many members, which are up and follow the newest ballot that was seen. */
  isWhole(memberCount: number): boolean {
    for (const [partition, { newest }] of this.#partitions) {
      if (newest === null || newest.ballot === 0) continue;
      const names = members(newest);
      if (names.length < memberCount) return false;
      for (const name of names) {
        const view = this.#viewOf(name, partition);
        const role = name === newest.primary ? ReplicaStatus.primary : ReplicaStatus.secondary;
        if (view === null || view.ballot !== newest.ballot || view.status !== role) return false;
      }
    }
    return true;
  }

  // ---- crashes ----

  /** Called before a server dies: notes what it owes as a member. */
  onServerDies(name: string): void {
    this.look();
    const server = this.#servers.find((one) => one.name === name);
    if (server === undefined) return;
    const owed: Owed[] = [];
    for (const [partition, record] of this.#partitions) {
      const { newest, acknowledged, followed, history } = record;
      if (newest === null || !isMember(newest, server.name)) continue;
      const isLeader = newest.primary === server.name;
      const acked = isLeader ? history.lastCommitted : (acknowledged.get(server.name) ?? 0);
      const ballot = followed.get(server.name) ?? 0;
      owed.push({ partition, decree: Math.min(acked, history.lastCommitted), ballot });
    }
    this.#owed.set(server.name, owed);
  }

  /** Called when a server has just started, before anything reaches it: later it may drop what it was a member for. */
  onServerStarted(name: string): void {
    const owed = this.#owed.get(name) ?? [];
    this.#owed.delete(name);
    for (const { partition, decree, ballot } of owed) {
      const view = this.#viewOf(name, partition);
      if (view === null || view.status === ReplicaStatus.error) continue;
      if (this.isExcused(name)) continue;
      const wrong = [];
      if (view.lastPreparedDecree < decree) {
        wrong.push(`log up to ${view.lastPreparedDecree}, it had ${decree}`);
      }
      if (view.ballot < ballot) {
        wrong.push(`ballot ${view.ballot}, it had acknowledged under ${ballot}`);
      }
      for (const what of wrong) {
        this.#report('V8-log-continuity', partition, `${name} came back with ${what}`);
      }
    }
  }

  // ---- engines ----

  onBatchApplied(partition: string, batch: Uint8Array): void {
    this.#record(partition).history.onApplied(batch);
  }

  /** The last look, when everything has come to rest: what is committed must be known and applied. */
  finish(): void {
    this.#isFinal = true;
    this.look();
    this.compareAllContents();
  }

  compareAllContents(): void {
    this.look();
    for (const server of this.#servers) {
      if (!server.isUp) continue;
      for (const view of server.replicas()) this.#compareContent(server, view.partition);
    }
  }

  /** False when there is no engine to look at yet. */
  #compareContent(server: ServerView, partition: string): boolean {
    const contents: EngineContent[] = [];
    server.withEngine(partition, (engine) => {
      const content = readContent(engine);
      if (content !== null) contents.push(content);
    });
    const content = contents[0];
    if (content === undefined) return false;
    this.contentComparisons += 1;
    const wrong = this.#contentFault(partition, content);
    if (wrong !== null) this.#report('V9-torn-decree', partition, `${server.name}: ${wrong}`);
    return true;
  }

  #contentFault(partition: string, content: EngineContent): string | null {
    const { history } = this.#record(partition);
    const { appliedDecree, appliedDigest, digest } = content;
    if (appliedDecree > history.lastCommitted) {
      // Its replica commits first; if that mutation is not known yet, this one cannot be judged yet.
      if (!this.#isFinal) return null;
      return `the engine has applied ${appliedDecree}, committed is ${history.lastCommitted}`;
    }
    if (history.digestAt(appliedDecree) !== appliedDigest) {
      return `the engine has applied another decree ${appliedDecree} than the committed one`;
    }
    if (history.contentAt(appliedDecree) !== digest) {
      return `the engine's ${content.rowCount} rows are not the effects of decrees 1 … ${appliedDecree}`;
    }
    return null;
  }

  #viewOf(name: string, partition: string): ReplicaView | null {
    const views = this.#serverOf(name)?.replicas() ?? [];
    return views.find((view) => view.partition === partition) ?? null;
  }

  /** That is up. */
  #serverOf(name: string): ServerView | null {
    return this.#servers.find((one) => one.name === name && one.isUp) ?? null;
  }

  #newest(partition: string): NewestConfiguration | null {
    const { newest, newestSinceUs, lostUpTo } = this.#record(partition);
    if (newest === null || newest.ballot <= lostUpTo) return null;
    return { seen: newest, sinceUs: newestSinceUs };
  }

  #record(partition: string): PartitionRecord {
    let record = this.#partitions.get(partition);
    if (record === undefined) {
      record = new PartitionRecord();
      this.#partitions.set(partition, record);
    }
    return record;
  }

  #report(kind: ViolationKind, partition: string, detail: string): void {
    this.#violations.add(kind, this.#nowUs(), `partition ${partition}: ${detail}`);
  }
}

function members(seen: SeenConfiguration): string[] {
  return seen.primary === null ? [...seen.secondaries] : [seen.primary, ...seen.secondaries];
}

function isMember(seen: SeenConfiguration, name: string): boolean {
  return seen.primary === name || seen.secondaries.includes(name);
}

function membersText(seen: SeenConfiguration): string {
  return `${seen.primary ?? 'none'}+${[...seen.secondaries].sort().join()}`;
}
