/**
 * Codecs: how a caller's keys and values become bytes, and how they come back.
 *
 * A codec is two functions, so write your own where these do not fit. Servers compare bytes: ranges
 * and scans follow the order of values only where the codec of the sort key keeps it, and the ones
 * here do (`json` and `decimal` excepted). What a codec writes stays in the table: the layouts of
 * this file never change.
 */
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { Bytes } from './api.ts';
import { InvalidArgumentError } from './errors.ts';

/** From `Input` to bytes, and from bytes to `Value`. Both may throw: the operation is rejected. */
export interface Codec<Value, Input = Value> {
  /** The bytes must not change until the operation has ended. */
  encode(value: Input): Uint8Array;
  /** `bytes` belongs to the codec: it may be kept. */
  decode(bytes: Uint8Array): Value;
}

/** Any codec, where only its types matter. */
export type AnyCodec = Codec<unknown, never>;

/** What is used where no codec is given. */
export type BytesCodec = Codec<Uint8Array, Bytes>;

/** What a codec takes. */
export type In<C extends AnyCodec> = Parameters<C['encode']>[0];

/** What a codec gives back. */
export type Out<C extends AnyCodec> = ReturnType<C['decode']>;

const BYTES: BytesCodec = {
  encode: (value) => {
    if (typeof value === 'string') return encodeUtf8(value);
    if (value instanceof Uint8Array) return value;
    throw new InvalidArgumentError('keys and values are strings or Uint8Arrays');
  },
  decode: (bytes) => bytes,
};

const TEXT: Codec<string> = {
  encode: (value) => {
    if (typeof value !== 'string') throw new InvalidArgumentError('a string is needed');
    return encodeUtf8(value);
  },
  decode: (bytes) => decodeUtf8(bytes),
};

/** Bytes as they are; takes strings too, as their UTF-8. The default. */
export function bytes(): BytesCodec {
  return BYTES;
}

/** Strings as UTF-8. In order of code points. */
export function text(): Codec<string> {
  return TEXT;
}

/** Whatever `JSON.stringify` can write. `T` is believed, not checked. Not in any order. */
export function json<T>(): Codec<T> {
  return {
    encode: (value) => {
      // Undefined and functions have no JSON.
      const written = JSON.stringify(value) as string | undefined;
      if (written === undefined) throw new InvalidArgumentError('the value cannot be JSON');
      return encodeUtf8(written);
    },
    decode: (bytes) => JSON.parse(decodeUtf8(bytes)) as T,
  };
}

const NUMBER_BYTES = 8;
const SIGN_BIT = 0x80000000;

/**
 * Any number but NaN, in 8 bytes that are ordered as the numbers are: IEEE 754, big-endian, the sign
 * bit flipped, all bits flipped if negative. −0 becomes 0.
 */
export function float64(): Codec<number> {
  return FLOAT64;
}

const FLOAT64: Codec<number> = {
  encode: (value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw new InvalidArgumentError('a number other than NaN is needed');
    }
    const bytes = new Uint8Array(NUMBER_BYTES);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, value === 0 ? 0 : value);
    flip(view, value < 0);
    return bytes;
  },
  decode: (bytes) => {
    const view = viewOf(bytes);
    flip(view, (view.getUint32(0) & SIGN_BIT) === 0);
    return view.getFloat64(0);
  },
};

/** Flips the sign bit, or every bit. */
function flip(view: DataView, isNegative: boolean): void {
  const high = view.getUint32(0);
  const low = view.getUint32(4);
  view.setUint32(0, isNegative ? ~high : high ^ SIGN_BIT);
  if (isNegative) view.setUint32(4, ~low);
}

/** Safe integers, in the 8 bytes of `int64`. */
export function integer(): Codec<number> {
  return INTEGER;
}

const INTEGER: Codec<number> = {
  encode: (value) => {
    if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('a safe integer is needed');
    return INT64.encode(BigInt(value));
  },
  decode: (bytes) => {
    const value = Number(INT64.decode(bytes));
    if (!Number.isSafeInteger(value)) throw new RangeError('the integer is not a safe one');
    return value;
  },
};

/** 64-bit integers in 8 bytes that are ordered as the integers are: big-endian, sign bit flipped. */
export function int64(): Codec<bigint> {
  return INT64;
}

const INT64: Codec<bigint> = {
  encode: (value) => {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
      throw new InvalidArgumentError('a bigint of at most 64 bits is needed');
    }
    const bytes = new Uint8Array(NUMBER_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigInt64(0, value);
    flip(view, false);
    return bytes;
  },
  decode: (bytes) => {
    const view = viewOf(bytes);
    flip(view, false);
    return view.getBigInt64(0);
  },
};

/** A view of a copy, to be changed. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes.length !== NUMBER_BYTES) throw new RangeError('a number is stored in 8 bytes');
  return new DataView(new Uint8Array(bytes).buffer);
}

/**
 * 64-bit integers as decimal text: for values that `incr` and the integer checks work on. Empty is
 * 0, as for the server. Not in order.
 */
export function decimal(): Codec<bigint> {
  return DECIMAL;
}

const DECIMAL: Codec<bigint> = {
  encode: (value) => {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
      throw new InvalidArgumentError('a bigint of at most 64 bits is needed');
    }
    return encodeUtf8(value.toString());
  },
  decode: (bytes) => {
    const text = decodeUtf8(bytes);
    if (!/^[+-]?\d*$/.test(text)) throw new RangeError('the value is no decimal integer');
    return BigInt(text === '' ? 0 : text);
  },
};
