/**
 * Client writes of one replica on their way through replication.
 *
 *     arrived → open mutation → (end of turn, room in flight) → proposed → committed and applied →
 *     answered
 *
 * The open mutation gathers what arrives while earlier ones are under way: under load batches grow
 * by themselves, and when idle nothing waits. Answers leave only from `onApplied`.
 *
 * Invariant: every accepted write is answered exactly once: after its mutation was applied, or with
 * an error when the role ends (ERR_INVALID_STATE when it was certainly not executed, ERR_TIMEOUT
 * when it may yet be).
 */
import { assert, assertEqual } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { reached } from '../base/marks.ts';
import type { Mutation } from '../consensus/mutation.ts';
import type { PrimaryRole } from '../consensus/primary-role.ts';
import type { Clock } from '../env/clock.ts';
import type { ThriftSession } from '../rpc/thrift-session.ts';
import { type PendingWrite, PendingWritePool } from '../storage/pending-write.ts';
import { WriteBatchBuilder } from '../storage/write-batch.ts';
import { AppendOutcome } from '../storage/write-outcome.ts';
import type { WriteFamily } from '../storage/write-service.ts';
import type { Reader } from '../wire/reader.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';
import type { RequestCounters } from './request-counters.ts';
import type { ServerLoad } from './server-load.ts';

interface Batch {
  /** 0 while open. */
  decree: number;
  readonly writes: PendingWrite[];
  /** 0 while open. */
  bytes: number;
}

const POOLED_WRITES_MAX = 1_024;

export class WritePipeline {
  private readonly clock: Clock;
  private readonly writes: WriteFamily;
  private readonly pool = new PendingWritePool(POOLED_WRITES_MAX);
  private readonly builder = new WriteBatchBuilder();
  private readonly mutationBytesMax: number;
  private open: Batch = { decree: 0, writes: [], bytes: 0 };
  private flying: Batch[] = [];
  private lastTimestampUs = 0;
  private readonly counters: RequestCounters;
  private readonly load: ServerLoad;
  /** Writes that were taken up and are not answered. */
  private count = 0;

  constructor(
    clock: Clock,
    writes: WriteFamily,
    options: { readonly mutationBytesMax: number },
    counters: RequestCounters,
    load: ServerLoad,
  ) {
    this.clock = clock;
    this.writes = writes;
    this.mutationBytesMax = options.mutationBytesMax;
    this.counters = counters;
    this.load = load;
  }

  /** This replica, or its server, has more writes under way than may be. */
  get isCrowded(): boolean {
    const { load } = this;
    if (this.count >= load.writesOfReplicaMax || load.writes >= load.writesMax) return true;
    return load.writeBytes >= load.writeBytesMax;
  }

  /** Proposed, and not answered yet. */
  get hasFlyingWrites(): boolean {
    return this.flying.length > 0;
  }

  get hasOpenWrites(): boolean {
    return this.open.writes.length > 0;
  }

  /** The open mutation cannot take more before it is proposed. */
  get isFull(): boolean {
    return this.builder.byteLength >= this.mutationBytesMax;
  }

  /** `reader` stands on the argument. `appended`: it will be answered; else nothing was kept. */
  add(session: ThriftSession, header: RequestHeader, reader: Reader): AppendOutcome {
    assert(!this.isFull, 'the caller proposes a full mutation first');
    const pending = this.pool.take();
    const now = Math.floor(this.clock.wallMs() * 1_000);
    this.lastTimestampUs = Math.max(now, this.lastTimestampUs + 1);
    const outcome = this.writes.append(
      header.rpc,
      reader,
      this.lastTimestampUs,
      header,
      this.builder,
      pending,
    );
    if (outcome !== AppendOutcome.appended) {
      this.pool.giveBack(pending);
      return outcome;
    }
    pending.origin = session;
    pending.requestId = header.seqid;
    pending.arrivedMs = this.clock.monotonicMs();
    this.open.writes.push(pending);
    this.counters.requests[pending.code]! += 1;
    this.count += 1;
    this.load.writes += 1;
    this.load.reads.noteOther();
    return outcome;
  }

  /** Proposes the open mutation if it has writes and there is room. */
  propose(role: PrimaryRole, nextDecree: number, nowMs: number): void {
    if (this.open.writes.length === 0 || !role.canPropose()) return;
    const batch = this.open;
    this.open = { decree: 0, writes: [], bytes: 0 };
    const body = this.builder.seal(nextDecree);
    batch.decree = nextDecree;
    batch.bytes = body.length;
    this.load.writeBytes += body.length;
    this.flying.push(batch);
    const mutation = role.propose(body, this.lastTimestampUs, nowMs);
    assertEqual(mutation.decree, nextDecree, 'the batch was built for this decree');
  }

  /** Answers the clients of a mutation; those proposed by others have none here. */
  onApplied(mutation: Mutation): void {
    const first = this.flying[0];
    if (first === undefined || first.decree !== mutation.decree) {
      assert(first === undefined || first.decree > mutation.decree, 'answers are in decree order');
      return;
    }
    this.flying.shift();
    this.forget(first);
    const nowMs = this.clock.monotonicMs();
    for (const pending of first.writes) {
      const session = pending.origin as ThriftSession;
      const writer = session.beginReply(pending.code, pending.requestId);
      this.writes.writeReply(pending, mutation.decree, writer);
      session.finishReply();
      this.counters.onWritten(pending.code, pending.bytes);
      this.counters.latencies.record(pending.code, nowMs - pending.arrivedMs, nowMs);
      this.pool.giveBack(pending);
    }
  }

  /** Mutations above `decree` were dropped: whether another member has kept them is unknown. */
  onDropped(decree: number): void {
    reached('replica.writes.dropped');
    const dropped = this.flying.filter((batch) => batch.decree > decree);
    this.flying = this.flying.filter((batch) => batch.decree <= decree);
    for (const batch of dropped) this.refuse(batch, ErrorCode.timeout);
  }

  /** The role ended. */
  abandon(): void {
    this.refuse(this.open, ErrorCode.invalidState);
    this.open = { decree: 0, writes: [], bytes: 0 };
    this.builder.reset();
    const flying = this.flying;
    this.flying = [];
    for (const batch of flying) this.refuse(batch, ErrorCode.timeout);
  }

  private forget(batch: Batch): void {
    this.count -= batch.writes.length;
    this.load.writes -= batch.writes.length;
    this.load.writeBytes -= batch.bytes;
    assert(this.count >= 0, 'a write is answered once');
    assert(this.load.writes >= 0, 'the writes of a server are those of its replicas');
  }

  private refuse(batch: Batch, error: ErrorCode): void {
    this.forget(batch);
    this.counters.failedWrites += batch.writes.length;
    for (const pending of batch.writes) {
      const session = pending.origin as ThriftSession;
      session.replyError(pending.code, pending.requestId, error);
      this.pool.giveBack(pending);
    }
  }
}
