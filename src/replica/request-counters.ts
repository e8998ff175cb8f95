/**
 * What one replica has done for its clients: plain numbers that only grow, written on the hot path. `http/` gives them
 * the original's names.
 *
 * Capacity units are the original's measure of load: 4 KiB read or written, rounded up for each request.
 */
import { RPCS, RpcCode } from '../wire/rpc-codes.ts';
import { RequestLatencies } from './request-latencies.ts';

const CAPACITY_UNIT_BYTES = 4096;

export class RequestCounters {
  /** Requests taken up, and bytes of keys and values in them or in their answers, by `RpcCode`. */
  readonly requests: Float64Array = new Float64Array(RPCS.length);
  readonly bytes: Float64Array = new Float64Array(RPCS.length);
  readonly latencies: RequestLatencies = new RequestLatencies();
  readCapacityUnits = 0;
  writeCapacityUnits = 0;
  backupRequests = 0;
  backupBytes = 0;
  abnormalReads = 0;
  delayedReads = 0;
  rejectedReads = 0;
  delayedBackups = 0;
  rejectedBackups = 0;
  delayedWrites = 0;
  rejectedWrites = 0;
  misroutedReads = 0;
  misroutedWrites = 0;
  deniedReads = 0;
  deniedWrites = 0;
  oversizedWrites = 0;
  /** Answered with an error; the ones for an overload are counted apart. */
  failedReads = 0;
  failedWrites = 0;
  busyReads = 0;
  busyWrites = 0;
  /** Dropped because their clients no longer waited. */
  expiredReads = 0;
  expiredWrites = 0;

  onRead(rpc: RpcCode, bytes: number, isBackup: boolean): void {
    this.requests[rpc]! += 1;
    this.bytes[rpc]! += bytes;
    this.readCapacityUnits += capacityUnits(bytes);
    if (!isBackup) return;
    this.backupRequests += 1;
    this.backupBytes += bytes;
  }

  /** Committed. Atomic operations read before they write. */
  onWritten(rpc: RpcCode, bytes: number): void {
    this.bytes[rpc]! += bytes;
    if (rpc >= RpcCode.incr) this.readCapacityUnits += 1;
    // An atomic operation whose check failed wrote nothing.
    if (bytes > 0) this.writeCapacityUnits += capacityUnits(bytes);
  }
}

export function capacityUnits(bytes: number): number {
  return bytes <= CAPACITY_UNIT_BYTES ? 1 : Math.ceil(bytes / CAPACITY_UNIT_BYTES);
}
