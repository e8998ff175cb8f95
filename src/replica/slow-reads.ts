/**
 * Reads that took long, or answered much: counted, and told in the log as `replica.read.abnormal`.
 *
 * The log gets no data of users; a part of the hash key only where the server's option says so. What is told is bounded
 * per second: when everything is slow, the log must not make it slower.
 */
import { decodeUtf8 } from '../base/utf8.ts';
import type { Clock } from '../env/clock.ts';
import type { Logger } from '../env/logger.ts';
import { type Gpid, gpidText } from '../model/identity.ts';
import { hashKeyOf, isClientKey } from '../model/key.ts';
import type { TableSettings } from '../model/table-settings.ts';
import type { ReadMeter } from '../storage/read-meter.ts';
import { readMultiGetRequest } from '../wire/generated/rrdb.ts';
import { Reader } from '../wire/reader.ts';
import { RPCS, RpcCode } from '../wire/rpc-codes.ts';
import { WireError } from '../wire/types.ts';
import type { RequestCounters } from './request-counters.ts';

/** The original's. */
const GET_BYTES_MAX = 1_000_000;
const ROWS_BYTES_MAX = 10_000_000;
const MULTI_GET_ROWS_MAX = 1_000;
const BATCH_GET_ROWS_MAX = 2_000;

const TOLD_PER_SECOND_MAX = 10;
const SECOND_MS = 1_000;
const KEY_BYTES_SHOWN_MAX = 32;

export interface SlowReadOptions {
  readonly slowQueryMs: number;
  readonly slowQueryLogKeys: boolean;
}

export class SlowReads {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly gpid: Gpid;
  private readonly options: SlowReadOptions;
  private readonly counters: RequestCounters;
  private thresholdMs: number;
  private second = -1;
  private told = 0;
  private untold = 0;

  constructor(
    environment: { readonly clock: Clock; readonly logger: Logger },
    gpid: Gpid,
    options: SlowReadOptions,
    counters: RequestCounters,
  ) {
    this.clock = environment.clock;
    this.logger = environment.logger;
    this.gpid = gpid;
    this.options = options;
    this.counters = counters;
    this.thresholdMs = options.slowQueryMs;
  }

  applySettings(settings: TableSettings): void {
    this.thresholdMs = settings.slowQueryMs > 0 ? settings.slowQueryMs : this.options.slowQueryMs;
  }

  /** `meter` holds the figures of the read. */
  isAbnormal(rpc: RpcCode, durationMs: number, meter: ReadMeter): boolean {
    switch (rpc) {
      case RpcCode.get:
        return durationMs >= this.thresholdMs || meter.bytes >= GET_BYTES_MAX;
      case RpcCode.multiGet:
        return (
          durationMs >= this.thresholdMs ||
          meter.bytes >= ROWS_BYTES_MAX ||
          meter.rows >= MULTI_GET_ROWS_MAX
        );
      case RpcCode.batchGet:
        return (
          durationMs >= this.thresholdMs ||
          meter.bytes >= ROWS_BYTES_MAX ||
          meter.rows >= BATCH_GET_ROWS_MAX
        );
      default:
        return false;
    }
  }

  /** `argument` is the request's, as it came. */
  onAbnormal(
    rpc: RpcCode,
    remote: string,
    durationMs: number,
    meter: ReadMeter,
    argument: Uint8Array,
  ): void {
    this.counters.abnormalReads += 1;
    if (!this.mayTell()) {
      this.untold += 1;
      return;
    }
    const { bytes, rows } = meter;
    const fields = {
      gpid: gpidText(this.gpid),
      rpc: RPCS[rpc]!.name,
      remote,
      durationMs: Math.round(durationMs),
      bytes,
      rows,
      untold: this.untold,
    };
    this.untold = 0;
    const key = this.options.slowQueryLogKeys ? hashKeyText(rpc, argument) : null;
    this.logger.warn('replica.read.abnormal', key === null ? fields : { ...fields, hashKey: key });
  }

  private mayTell(): boolean {
    const second = Math.floor(this.clock.monotonicMs() / SECOND_MS);
    if (second !== this.second) {
      this.second = second;
      this.told = 0;
    }
    this.told += 1;
    return this.told <= TOLD_PER_SECOND_MAX;
  }
}

/** The beginning of the hash key; null where the request has several, or none. */
function hashKeyText(rpc: RpcCode, argument: Uint8Array): string | null {
  const reader = new Reader();
  reader.reset(argument, 0, argument.length);
  try {
    if (rpc === RpcCode.multiGet) return shown(readMultiGetRequest(reader).hashKey);
    if (rpc !== RpcCode.get) return null;
    const key = reader.readBlob();
    return isClientKey(key) ? shown(hashKeyOf(key)) : null;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

function shown(hashKey: Uint8Array): string {
  const text = decodeUtf8(hashKey, 0, Math.min(hashKey.length, KEY_BYTES_SHOWN_MAX));
  return hashKey.length > KEY_BYTES_SHOWN_MAX ? `${text}…` : text;
}
