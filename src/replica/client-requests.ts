/**
 * Client requests to one replica: the checks in their order, then the read or the write.
 *
 * A read is answered only by a primary whose lease is valid when the request is taken up and again
 * when the answer is ready, and only after everything that was prepared before it became primary is
 * applied (until then reads are held). Secondaries answer backup requests, which ask for no more
 * than some past state; the answer says how old that state may be (wire/thrift-frame.ts).
 *
 * The order of checks is the original's: is the client wanted and at the right place, is the
 * request sound, can this replica serve it, is there too much of it.
 */
import { ErrorCode } from '../base/error-names.ts';
import { reached } from '../base/marks.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { TableSettings } from '../model/table-settings.ts';
import type { ThriftSession } from '../rpc/thrift-session.ts';
import { ReadOutcome } from '../storage/read-outcome.ts';
import { AppendOutcome } from '../storage/write-outcome.ts';
import { Reader } from '../wire/reader.ts';
import { RPCS, type RpcCode } from '../wire/rpc-codes.ts';
import { beginArgument, RequestHeader, writeStaleness } from '../wire/thrift-frame.ts';
import type { Writer } from '../wire/writer.ts';
import { type DelayedRequest, DelayedRequests, deadlineOf } from './delayed-requests.ts';
import { Handover } from './handover.ts';
import type { RequestCounters } from './request-counters.ts';
import { DELAY, REFUSE_LATER, RequestGuards, SILENCE, type Verdict } from './request-guards.ts';
import type { RequestHost, RequestParts } from './request-host.ts';
import { SlowReads } from './slow-reads.ts';
import { WritePipeline } from './write-pipeline.ts';

/** A read that is not answered in the turn of its request. */
interface LateRead {
  readonly session: ThriftSession;
  readonly rpc: RpcCode;
  readonly seqid: number;
  readonly argument: Uint8Array;
  readonly isBackup: boolean;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  /** See `RequestHost.completeAsOfMs`. */
  readonly completeMs: number;
}

const HELD_READS_MAX = 1_024;
/** Atomic writes that wait for a value from the disk. */
const BLOCKED_WRITES_MAX = 1_024;

export class ClientRequests {
  readonly pipeline: WritePipeline;
  readonly handover: Handover;
  private readonly host: RequestHost;
  private readonly parts: RequestParts;
  private readonly counters: RequestCounters;
  private readonly guards: RequestGuards;
  private readonly slow: SlowReads;
  private readonly delayed: DelayedRequests;
  private held: LateRead[] = [];
  private blockedWrites = 0;

  constructor(host: RequestHost, parts: RequestParts) {
    const { environment, gpid, counters, options } = parts;
    this.host = host;
    this.parts = parts;
    this.counters = counters;
    this.guards = new RequestGuards(counters, gpid.partitionIndex);
    this.slow = new SlowReads(environment, gpid, options, counters);
    this.delayed = new DelayedRequests(environment, (request) => this.onDue(request));
    const { writes, load } = parts;
    this.pipeline = new WritePipeline(environment.clock, writes, options, counters, load);
    this.handover = new Handover(host.core, () => this.pipeline.hasFlyingWrites);
  }

  applySettings(settings: TableSettings): void {
    this.guards.applySettings(settings, this.host.clock.monotonicMs());
    this.slow.applySettings(settings);
  }

  /** The reader stands on the argument struct. */
  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    this.take(session, header, reader, false);
  }

  endTurn(nowMs: number): void {
    const { core } = this.host;
    this.handover.settle(nowMs);
    const role = core.leading;
    if (role !== null) this.pipeline.propose(role, core.state.list.lastPrepared + 1, nowMs);
  }

  /** A mutation was applied: reads may have waited for it, and so may whatever comes next. */
  onApplied(): void {
    if (this.pipeline.hasOpenWrites || this.handover.isUnderWay) this.host.endTurnSoon();
    if (this.held.length === 0 || !this.isReadable()) return;
    const held = this.held;
    this.held = [];
    for (const read of held) this.readLater(read);
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

  close(): void {
    this.onRoleEnded();
    this.delayed.close();
  }

  // ---- both ----

  private take(
    session: ThriftSession,
    header: RequestHeader,
    reader: Reader,
    hasWaited: boolean,
  ): void {
    const { kind } = RPCS[header.rpc]!;
    if (kind === 'read') this.onRead(session, header, reader, hasWaited);
    else if (kind === 'write') this.onWrite(session, header, reader, hasWaited);
    else session.replyError(header.rpc, header.seqid, ErrorCode.handlerNotFound);
  }

  /** The argument struct of the request begins at `structStart`. */
  private turnAway(
    session: ThriftSession,
    header: RequestHeader,
    reader: Reader,
    structStart: number,
    verdict: Verdict,
  ): void {
    const { rpc, seqid } = header;
    const { waitMs } = this.guards;
    if (verdict === SILENCE) {
      session.withholdReply(seqid);
    } else if (verdict === DELAY || (verdict === REFUSE_LATER && waitMs > 0)) {
      const body = verdict === DELAY ? reader.bytes.slice(structStart, reader.end) : null;
      const deadlineMs = deadlineOf(header, this.host.clock.monotonicMs());
      if (!this.delayed.add(waitMs, session, header, body, deadlineMs)) {
        session.replyError(rpc, seqid, ErrorCode.busy);
      }
    } else {
      session.replyError(rpc, seqid, verdict === REFUSE_LATER ? ErrorCode.busy : verdict);
    }
  }

  /** A throttled request has waited. */
  private onDue({ session, header, body, deadlineMs }: DelayedRequest): void {
    const { rpc, seqid } = header;
    if (session.isClosed) session.withholdReply(seqid);
    else if (body === null) session.replyError(rpc, seqid, ErrorCode.busy);
    else if (this.host.isDeaf) session.replyError(rpc, seqid, ErrorCode.invalidState);
    else if (this.host.clock.monotonicMs() > deadlineMs) {
      if (RPCS[rpc]!.kind === 'read') this.counters.expiredReads += 1;
      else this.counters.expiredWrites += 1;
      session.replyError(rpc, seqid, ErrorCode.timeout);
    } else {
      const reader = new Reader();
      reader.reset(body, 0, body.length);
      this.take(session, header, reader, true);
    }
  }

  // ---- writes ----

  private onWrite(
    session: ThriftSession,
    header: RequestHeader,
    reader: Reader,
    hasWaited: boolean,
  ): void {
    const structStart = reader.position;
    const verdict = this.checkWrite(header, reader, hasWaited);
    if (verdict === ErrorCode.ok) {
      this.takeWrite(session, header, reader);
      return;
    }
    if (verdict === ErrorCode.busy) this.counters.busyWrites += 1;
    else if (verdict > ErrorCode.ok) this.counters.failedWrites += 1;
    this.turnAway(session, header, reader, structStart, verdict);
  }

  private takeWrite(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const argumentStart = reader.position;
    const { rpc, seqid } = header;
    switch (this.pipeline.add(session, header, reader)) {
      case AppendOutcome.appended:
        this.host.endTurnSoon();
        return;
      case AppendOutcome.invalidParameters:
        this.failWrite(session, rpc, seqid, ErrorCode.invalidParameters);
        return;
      case AppendOutcome.blocked:
        if (this.blockedWrites < BLOCKED_WRITES_MAX) {
          this.retryWrite(session, header, reader.bytes.slice(argumentStart, reader.end));
        } else {
          this.counters.busyWrites += 1;
          session.replyError(rpc, seqid, ErrorCode.busy);
        }
        return;
      default:
        this.failWrite(session, rpc, seqid, ErrorCode.invalidState);
        this.host.onEngineFailed();
    }
  }

  /**
   * An atomic write depends on a value that is on the disk: it takes its place in the pipeline once
   * that was read.
   */
  private retryWrite(session: ThriftSession, header: RequestHeader, argument: Uint8Array): void {
    const kept = Object.assign(new RequestHeader(), header);
    const { clock } = this.host;
    const deadlineMs = deadlineOf(header, clock.monotonicMs());
    this.blockedWrites += 1;
    this.parts.writes.fetch((ok) => {
      this.blockedWrites -= 1;
      const role = this.host.core.leading;
      const valid = this.leaseHolds() && role?.hasWriteQuorum() === true && !this.pipeline.isFull;
      if (!ok || !valid) {
        this.failWrite(session, kept.rpc, kept.seqid, ErrorCode.invalidState);
        return;
      }
      if (clock.monotonicMs() > deadlineMs) {
        this.counters.expiredWrites += 1;
        session.replyError(kept.rpc, kept.seqid, ErrorCode.timeout);
        return;
      }
      const reader = new Reader();
      reader.reset(argument, 0, argument.length);
      this.takeWrite(session, kept, reader);
    });
  }

  private checkWrite(header: RequestHeader, reader: Reader, hasWaited: boolean): Verdict {
    const { core, lease, clock, log } = this.host;
    const { guards } = this;
    const { writeBytesMax } = this.parts.options;
    if (guards.isActive) {
      const verdict = guards.checkSender(header, true);
      if (verdict !== ErrorCode.ok) return verdict;
    }
    if (writeBytesMax > 0 && reader.remaining > writeBytesMax) {
      this.counters.oversizedWrites += 1;
      return ErrorCode.invalidData;
    }
    if (!this.parts.writes.isSupported(header.rpc)) return ErrorCode.handlerNotFound;
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
    if (guards.isActive && !hasWaited) {
      const verdict = guards.checkWriteLoad(header, reader.remaining, now);
      if (verdict !== ErrorCode.ok) return verdict;
    }
    if (log.isCongested) return log.isFull ? ErrorCode.diskInsufficient : ErrorCode.busy;
    if (this.pipeline.isCrowded) return ErrorCode.busy;
    if (this.pipeline.isFull) {
      this.endTurn(now);
      if (this.pipeline.isFull) return ErrorCode.capacityExceeded;
    }
    return beginArgument(reader) ? ErrorCode.ok : ErrorCode.invalidParameters;
  }

  private failWrite(session: ThriftSession, rpc: RpcCode, seqid: number, error: ErrorCode): void {
    this.counters.failedWrites += 1;
    session.replyError(rpc, seqid, error);
  }

  // ---- reads ----

  private onRead(
    session: ThriftSession,
    header: RequestHeader,
    reader: Reader,
    hasWaited: boolean,
  ): void {
    const { rpc, seqid, isBackupRequest } = header;
    const structStart = reader.position;
    const arrivedMs = this.host.clock.monotonicMs();
    const verdict = this.checkRead(header, reader, hasWaited, arrivedMs);
    if (verdict !== ErrorCode.ok) {
      if (verdict === ErrorCode.busy) this.counters.busyReads += 1;
      else if (verdict > ErrorCode.ok) this.counters.failedReads += 1;
      this.turnAway(session, header, reader, structStart, verdict);
      return;
    }
    const argumentStart = reader.position;
    if (!isBackupRequest && !this.isReadable()) {
      reached('replica.read.held');
      this.hold(this.lateRead(session, header, reader.bytes.slice(argumentStart, reader.end)));
      return;
    }
    const completeMs = header.wantsStaleness ? this.host.completeAsOfMs(arrivedMs) : -Infinity;
    const writer = session.beginReply(rpc, seqid);
    const outcome = this.parts.source.reads.tryRead(rpc, reader, writer);
    if (outcome === ReadOutcome.done) {
      const nowMs = this.host.clock.monotonicMs();
      if (!isBackupRequest && !this.host.lease.isValid(nowMs)) {
        this.refuseBegun(session, rpc, seqid, ErrorCode.invalidState);
        return;
      }
      this.tellStaleness(writer, completeMs);
      session.finishReply();
      this.counters.latencies.record(rpc, nowMs - arrivedMs, nowMs);
      this.onAnswered(
        session,
        rpc,
        isBackupRequest,
        nowMs - arrivedMs,
        reader.bytes,
        argumentStart,
      );
      return;
    }
    session.abandonReply();
    if (outcome === ReadOutcome.later) {
      const argument = reader.bytes.slice(argumentStart, reader.end);
      this.readLater(this.lateRead(session, header, argument));
    } else {
      this.answerOther(session, rpc, seqid, outcome);
    }
  }

  private checkRead(
    header: RequestHeader,
    reader: Reader,
    hasWaited: boolean,
    nowMs: number,
  ): Verdict {
    const { core } = this.host;
    const { status } = core;
    const { guards } = this;
    if (guards.isActive) {
      const verdict = guards.checkSender(header, false);
      if (verdict !== ErrorCode.ok) return verdict;
    }
    if (header.isBackupRequest) {
      const serves = status === ReplicaStatus.primary || status === ReplicaStatus.secondary;
      if (!serves) return ErrorCode.invalidState;
    } else {
      if (status !== ReplicaStatus.primary) return ErrorCode.invalidState;
      if (!this.host.lease.isValid(nowMs)) {
        reached('replica.read.noLease');
        return ErrorCode.invalidState;
      }
    }
    if (guards.isActive) {
      const verdict = guards.checkReadLoad(header, hasWaited, nowMs);
      if (verdict !== ErrorCode.ok) return verdict;
    }
    if (!this.parts.source.reads.isSupported(header.rpc)) return ErrorCode.handlerNotFound;
    return beginArgument(reader) ? ErrorCode.ok : ErrorCode.invalidParameters;
  }

  private lateRead(session: ThriftSession, header: RequestHeader, argument: Uint8Array): LateRead {
    const { rpc, seqid, isBackupRequest } = header;
    const arrivedMs = this.host.clock.monotonicMs();
    return {
      session,
      rpc,
      seqid,
      argument,
      isBackup: isBackupRequest,
      arrivedMs,
      deadlineMs: deadlineOf(header, arrivedMs),
      completeMs: header.wantsStaleness ? this.host.completeAsOfMs(arrivedMs) : -Infinity,
    };
  }

  private readLater(read: LateRead): void {
    const { session, rpc, seqid, argument, isBackup } = read;
    const done = (outcome: ReadOutcome, result: Uint8Array): void => {
      if (outcome !== ReadOutcome.done) {
        this.answerOther(session, rpc, seqid, outcome);
        return;
      }
      if (!isBackup && (this.host.core.leading === null || !this.leaseHolds())) {
        reached('replica.read.leaseLostMeanwhile');
        this.failRead(session, rpc, seqid, ErrorCode.invalidState);
        return;
      }
      const writer = session.beginReply(rpc, seqid);
      writer.writeBytes(result);
      if (isBackup) this.tellStaleness(writer, read.completeMs);
      session.finishReply();
      const nowMs = this.host.clock.monotonicMs();
      this.counters.latencies.record(rpc, nowMs - read.arrivedMs, nowMs);
      this.onAnswered(session, rpc, isBackup, nowMs - read.arrivedMs, argument, 0);
    };
    this.parts.source.reads.readLater(rpc, argument, done, read.deadlineMs);
  }

  /** The meter holds what the read has cost; the argument begins at `argumentStart` of `bytes`. */
  private onAnswered(
    session: ThriftSession,
    rpc: RpcCode,
    isBackup: boolean,
    durationMs: number,
    bytes: Uint8Array,
    argumentStart: number,
  ): void {
    const { meter } = this.parts;
    this.counters.onRead(rpc, meter.bytes, isBackup);
    if (this.guards.isActive) this.guards.spendRead(meter.bytes);
    if (this.slow.isAbnormal(rpc, durationMs, meter)) {
      const argument = bytes.subarray(argumentStart);
      this.slow.onAbnormal(rpc, session.remote, durationMs, meter, argument);
    }
  }

  private tellStaleness(writer: Writer, completeMs: number): void {
    if (completeMs !== -Infinity)
      writeStaleness(writer, this.host.clock.monotonicMs() - completeMs);
  }

  private answerOther(
    session: ThriftSession,
    rpc: RpcCode,
    seqid: number,
    outcome: ReadOutcome,
  ): void {
    const { counters } = this;
    if (outcome === ReadOutcome.noReply) {
      session.withholdReply(seqid);
    } else if (outcome === ReadOutcome.busy) {
      counters.busyReads += 1;
      session.replyError(rpc, seqid, ErrorCode.busy);
    } else if (outcome === ReadOutcome.expired) {
      counters.expiredReads += 1;
      session.replyError(rpc, seqid, ErrorCode.timeout);
    } else if (outcome === ReadOutcome.invalidParameters) {
      this.failRead(session, rpc, seqid, ErrorCode.invalidParameters);
    } else {
      this.failRead(session, rpc, seqid, ErrorCode.invalidState);
      if (outcome !== ReadOutcome.closed) this.host.onEngineFailed();
    }
  }

  private refuseBegun(session: ThriftSession, rpc: RpcCode, seqid: number, error: ErrorCode): void {
    session.abandonReply();
    this.failRead(session, rpc, seqid, error);
  }

  private failRead(session: ThriftSession, rpc: RpcCode, seqid: number, error: ErrorCode): void {
    this.counters.failedReads += 1;
    session.replyError(rpc, seqid, error);
  }

  private hold(read: LateRead): void {
    if (this.held.length >= HELD_READS_MAX) {
      this.answerOther(read.session, read.rpc, read.seqid, ReadOutcome.busy);
      return;
    }
    this.held.push(read);
  }

  private isReadable(): boolean {
    const role = this.host.core.leading;
    return role !== null && this.host.appliedDecree() >= role.readableFrom;
  }

  private leaseHolds(): boolean {
    return this.host.lease.isValid(this.host.clock.monotonicMs());
  }
}
