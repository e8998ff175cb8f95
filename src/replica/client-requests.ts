/**
 * Client requests to one replica: the checks in their order, then the read or the write.
 *
 * A read is answered only by a primary whose lease is valid when the request is taken up and again
 * when the answer is ready, and only after everything that was prepared before it became primary is
 * applied (until then reads are held). Secondaries answer backup requests, which ask for no more
 * than some past state.
 */
import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { reached } from '../base/marks.ts';
import type { Lease } from '../consensus/lease.ts';
import type { ReplicaCore } from '../consensus/replica-core.ts';
import type { Clock } from '../env/clock.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { ThriftSession } from '../rpc/thrift-session.ts';
import { ReadOutcome, type Reads } from '../storage/read-outcome.ts';
import { AppendOutcome } from '../storage/write-outcome.ts';
import type { WriteFamily } from '../storage/write-service.ts';
import { Reader } from '../wire/reader.ts';
import { RPCS, type RpcCode } from '../wire/rpc-codes.ts';
import { beginArgument, RequestHeader } from '../wire/thrift-frame.ts';
import { WritePipeline } from './write-pipeline.ts';

interface HeldRead {
  readonly session: ThriftSession;
  readonly rpc: RpcCode;
  readonly seqid: number;
  readonly argument: Uint8Array;
}

export interface RequestHost {
  readonly clock: Clock;
  readonly lease: Lease;
  readonly core: ReplicaCore;
  readonly log: { readonly isCongested: boolean; readonly isFull: boolean };
  appliedDecree(): number;
  /** Calls `endTurn` when this turn ends. */
  endTurnSoon(): void;
  onEngineFailed(): void;
}

const HELD_READS_MAX = 1_024;

export class ClientRequests {
  readonly pipeline: WritePipeline;
  private readonly host: RequestHost;
  private readonly writes: WriteFamily;
  private readonly writeBytesMax: number;
  private readonly source: { readonly reads: Reads };
  private held: HeldRead[] = [];

  constructor(
    host: RequestHost,
    source: { readonly reads: Reads },
    writes: WriteFamily,
    limits: { readonly writeBytesMax: number; readonly mutationBytesMax: number },
  ) {
    this.host = host;
    this.source = source;
    this.writes = writes;
    this.writeBytesMax = limits.writeBytesMax;
    this.pipeline = new WritePipeline(host.clock, writes, limits.mutationBytesMax);
  }

  /** The reader stands on the argument struct. */
  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const { kind } = RPCS[header.rpc]!;
    if (kind === 'read') this.onRead(session, header, reader);
    else if (kind === 'write') this.onWrite(session, header, reader);
    else session.replyError(header.rpc, header.seqid, ErrorCode.handlerNotFound);
  }

  endTurn(nowMs: number): void {
    const { core } = this.host;
    const role = core.leading;
    if (role !== null) this.pipeline.propose(role, core.state.list.lastPrepared + 1, nowMs);
  }

  /** A mutation was applied: reads may have waited for it. */
  onApplied(): void {
    if (this.held.length === 0 || !this.isReadable()) return;
    const held = this.held;
    this.held = [];
    for (const read of held) {
      this.readLater(read.session, read.rpc, read.seqid, false, read.argument);
    }
  }

  /** The replica leads no more. */
  onRoleEnded(): void {
    this.pipeline.abandon();
    const held = this.held;
    this.held = [];
    for (const { session, rpc, seqid } of held) {
      session.replyError(rpc, seqid, ErrorCode.invalidState);
    }
  }

  // ---- writes ----

  private onWrite(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const error = this.checkWrite(header, reader);
    if (error === ErrorCode.ok) this.takeWrite(session, header, reader);
    else session.replyError(header.rpc, header.seqid, error);
  }

  private takeWrite(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const argumentStart = reader.position;
    const { rpc, seqid } = header;
    switch (this.pipeline.add(session, header, reader)) {
      case AppendOutcome.appended:
        this.host.endTurnSoon();
        return;
      case AppendOutcome.invalidParameters:
        session.replyError(rpc, seqid, ErrorCode.invalidParameters);
        return;
      case AppendOutcome.blocked:
        this.retryWrite(session, header, reader.bytes.slice(argumentStart, reader.end));
        return;
      default:
        session.replyError(rpc, seqid, ErrorCode.invalidState);
        this.host.onEngineFailed();
    }
  }

  /**
   * An atomic write depends on a value that is on the disk: it takes its place in the pipeline once
   * that was read.
   */
  private retryWrite(session: ThriftSession, header: RequestHeader, argument: Uint8Array): void {
    const kept = Object.assign(new RequestHeader(), header);
    this.writes.fetch((ok) => {
      const role = this.host.core.leading;
      const valid = this.leaseHolds() && role?.hasWriteQuorum() === true && !this.pipeline.isFull;
      if (!ok || !valid) {
        session.replyError(kept.rpc, kept.seqid, ErrorCode.invalidState);
        return;
      }
      const reader = new Reader();
      reader.reset(argument, 0, argument.length);
      this.takeWrite(session, kept, reader);
    });
  }

  private checkWrite(header: RequestHeader, reader: Reader): ErrorCode {
    const { core, lease, clock } = this.host;
    if (this.writeBytesMax > 0 && reader.remaining > this.writeBytesMax) {
      return ErrorCode.invalidData;
    }
    if (!this.writes.isSupported(header.rpc)) return ErrorCode.handlerNotFound;
    const role = core.leading;
    if (role === null) return ErrorCode.invalidState;
    const now = clock.monotonicMs();
    if (!lease.isValid(now)) {
      reached('replica.write.noLease');
      return ErrorCode.invalidState;
    }
    if (!role.hasWriteQuorum()) {
      reached('replica.write.noQuorum');
      return ErrorCode.notEnoughMember;
    }
    const { log } = this.host;
    if (log.isCongested) return log.isFull ? ErrorCode.diskInsufficient : ErrorCode.busy;
    if (this.pipeline.isFull) {
      this.endTurn(now);
      if (this.pipeline.isFull) return ErrorCode.capacityExceeded;
    }
    return beginArgument(reader) ? ErrorCode.ok : ErrorCode.invalidParameters;
  }

  // ---- reads ----

  private onRead(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const { rpc, seqid } = header;
    const error = this.checkRead(header, reader);
    if (error !== ErrorCode.ok) {
      session.replyError(rpc, seqid, error);
      return;
    }
    const argumentStart = reader.position;
    if (!header.isBackupRequest && !this.isReadable()) {
      reached('replica.read.held');
      this.hold(session, rpc, seqid, reader.bytes.slice(argumentStart, reader.end));
      return;
    }
    const writer = session.beginReply(rpc, seqid);
    const outcome = this.source.reads.tryRead(rpc, reader, writer);
    if (outcome === ReadOutcome.done) {
      if (header.isBackupRequest || this.leaseHolds()) session.finishReply();
      else this.refuseBegun(session, rpc, seqid, ErrorCode.invalidState);
      return;
    }
    session.abandonReply();
    if (outcome === ReadOutcome.later) {
      const argument = reader.bytes.slice(argumentStart, reader.end);
      this.readLater(session, rpc, seqid, header.isBackupRequest, argument);
    } else {
      this.answerOther(session, rpc, seqid, outcome);
    }
  }

  private checkRead(header: RequestHeader, reader: Reader): ErrorCode {
    const { core } = this.host;
    const { status } = core;
    if (header.isBackupRequest) {
      const serves = status === ReplicaStatus.primary || status === ReplicaStatus.secondary;
      if (!serves) return ErrorCode.invalidState;
    } else {
      if (status !== ReplicaStatus.primary) return ErrorCode.invalidState;
      if (!this.leaseHolds()) {
        reached('replica.read.noLease');
        return ErrorCode.invalidState;
      }
    }
    if (!this.source.reads.isSupported(header.rpc)) return ErrorCode.handlerNotFound;
    return beginArgument(reader) ? ErrorCode.ok : ErrorCode.invalidParameters;
  }

  private readLater(
    session: ThriftSession,
    rpc: RpcCode,
    seqid: number,
    isBackup: boolean,
    argument: Uint8Array,
  ): void {
    this.source.reads.readLater(rpc, argument, (outcome, result) => {
      assert(outcome !== ReadOutcome.later, 'a read is put off once');
      if (outcome !== ReadOutcome.done) {
        this.answerOther(session, rpc, seqid, outcome);
        return;
      }
      if (!isBackup && (this.host.core.leading === null || !this.leaseHolds())) {
        reached('replica.read.leaseLostMeanwhile');
        session.replyError(rpc, seqid, ErrorCode.invalidState);
        return;
      }
      session.beginReply(rpc, seqid).writeBytes(result);
      session.finishReply();
    });
  }

  private answerOther(
    session: ThriftSession,
    rpc: RpcCode,
    seqid: number,
    outcome: ReadOutcome,
  ): void {
    if (outcome === ReadOutcome.noReply) {
      session.withholdReply(seqid);
    } else if (outcome === ReadOutcome.invalidParameters) {
      session.replyError(rpc, seqid, ErrorCode.invalidParameters);
    } else {
      session.replyError(rpc, seqid, ErrorCode.invalidState);
      if (outcome !== ReadOutcome.closed) this.host.onEngineFailed();
    }
  }

  private refuseBegun(session: ThriftSession, rpc: RpcCode, seqid: number, error: ErrorCode): void {
    session.abandonReply();
    session.replyError(rpc, seqid, error);
  }

  private hold(session: ThriftSession, rpc: RpcCode, seqid: number, argument: Uint8Array): void {
    if (this.held.length >= HELD_READS_MAX) {
      session.replyError(rpc, seqid, ErrorCode.busy);
      return;
    }
    this.held.push({ session, rpc, seqid, argument });
  }

  private isReadable(): boolean {
    const role = this.host.core.leading;
    return role !== null && this.host.appliedDecree() >= role.readableFrom;
  }

  private leaseHolds(): boolean {
    return this.host.lease.isValid(this.host.clock.monotonicMs());
  }
}
