/**
 * The log of one replica server as the replicas need it: opened, watched, bounded, and replaced after it has failed.
 *
 *  - A log without room (`full`) goes on by itself once there is some. Until then no write of a replica that leads
 *    here can commit, so after a while those replicas yield their leadership to members whose disks have room.
 *  - A failed write or sync is final (log-writer.ts): every replica here has failed with it. What the log holds may
 *    be the only record of what these copies had acknowledged, so it stays as long as one of them is here. They go
 *    to the trash one by one, as primaries elsewhere invite this server to learn anew (they have all that is
 *    committed) or the meta server calls them superfluous. Only then does the folder of the log follow, and a new
 *    log begins. A partition whose last good copy is here keeps the log, and this server from serving, until it is
 *    started again: then what is readable is written anew and proved (log-recovery.ts).
 */
import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Mutation } from '../consensus/mutation.ts';
import type { ReplicaCore } from '../consensus/replica-core.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import { type Gpid, gpidKey } from '../model/identity.ts';
import {
  type LogRecoveryReport,
  type LogVisitor,
  MutationLog,
} from '../storage/log/mutation-log.ts';
import type { ReplicaOptions } from './options.ts';

/** A log may be without room for so long before its replicas yield: a moment is no reason. */
const FULL_YIELD_MS = 1_000;
/** Replicas fail when so many times as much waits as lets clients wait. */
const REFUSED_FACTOR = 8;
/** Between two attempts to begin a new log. */
const RENEW_RETRY_MS = 1_000;

const NO_VISIT: LogVisitor = {
  onMutation: () => {},
  onTruncated: () => {},
  onReset: () => {},
};

type LogLimits = Pick<ReplicaOptions, 'logSegmentBytesMax' | 'logCongestedBytes' | 'logBytesMax'>;

/** `ok`; `full`: waits for room; `failed`: no replica can go on, see above. */
export type LogCondition = 'ok' | 'full' | 'failed';

/** What the keeper needs of a replica. */
export interface LogUser {
  readonly gpid: Gpid;
  readonly isDeaf: boolean;
  readonly core: Pick<ReplicaCore, 'fail' | 'yieldLeadership'>;
  /** See `StoredReplica`. */
  readonly copy: number;
  onReplay(mutation: Mutation): void;
  /** It was removed, and is here again. Durable when it resolves. */
  disown(): Promise<void>;
  settled(): Promise<void>;
  inspect(): { readonly durableDecree: number };
  flush(): Promise<void>;
}

export interface LogUsers {
  replicas(): readonly LogUser[];
  find(appId: number, partitionIndex: number): LogUser | null;
  /** A copy is here that the log may hold something of, open or not. */
  readonly hasCopies: boolean;
}

export class LogKeeper {
  readonly #environment: Omit<ReplicaEnvironment, 'engines' | 'transport'>;
  readonly #options: LogLimits;
  readonly #dataPath: string;
  readonly #users: LogUsers;
  readonly #stamp: () => string;
  /** Partitions whose part of the log is damaged, until they have learned or are gone. */
  readonly #suspects = new Set<number>();
  #log: MutationLog;
  #fullSinceMs = Number.NaN;
  #renewing: Promise<void> | null = null;
  #renewFromMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** `stamp` names what goes to the trash, differently each time. */
  constructor(
    environment: Omit<ReplicaEnvironment, 'engines' | 'transport'>,
    options: LogLimits,
    dataPath: string,
    users: LogUsers,
    stamp: () => string,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#dataPath = dataPath;
    this.#users = users;
    this.#stamp = stamp;
    this.#log = this.#make();
  }

  get current(): MutationLog {
    return this.#log;
  }

  get condition(): LogCondition {
    if (this.#renewing !== null || this.#log.hasFailed) return 'failed';
    return this.#log.isFull ? 'full' : 'ok';
  }

  /** Replays the log into the replicas that are open. */
  async open(): Promise<LogRecoveryReport> {
    const report = await this.#log.replay({
      // What a learner gave up continues no history of ours: replay passes it over.
      ...NO_VISIT,
      onMutation: (mutation, isVoid) => {
        if (isVoid) {
          reached('replica.log.void');
          return;
        }
        const { appId, partitionIndex } = mutation.gpid;
        this.#users.find(appId, partitionIndex)?.onReplay(mutation);
      },
    });
    for (const replica of this.#users.replicas()) {
      await replica.settled();
      if (replica.copy < report.firstCopyOf(replica.gpid)) {
        reached('replica.broughtBack');
        await replica.disown();
      }
      if (!report.isSuspect(replica.gpid, replica.inspect().durableDecree)) continue;
      reached('replica.log.suspect');
      this.#suspects.add(gpidKey(replica.gpid));
      replica.core.fail('its part of the log is damaged, or newer than its files');
    }
    return report;
  }

  /** The copy is in the trash: its part of the log is void. */
  onRemoved(gpid: Gpid, drop: () => void): void {
    if (!this.#log.hasFailed) drop();
    if (this.#suspects.delete(gpidKey(gpid))) this.forgiveDamage();
  }

  /** The log keeps everything as long as somebody may need it to see what was lost. */
  forgiveDamage(): void {
    if (this.#suspects.size === 0) this.#log.acknowledgeDamage();
  }

  onTick(nowMs: number): void {
    if (this.#closed) return;
    if (this.#log.hasFailed) {
      if (this.#renewing === null && nowMs >= this.#renewFromMs && !this.#users.hasCopies) {
        this.#renewFromMs = nowMs + RENEW_RETRY_MS;
        this.#renewing = this.#renew().finally(() => {
          this.#renewing = null;
        });
      }
      return;
    }
    this.#bound();
    this.#watchRoom(nowMs);
  }

  /** Never rejects: whoever is told to stop stops, also on a disk that refuses. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#renewing;
    try {
      await this.#log.close();
    } catch (error) {
      // Then the log has no mark of an orderly close, and the next start reads it as after a crash.
      const text = error instanceof Error ? error.message : String(error);
      this.#environment.logger.warn('replica.log.close_failed', { error: text });
    }
  }

  #make(): MutationLog {
    return new MutationLog(this.#environment, this.#path, {
      segmentBytesMax: this.#options.logSegmentBytesMax,
      congestedBytes: this.#options.logCongestedBytes,
      pendingBytesMax: REFUSED_FACTOR * this.#options.logCongestedBytes,
      onFailed: (error) => this.#onFailed(error.message),
    });
  }

  get #path(): string {
    return `${this.#dataPath}/log`;
  }

  /** No append will succeed any more: no replica of this server can go on. */
  #onFailed(reason: string): void {
    this.#environment.logger.warn('replica.log.failed', { reason });
    for (const replica of this.#users.replicas()) replica.core.fail(`the log failed: ${reason}`);
  }

  async #renew(): Promise<void> {
    assert(!this.#users.hasCopies, 'a failed log stays as long as a copy may need it');
    const { disk, logger } = this.#environment;
    try {
      await this.#log.close();
      if (await disk.exists(this.#path)) {
        await disk.rename(this.#path, `${this.#dataPath}/trash/log.${this.#stamp()}`);
      }
      const fresh = this.#make();
      await fresh.replay(NO_VISIT);
      this.#log = fresh;
      reached('replica.log.renewed');
      logger.warn('replica.log.renewed', { path: this.#path });
    } catch (error) {
      // The disk may still refuse; the failed log stands until it does not.
      const text = error instanceof Error ? error.message : String(error);
      logger.warn('replica.log.renewal_failed', { error: text });
    }
  }

  /** Flushes the replicas that keep an overlong log from shrinking. */
  #bound(): void {
    if (this.#log.byteLength <= this.#options.logBytesMax) return;
    reached('replica.log.tooLong');
    for (const straggler of this.#log.oldestHolders(this.#options.logBytesMax)) {
      const { appId, partitionIndex } = straggler.gpid;
      const replica = this.#users.find(appId, partitionIndex);
      if (replica !== null && !replica.isDeaf) void replica.flush();
    }
  }

  #watchRoom(nowMs: number): void {
    if (!this.#log.isFull) {
      this.#fullSinceMs = Number.NaN;
      return;
    }
    if (Number.isNaN(this.#fullSinceMs)) this.#fullSinceMs = nowMs;
    if (nowMs - this.#fullSinceMs < FULL_YIELD_MS) return;
    for (const replica of this.#users.replicas()) {
      if (!replica.isDeaf) replica.core.yieldLeadership('slow: its log has no room', nowMs);
    }
  }
}
