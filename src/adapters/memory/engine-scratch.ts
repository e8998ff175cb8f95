/**
 * Output memory that all engines of a factory share, as the native ones do.
 *
 * What an earlier call put there is overwritten with a pattern when the next one begins: whoever
 * kept a view past its time reads nonsense in every run, not only in production.
 */
const PATTERN = 0xdb;
const BYTES_START = 64 * 1024;
const ROWS_START = 1024;
const OFFSETS_PER_ROW = 4;

export class EngineScratch {
  bytes: Uint8Array = new Uint8Array(BYTES_START);
  offsets: Uint32Array = new Uint32Array(ROWS_START * OFFSETS_PER_ROW);
  length = 0;
  rows = 0;

  begin(): void {
    this.bytes.fill(PATTERN, 0, this.length);
    this.length = 0;
    this.rows = 0;
  }

  /** Returns where it lies. */
  append(bytes: Uint8Array): number {
    const start = this.length;
    const end = start + bytes.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, start));
      this.bytes.fill(PATTERN, 0, start);
      this.bytes = larger;
    }
    this.bytes.set(bytes, start);
    this.length = end;
    return start;
  }

  appendRow(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.rows * OFFSETS_PER_ROW;
    if (at + OFFSETS_PER_ROW > this.offsets.length) {
      const larger = new Uint32Array(2 * this.offsets.length);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    this.offsets[at] = keyStart;
    this.offsets[at + 1] = keyEnd;
    this.offsets[at + 2] = valueStart;
    this.offsets[at + 3] = valueEnd;
    this.rows += 1;
  }
}
