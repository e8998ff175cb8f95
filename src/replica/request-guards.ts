/**
 * What a table's settings keep away from one replica: denied clients, requests for another partition, and load above
 * the table's limits. In the order of the original; where each check stands among the others is told in
 * client-requests.ts.
 *
 * A table without such settings has no guards (`isActive` is false), and its requests cost that one look.
 */
import { ErrorCode } from '../base/error-names.ts';
import { Denial, type TableSettings } from '../model/table-settings.ts';
import type { ThrottleRule } from '../model/throttle-rule.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';
import type { RequestCounters } from './request-counters.ts';
import { ByteBudget, Load, Throttle } from './throttle.ts';

/** `ErrorCode.ok`: nothing speaks against the request; any other error is its answer. */
export type Verdict = ErrorCode | typeof SILENCE | typeof DELAY | typeof REFUSE_LATER;
/** The request gets no answer. */
export const SILENCE = -1;
/** The request is to be taken up in `waitMs`. */
export const DELAY = -2;
/** The request is to be answered with ERR_BUSY in `waitMs`. */
export const REFUSE_LATER = -3;

export class RequestGuards {
  private readonly counters: RequestCounters;
  private readonly partitionIndex: number;
  private denyReads: Denial = Denial.none;
  private denyWrites: Denial = Denial.none;
  /** Partition count − 1 when requests are to be for this partition, else −1. */
  private hashMask = -1;
  private reads: Throttle | null = null;
  private backups: Throttle | null = null;
  private writes: Throttle | null = null;
  private writeBytes: Throttle | null = null;
  private readBytes: ByteBudget | null = null;
  private readBytesPerSecond = 0;
  private active = false;
  private wait = 0;

  constructor(counters: RequestCounters, partitionIndex: number) {
    this.counters = counters;
    this.partitionIndex = partitionIndex;
  }

  get isActive(): boolean {
    return this.active;
  }

  /** Of the last verdict that has one. */
  get waitMs(): number {
    return this.wait;
  }

  applySettings(settings: TableSettings, nowMs: number): void {
    this.denyReads = settings.denyReads;
    this.denyWrites = settings.denyWrites;
    this.hashMask = settings.validatePartitionHash ? settings.partitionCount - 1 : -1;
    this.reads = throttleOf(settings.readThrottle);
    this.backups = throttleOf(settings.backupThrottle);
    this.writes = throttleOf(settings.writeThrottle);
    this.writeBytes = throttleOf(settings.writeBytesThrottle);
    this.setReadBytes(settings.readBytesPerSecondMax, nowMs);
    this.active =
      this.denyReads !== Denial.none ||
      this.denyWrites !== Denial.none ||
      this.hashMask >= 0 ||
      this.reads !== null ||
      this.backups !== null ||
      this.writes !== null ||
      this.writeBytes !== null ||
      this.readBytes !== null;
  }

  /** Before anything else is looked at. */
  checkSender(header: RequestHeader, isWrite: boolean): Verdict {
    const denial = isWrite ? this.denyWrites : this.denyReads;
    if (denial !== Denial.none) {
      if (isWrite) this.counters.deniedWrites += 1;
      else this.counters.deniedReads += 1;
      return denial === Denial.silent ? SILENCE : ErrorCode.invalidState;
    }
    if (this.isMisrouted(header)) {
      if (isWrite) this.counters.misroutedWrites += 1;
      else this.counters.misroutedReads += 1;
      return ErrorCode.parentPartitionMisused;
    }
    return ErrorCode.ok;
  }

  /** A read that would be served; one that has waited is not asked to wait again. */
  checkReadLoad(header: RequestHeader, hasWaited: boolean, nowMs: number): Verdict {
    const { counters } = this;
    const throttle = header.isBackupRequest ? this.backups : this.reads;
    if (throttle !== null && !hasWaited) {
      const load = throttle.take(1, nowMs);
      if (load === Load.delay) {
        if (header.isBackupRequest) counters.delayedBackups += 1;
        else counters.delayedReads += 1;
        return this.waitFor(throttle.rule.delayMs, header, DELAY);
      }
      if (load === Load.reject) return this.rejectRead(throttle.rule, header);
    }
    if (this.readBytes !== null && !this.readBytes.hasLeft(nowMs)) {
      counters.rejectedReads += 1;
      return ErrorCode.busy;
    }
    return ErrorCode.ok;
  }

  /** A write that would be taken up, with a body of so many bytes. */
  checkWriteLoad(header: RequestHeader, bodyBytes: number, nowMs: number): Verdict {
    const byCount = this.checkWriteUnits(this.writes, 1, header, nowMs);
    if (byCount !== ErrorCode.ok) return byCount;
    return this.checkWriteUnits(this.writeBytes, bodyBytes, header, nowMs);
  }

  /** A read was answered with so many bytes. */
  spendRead(bytes: number): void {
    this.readBytes?.spend(bytes);
  }

  private rejectRead(rule: ThrottleRule, header: RequestHeader): Verdict {
    const { counters } = this;
    if (header.isBackupRequest) {
      // The client has asked the primary as well: silence lets it wait for that answer.
      counters.rejectedBackups += 1;
      return SILENCE;
    }
    counters.rejectedReads += 1;
    return this.waitFor(rule.rejectAfterMs, header, REFUSE_LATER);
  }

  private checkWriteUnits(
    throttle: Throttle | null,
    units: number,
    header: RequestHeader,
    nowMs: number,
  ): Verdict {
    if (throttle === null) return ErrorCode.ok;
    const load = throttle.take(units, nowMs);
    if (load === Load.fits) return ErrorCode.ok;
    if (load === Load.delay) {
      this.counters.delayedWrites += 1;
      return this.waitFor(throttle.rule.delayMs, header, DELAY);
    }
    this.counters.rejectedWrites += 1;
    return this.waitFor(throttle.rule.rejectAfterMs, header, REFUSE_LATER);
  }

  /** Nobody waits longer than half of the time that its client has. */
  private waitFor(waitMs: number, header: RequestHeader, verdict: Verdict): Verdict {
    const { timeoutMs } = header;
    this.wait = timeoutMs > 0 ? Math.min(waitMs, timeoutMs / 2) : waitMs;
    return verdict;
  }

  /** The client counts other partitions than there are. A hash of 0 says nothing. */
  private isMisrouted(header: RequestHeader): boolean {
    if (this.hashMask < 0) return false;
    const { partitionHashLow, partitionHashHigh } = header;
    if (partitionHashLow === 0 && partitionHashHigh === 0) return false;
    return (partitionHashLow & this.hashMask) >>> 0 !== this.partitionIndex;
  }

  /** A change of other settings leaves what was spent as it is. */
  private setReadBytes(bytesPerSecond: number, nowMs: number): void {
    if (bytesPerSecond === this.readBytesPerSecond) return;
    this.readBytesPerSecond = bytesPerSecond;
    this.readBytes = bytesPerSecond === 0 ? null : new ByteBudget(bytesPerSecond, nowMs);
  }
}

function throttleOf(rule: ThrottleRule | null): Throttle | null {
  return rule === null ? null : new Throttle(rule);
}
