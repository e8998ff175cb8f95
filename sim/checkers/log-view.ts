/**
 * Which damage a log can tell from a write that was never finished, written against the layout of
 * its blocks (storage/log/log-format.ts): each begins with magic, payload bytes, two words, log id,
 * its sequence and the highest sequence known durable when it was made; 48 bytes in all.
 *
 * Blocks that are known durable by a header that still stands were promised: that they are damaged
 * must be found. The end of the newest segment, behind them, may be cut instead.
 */
const MAGIC = 0xb10c_9e57;
const HEADER_BYTES = 48;

interface SeenBlock {
  readonly start: number;
  readonly end: number;
  readonly sequence: number;
  readonly syncedSequence: number;
}

/** Of the newest segment, before and after it was damaged. */
export function mustBeFound(before: Uint8Array, after: Uint8Array): boolean {
  const blocks = blocksOf(before);
  const isSame = (start: number, end: number): boolean => {
    for (let at = start; at < end; at++) if (before[at] !== after[at]) return false;
    return true;
  };
  let durable = -1;
  for (const { start, syncedSequence } of blocks) {
    if (isSame(start, start + HEADER_BYTES)) durable = Math.max(durable, syncedSequence);
  }
  return blocks.every(({ start, end, sequence }) => isSame(start, end) || sequence <= durable);
}

function blocksOf(bytes: Uint8Array): SeenBlock[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: SeenBlock[] = [];
  let start = 0;
  while (start + HEADER_BYTES <= bytes.length && view.getUint32(start, true) === MAGIC) {
    const end = Math.min(bytes.length, start + HEADER_BYTES + view.getUint32(start + 4, true));
    const sequence = wide(view, start + 24);
    blocks.push({ start, end, sequence, syncedSequence: wide(view, start + 32) });
    start = end;
  }
  return blocks;
}

function wide(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
