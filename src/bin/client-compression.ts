/**
 * Values that are compressed on their way to the table: a codec around a codec. Only keys of rows
 * and the checks `exists`, `absent` and the like see through it: everything else that servers
 * compare is the compressed bytes.
 *
 * Two layouts, both for good:
 *  - gzip, deflate, brotli: one byte that names the method (0 = not compressed), then the bytes.
 *    Nothing but this client reads it. Any method reads what any other wrote.
 *  - zstd: a bare Zstandard frame, and what is no frame is taken as it is: what the Java client does
 *    with `enableCompression`. It needs a Node.js that has zstd (22.15 or later).
 */
import * as zlib from 'node:zlib';
import type { Codec } from '../client/codec.ts';
import { InvalidArgumentError } from '../client/errors.ts';
import { areWholeZstdFrames, isZstdFrame } from '../client/zstd-frame.ts';

export type CompressionMethod = 'gzip' | 'deflate' | 'brotli' | 'zstd';

export interface CompressionOptions {
  /** Default `gzip`. */
  readonly method?: CompressionMethod;
  /** Shorter values stay as they are, except with `zstd`. Default 256. */
  readonly bytesMin?: number;
  /** A value that would grow above this is not decompressed but an error. Default 64 MiB. */
  readonly bytesMax?: number;
}

const BYTES_MIN = 256;
const BYTES_MAX = 64 * 1024 * 1024;

type Transform = (bytes: Uint8Array, options?: { maxOutputLength?: number }) => Uint8Array;

interface Method {
  readonly tag: number;
  readonly compress: Transform;
  readonly decompress: Transform;
}

const TAG_PLAIN = 0;
const METHODS: Readonly<Record<Exclude<CompressionMethod, 'zstd'>, Method>> = {
  gzip: { tag: 1, compress: zlib.gzipSync, decompress: zlib.gunzipSync },
  deflate: { tag: 2, compress: zlib.deflateRawSync, decompress: zlib.inflateRawSync },
  brotli: { tag: 3, compress: zlib.brotliCompressSync, decompress: zlib.brotliDecompressSync },
};

/** Compresses what `codec` writes. Compression is done in the calling thread. */
export function compressed<Value, Input>(
  codec: Codec<Value, Input>,
  options: CompressionOptions = {},
): Codec<Value, Input> {
  const method = options.method ?? 'gzip';
  const bytesMax = options.bytesMax ?? BYTES_MAX;
  if (!(bytesMax >= 1)) throw new InvalidArgumentError('bytesMax is a number of at least 1');
  const limit = { maxOutputLength: bytesMax };
  const layer = method === 'zstd' ? zstdLayer(limit) : taggedLayer(method, options, limit);
  return {
    encode: (value) => layer.encode(codec.encode(value)),
    decode: (bytes) => codec.decode(layer.decode(bytes)),
  };
}

function taggedLayer(
  name: Exclude<CompressionMethod, 'zstd'>,
  options: CompressionOptions,
  limit: { maxOutputLength: number },
): Codec<Uint8Array> {
  const method = METHODS[name];
  if (method === undefined) throw new InvalidArgumentError(`"${name}" is no compression method`);
  const bytesMin = options.bytesMin ?? BYTES_MIN;
  if (!(bytesMin >= 0)) throw new InvalidArgumentError('bytesMin is a number of at least 0');
  return {
    encode: (bytes) => {
      if (bytes.length < bytesMin) return tagged(TAG_PLAIN, bytes);
      const smaller = method.compress(bytes);
      if (smaller.length >= bytes.length) return tagged(TAG_PLAIN, bytes);
      return tagged(method.tag, smaller);
    },
    decode: (bytes) => {
      const [tag] = bytes;
      if (tag === TAG_PLAIN) return bytes.subarray(1);
      const writer = Object.values(METHODS).find((one) => one.tag === tag);
      if (writer === undefined) throw new RangeError('the value was not written compressed');
      return plain(writer.decompress(bytes.subarray(1), limit));
    },
  };
}

function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const value = new Uint8Array(1 + bytes.length);
  value[0] = tag;
  value.set(bytes, 1);
  return value;
}

/** Of `node:zlib` from Node.js 22.15 on. */
interface Zstd {
  readonly zstdCompressSync?: Transform;
  readonly zstdDecompressSync?: Transform;
}

function zstdLayer(limit: { maxOutputLength: number }): Codec<Uint8Array> {
  const { zstdCompressSync: compress, zstdDecompressSync: decompress } = zlib as Zstd;
  if (compress === undefined || decompress === undefined) {
    throw new InvalidArgumentError('this Node.js has no zstd: 22.15 or later is needed');
  }
  return {
    encode: (bytes) => plain(compress(bytes)),
    decode: (bytes) => {
      if (!isZstdFrame(bytes)) return bytes;
      if (!areWholeZstdFrames(bytes)) throw new RangeError('the compressed value is cut off');
      return plain(decompress(bytes, limit));
    },
  };
}

/** Without what makes a `Buffer`. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
