/** Damages byte strings in the ways that hurt parsers: single bits, lengths, types, cuts, repeats. */
import type { SeededRandom } from '../../src/base/prng.ts';

const NASTY: readonly number[] = [
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0xffff,
  0x10000,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  0x80010001,
  0x80020001,
  0x54484654,
  0x50474931,
  64 * 1024,
  64 * 1024 * 1024,
];
const TYPES: readonly number[] = [0, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 255];
const LENGTH_MAX = 8 * 1024;

/** A damaged copy; `seed` stays as it is. */
export function mutate(seed: Uint8Array, random: SeededRandom): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  const count = 1 + random.below(4);
  for (let index = 0; index < count && bytes.length > 0; index++) bytes = mutateOnce(bytes, random);
  return bytes;
}

function mutateOnce(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length);
  switch (random.below(8)) {
    case 0:
      bytes[at] = bytes[at]! ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = random.below(256);
      return bytes;
    case 2:
      bytes[at] = TYPES[random.below(TYPES.length)]!;
      return bytes;
    case 3:
      overwrite32(bytes, at, NASTY[random.below(NASTY.length)]!);
      return bytes;
    case 4:
      return bytes.slice(0, at);
    case 5:
      return splice(bytes, at, bytes.slice(at, at + random.below(16)));
    case 6:
      return splice(bytes, at, randomBytes(random, random.below(12)));
    default:
      return cut(bytes, at, random.below(12));
  }
}

export function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

function overwrite32(bytes: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < 4 && at + index < bytes.length; index++) {
    bytes[at + index] = value >>> (24 - 8 * index);
  }
}

function splice(bytes: Uint8Array, at: number, insert: Uint8Array): Uint8Array {
  const length = Math.min(bytes.length + insert.length, LENGTH_MAX);
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, at), 0);
  result.set(insert.subarray(0, length - at), at);
  const rest = at + insert.length;
  if (rest < length) result.set(bytes.subarray(at, at + length - rest), rest);
  return result;
}

function cut(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const result = new Uint8Array(bytes.length - Math.min(length, bytes.length - at));
  result.set(bytes.subarray(0, at), 0);
  result.set(bytes.subarray(bytes.length - (result.length - at)), at);
  return result;
}
