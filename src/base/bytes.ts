/** Helpers for byte strings. Order is unsigned and lexicographic, a shorter prefix first, as in the engine. */

/** Shared zero-length value; nobody can change it. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length;
  if (b.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** Below 0, 0 or above 0. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let index = 0; index < common; index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** A copy that owns its memory: for keeping what was a view. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Copies `length` bytes; for a few bytes a loop beats the call into `Uint8Array.set` and needs no view. */
export function copyInto(
  source: Uint8Array,
  sourceStart: number,
  length: number,
  target: Uint8Array,
  targetStart: number,
): void {
  if (length <= COPY_LOOP_MAX) {
    for (let index = 0; index < length; index++) {
      target[targetStart + index] = source[sourceStart + index]!;
    }
  } else if (sourceStart === 0 && length === source.length) {
    target.set(source, targetStart);
  } else {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart);
  }
}

/** Measured: the loop takes 1.1 ns a byte, `set` 20 to 30 ns for any short length. */
const COPY_LOOP_MAX = 20;

const HEX_DIGITS = '0123456789abcdef';

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX_DIGITS[byte >>> 4]! + HEX_DIGITS[byte & 15]!;
  return text;
}

/** Blanks and `|` between digits are ignored. Null when the text is no even number of hex digits. */
export function fromHex(text: string): Uint8Array | null {
  const digits = text.replace(/[\s|]/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return null;
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}
