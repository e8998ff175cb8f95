/**
 * Integers as values hold them: decimal text when written, and whatever C's `strtoll` with base 0
 * takes when read, since that is what the original does: leading white space, a sign, `0x` for
 * hexadecimal, a leading 0 for octal. The whole value must be used up, and fit into 64 bits.
 */
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** A sign, `0x` and leading zeros aside, nothing longer fits into 64 bits. */
const TEXT_BYTES_MAX = 4_096;
const PATTERN = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)$/;

/** Null when the bytes are no such number. */
export function parseInteger(bytes: Uint8Array, start: number, end: number): bigint | null {
  if (end - start > TEXT_BYTES_MAX) return null;
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const magnitude = parseDigits(match[2]!);
  if (magnitude === null) return null;
  const value = match[1] === '-' ? -magnitude : magnitude;
  return isInt64(value) ? value : null;
}

export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}

export function formatInteger(value: bigint): Uint8Array {
  const text = value.toString();
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

function parseDigits(digits: string): bigint | null {
  const isOctal = digits.length > 1 && digits[0] === '0' && /^[0-9]+$/.test(digits);
  if (!isOctal) return BigInt(digits);
  return /^[0-7]+$/.test(digits) ? BigInt(`0o${digits}`) : null;
}
