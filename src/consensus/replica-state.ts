/**
 * What every role of a replica shares: identity, configuration, the prepare list, and how far the
 * log has come.
 *
 * Invariant: committed ≤ logged ≤ prepared. Nothing is committed here that is not in the own log,
 * so the engine never runs ahead of it.
 */
import { assert, assertAtLeast, assertAtMost } from '../base/assert.ts';
import {
  type AppInfo,
  initialConfiguration,
  type PartitionConfiguration,
  ReplicaStatus,
} from '../model/configuration.ts';
import {
  BALLOT_NONE,
  type Ballot,
  DECREE_NONE,
  type Decree,
  type Gpid,
  type NodeId,
} from '../model/identity.ts';
import type { ReplicaCoreOptions, ReplicaEffects } from './effects.ts';
import type { Mutation } from './mutation.ts';
import { PrepareList } from './prepare-list.ts';

/**
 * Mutations that a learner may have on their way to its log at a time. Far more than a primary has in
 * flight, or a learner would never overtake a busy one.
 */
const LEARN_WINDOW = 512;

export class ReplicaState {
  readonly gpid: Gpid;
  readonly self: NodeId;
  readonly options: ReplicaCoreOptions;
  readonly effects: ReplicaEffects;
  readonly list: PrepareList;
  status: ReplicaStatus;
  config: PartitionConfiguration;
  table: AppInfo;
  /** Why the status is `error`; empty otherwise. */
  failure: string;
  /**
   * Newest ballot that survives a crash here. Acks and commits under a ballot wait for it:
   * otherwise a restarted member could follow an older primary and drop what it had acknowledged.
   */
  persistedBallot: Ballot;
  /**
   * A cut of power may have taken the end of the log, of what was acknowledged too. It is so until a
   * configuration says that this replica has all that counts.
   */
  tailUnproven: boolean;
  private logged: number;

  constructor(
    gpid: Gpid,
    self: NodeId,
    table: AppInfo,
    options: ReplicaCoreOptions,
    effects: ReplicaEffects,
  ) {
    this.gpid = gpid;
    this.self = self;
    this.options = options;
    this.effects = effects;
    this.list = new PrepareList({
      capacity: nextPowerOfTwo(Math.max(4 * options.inFlightMax, 2 * LEARN_WINDOW)),
      uncommittedMax: Math.max(2 * options.inFlightMax, LEARN_WINDOW),
      tailBytesMax: options.tailBytesMax,
    });
    this.status = ReplicaStatus.inactive;
    this.config = initialConfiguration(gpid, table.maxReplicaCount);
    this.table = table;
    this.failure = '';
    this.persistedBallot = BALLOT_NONE;
    this.tailUnproven = false;
    this.logged = DECREE_NONE;
  }

  /** Everything up to here is in the own log. */
  get lastLogged(): Decree {
    return this.logged as Decree;
  }

  /** Under which the newest mutation was prepared; 0 when all is in the engine. */
  get headBallot(): number {
    return this.list.get(this.list.lastPrepared)?.ballot ?? BALLOT_NONE;
  }

  /** Starts over at a state that the engine holds durably or by replay. */
  reset(decree: Decree, digest: number): void {
    this.list.reset(decree, digest);
    this.logged = decree;
  }

  append(mutation: Mutation): void {
    this.list.append(mutation);
    if (mutation.logged) this.advanceLogged();
    else this.effects.appendLog(mutation);
  }

  /** False when the mutation was replaced meanwhile. */
  onLogAppended(mutation: Mutation): boolean {
    if (this.list.get(mutation.decree) !== mutation) return false;
    mutation.logged = true;
    this.advanceLogged();
    return true;
  }

  truncateAfter(decree: Decree): void {
    if (decree >= this.list.lastPrepared) return;
    this.list.truncateAfter(decree);
    if (this.logged > decree) this.logged = decree;
    this.effects.mutationsDropped(decree);
  }

  /** Commits in order up to `decree` or as far as the log is. */
  commitUpTo(decree: number): void {
    const target = Math.min(decree, this.logged);
    while (this.list.lastCommitted < target) this.effects.commit(this.list.commitNext());
    assertAtMost(this.list.lastCommitted, this.logged, 'committed ≤ logged');
  }

  changeRole(status: ReplicaStatus, config: PartitionConfiguration, table: AppInfo): void {
    assertAtLeast(config.ballot, this.config.ballot, 'ballots never go back');
    assert(this.status !== ReplicaStatus.error, 'a failed replica takes no role');
    const previous = this.status;
    const isStored = config.ballot <= this.persistedBallot;
    const isTableNew = table.revision !== this.table.revision;
    this.status = status;
    this.config = config;
    this.table = table;
    if (status === ReplicaStatus.primary || status === ReplicaStatus.secondary) {
      this.tailUnproven = false;
    }
    if (config.ballot > this.persistedBallot) this.effects.persistConfiguration(config, table);
    // Whoever rebuilds the meta server's state from replicas wants the newest settings (cluster/recovery.ts).
    if (isStored && isTableNew) this.effects.persistConfiguration(config, table);
    this.effects.roleChanged(status, config, table, previous);
  }

  private advanceLogged(): void {
    while (this.list.get(this.logged + 1)?.logged === true) this.logged += 1;
    assertAtMost(this.logged, this.list.lastPrepared, 'logged ≤ prepared');
  }
}

function nextPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}
