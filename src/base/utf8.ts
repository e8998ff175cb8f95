/**
 * UTF-8 without TextEncoder and TextDecoder, which the pure layers do not have.
 *
 * Same results as theirs: in decoding each maximal ill-formed piece becomes one U+FFFD, no byte order mark is
 * stripped; in encoding a lone surrogate becomes U+FFFD.
 */

/** Bytes that `text` takes. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else {
      length += 2;
      if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) index += 1;
    }
  }
  return length;
}

/** Writes `text` at `at`; the caller made sure that `utf8Length(text)` bytes are free. Returns the end. */
export function writeUtf8(text: string, bytes: Uint8Array, at: number): number {
  let position = at;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      bytes[position++] = unit;
    } else if (unit < 0x800) {
      bytes[position++] = 0xc0 | (unit >>> 6);
      bytes[position++] = 0x80 | (unit & 0x3f);
    } else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      index += 1;
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (text.charCodeAt(index) & 0x3ff);
      bytes[position++] = 0xf0 | (point >>> 18);
      bytes[position++] = 0x80 | ((point >>> 12) & 0x3f);
      bytes[position++] = 0x80 | ((point >>> 6) & 0x3f);
      bytes[position++] = 0x80 | (point & 0x3f);
    } else {
      const scalar = isSurrogate(unit) ? 0xfffd : unit;
      bytes[position++] = 0xe0 | (scalar >>> 12);
      bytes[position++] = 0x80 | ((scalar >>> 6) & 0x3f);
      bytes[position++] = 0x80 | (scalar & 0x3f);
    }
  }
  return position;
}

export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return bytes;
}

/** Text of `bytes[start … end)`. */
export function decodeUtf8(
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): string {
  let text = '';
  const units = new Array<number>(Math.min(end - start, UNITS_MAX));
  let count = 0;
  let at = start;
  while (at < end) {
    if (count >= UNITS_MAX - 1) {
      text += unitsToText(units, count);
      count = 0;
    }
    const first = bytes[at]!;
    if (first < 0x80) {
      units[count++] = first;
      at += 1;
      continue;
    }
    const length = sequenceLength(bytes, at, end);
    const point = length > 0 ? codePoint(bytes, at, length) : 0xfffd;
    if (point >= 0x10000) {
      units[count++] = 0xd800 | ((point - 0x10000) >>> 10);
      units[count++] = 0xdc00 | ((point - 0x10000) & 0x3ff);
    } else {
      units[count++] = point;
    }
    at += Math.abs(length);
  }
  return text + unitsToText(units, count);
}

/** Small enough to be passed as arguments of one call. */
const UNITS_MAX = 1024;

function unitsToText(units: number[], count: number): string {
  return String.fromCharCode.apply(null, count === units.length ? units : units.slice(0, count));
}

/** Length of the well-formed sequence at `at`, or minus the length of the ill-formed piece. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let index = 1; index < length; index++) {
    if (at + index >= end) return -index;
    const byte = bytes[at + index]!;
    const low = index > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = index > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return -index;
  }
  return length;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let point = bytes[at]! & (0xff >>> (length + 1));
  for (let index = 1; index < length; index++) point = (point << 6) | (bytes[at + index]! & 0x3f);
  return point;
}

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800;
const isLowSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xdc00;
const isSurrogate = (unit: number): boolean => (unit & 0xf800) === 0xd800;
