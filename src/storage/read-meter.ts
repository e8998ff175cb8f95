/**
 * What the reads of one replica cost: plain numbers, written on the hot path and looked at by whoever counts capacity
 * units, limits bandwidth or answers a monitoring system. Lives as long as the replica, whatever becomes of its engine.
 */
export class ReadMeter {
  /** Of the read that was answered last: bytes of the keys and values in the answer. Good until the next answer. */
  bytes = 0;
  /** Of the same read: rows that it examined. */
  rows = 0;
  /** Rows that were found and had expired; only grows. */
  expiredValues = 0;
  /** Rows that a filter of the request, or their partition hash, left out; only grows. */
  filteredValues = 0;

  answered(bytes: number, rows: number): void {
    this.bytes = bytes;
    this.rows = rows;
  }
}
