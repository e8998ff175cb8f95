/**
 * Whether bytes are whole Zstandard frames (RFC 8878), by their headers alone. Node.js decompresses what is cut off to
 * what is left of it, without an error.
 */
const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** By the two bits of the header; the first one counts with a single segment only. */
const CONTENT_SIZE_BYTES = [1, 2, 4, 8] as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const BLOCK_RLE = 1;

/** True when a frame begins here. */
export function isZstdFrame(bytes: Uint8Array, at = 0): boolean {
  if (bytes.length < at + MAGIC_BYTES) return false;
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  return (low | (bytes[at + 3]! << 24)) >>> 0 === MAGIC;
}

/** One frame or several, and nothing behind the last one. */
export function areWholeZstdFrames(bytes: Uint8Array): boolean {
  let at = 0;
  do {
    if (!isZstdFrame(bytes, at)) return false;
    at = frameEnd(bytes, at);
  } while (at < bytes.length);
  return at === bytes.length;
}

/** Beyond the end of the bytes when the frame is cut off. */
function frameEnd(bytes: Uint8Array, start: number): number {
  const cutOff = bytes.length + 1;
  const descriptor = bytes[start + MAGIC_BYTES];
  if (descriptor === undefined) return cutOff;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBits = descriptor >>> 6;
  const hasSize = isSingleSegment || sizeBits > 0;
  let at = start + MAGIC_BYTES + 1;
  at += isSingleSegment ? 0 : 1;
  at += DICTIONARY_BYTES[descriptor & 3]!;
  at += hasSize ? CONTENT_SIZE_BYTES[sizeBits]! : 0;
  for (let isLast = false; !isLast; ) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return cutOff;
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    isLast = (header & 1) !== 0;
    const isRepeated = ((header >>> 1) & 3) === BLOCK_RLE;
    at += BLOCK_HEADER_BYTES + (isRepeated ? 1 : header >>> 3);
  }
  return at + ((descriptor & 4) !== 0 ? CHECKSUM_BYTES : 0);
}
