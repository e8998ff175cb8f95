/** Values as clients write them: their number, then padding. */
import { assert } from '../../src/base/assert.ts';

export function valueText(value: number, paddingLength: number): string {
  return `${value}:${'x'.repeat(paddingLength)}`;
}

/** The number of a value; 0 for "no such row". */
export function valueNumber(bytes: Uint8Array | null): number {
  if (bytes === null) return 0;
  let value = 0;
  for (const byte of bytes) {
    if (byte === 0x3a) return value;
    assert(byte >= 0x30 && byte <= 0x39, 'a value begins with its number');
    value = value * 10 + (byte - 0x30);
  }
  throw new Error('a value has no colon after its number');
}

export function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
