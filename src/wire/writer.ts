/**
 * Writes big-endian wire values into a growing slab.
 *
 * What was written since the last `take` is the *output*; positions that callers keep (`length`)
 * count from its start, so they stay right when the slab grows. `take` hands the output over for
 * good and goes on in the rest of the slab: the bytes of one turn leave without a copy. Who only
 * wants to look uses `output`, then `rewind` or `recycle`: slabs are most of a server's garbage, and
 * what they take outside of the heap makes the engine collect all of it.
 */
import { assert } from '../base/assert.ts';
import { copyInto } from '../base/bytes.ts';
import { utf8Length, writeUtf8 } from '../base/utf8.ts';
import { parseIpv4, type WireGpid, type WireHostPort, WireType } from './types.ts';

const SLAB_BYTES = 64 * 1024;
/** One that has grown above this is not kept. */
const SLAB_BYTES_KEPT_MAX = 1024 * 1024;
const TWO_POW_32 = 4294967296;

export class Writer {
  private readonly slabBytes: number;
  private bytes: Uint8Array;
  private view: DataView;
  private start = 0;
  private position = 0;

  constructor(slabBytes: number = SLAB_BYTES) {
    assert(slabBytes >= 16, 'a slab holds at least a header');
    this.slabBytes = slabBytes;
    this.bytes = new Uint8Array(slabBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Bytes of output so far. */
  get length(): number {
    return this.position - this.start;
  }

  /** The output; the caller owns it and nothing writes to it any more. */
  take(): Uint8Array {
    const output = this.output();
    this.start = this.position;
    return output;
  }

  /** As `take`, when nobody needs the output any more: its place is written again. */
  recycle(): void {
    this.position = this.start;
    if (this.bytes.length <= SLAB_BYTES_KEPT_MAX) return;
    this.bytes = new Uint8Array(this.slabBytes);
    this.view = new DataView(this.bytes.buffer);
    this.start = 0;
    this.position = 0;
  }

  /** The output, valid until the next write, `take` or `rewind`. */
  output(): Uint8Array {
    return this.bytes.subarray(this.start, this.position);
  }

  /** Forgets what was written after the output had `length` bytes. */
  rewind(length: number): void {
    assert(length >= 0, 'a writer rewinds to an earlier length');
    assert(length <= this.length, 'a writer does not rewind forwards');
    this.position = this.start + length;
  }

  /** Overwrites the four bytes at output position `at`. */
  patchI32(at: number, value: number): void {
    assert(at + 4 <= this.length, 'only what was written can be patched');
    this.view.setInt32(this.start + at, value);
  }

  /** Slab position of `size` new bytes. */
  private add(size: number): number {
    if (this.position + size > this.bytes.length) this.grow(size);
    const at = this.position;
    this.position = at + size;
    return at;
  }

  private grow(size: number): void {
    const length = this.length;
    const needed = length + size;
    const grown = new Uint8Array(
      Math.max(this.slabBytes, needed > this.slabBytes ? 2 * needed : 0),
    );
    grown.set(this.bytes.subarray(this.start, this.position), 0);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    this.start = 0;
    this.position = length;
  }

  writeU8(value: number): void {
    const at = this.add(1);
    this.bytes[at] = value;
  }

  writeI8(value: number): void {
    this.writeU8(value);
  }

  writeBool(value: boolean): void {
    this.writeU8(value ? 1 : 0);
  }

  writeI16(value: number): void {
    const at = this.add(2);
    this.view.setInt16(at, value);
  }

  /** Also for unsigned values: the low 32 bits are written. */
  writeI32(value: number): void {
    const at = this.add(4);
    this.view.setInt32(at, value);
  }

  /** `value` is a safe integer. */
  writeI64(value: number): void {
    assert(Number.isSafeInteger(value), 'a 64-bit number is a safe integer');
    const at = this.add(8);
    this.view.setInt32(at, Math.floor(value / TWO_POW_32));
    this.view.setInt32(at + 4, value);
  }

  writeI64Big(value: bigint): void {
    const at = this.add(8);
    this.view.setBigInt64(at, value);
  }

  writeDouble(value: number): void {
    const at = this.add(8);
    this.view.setFloat64(at, value);
  }

  writeBlob(value: Uint8Array): void {
    const length = value.length;
    const at = this.add(4 + length);
    this.view.setInt32(at, length);
    copyInto(value, 0, length, this.bytes, at + 4);
  }

  /** As `writeBlob` of `source[start … end)`, without a view of it. */
  writeBlobRange(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const at = this.add(4 + length);
    this.view.setInt32(at, length);
    copyInto(source, start, length, this.bytes, at + 4);
  }

  /** The bytes alone, without a length. */
  writeBytes(value: Uint8Array): void {
    const at = this.add(value.length);
    copyInto(value, 0, value.length, this.bytes, at);
  }

  writeString(value: string): void {
    const length = utf8Length(value);
    const at = this.add(4 + length);
    this.view.setInt32(at, length);
    writeUtf8(value, this.bytes, at + 4);
  }

  writeGpid(value: WireGpid): void {
    const at = this.add(8);
    this.view.setInt32(at, value.partitionIndex);
    this.view.setInt32(at + 4, value.appId);
  }

  /** The form has room for IPv4 only; null and host names become the invalid address 0. */
  writeRpcAddress(value: WireHostPort | null): void {
    const ipv4 = value === null ? -1 : parseIpv4(value.host);
    const at = this.add(8);
    this.view.setUint32(at, Math.max(ipv4, 0));
    this.view.setUint16(at + 4, value !== null && ipv4 >= 0 ? value.port : 0);
    this.view.setUint16(at + 6, ipv4 >= 0 ? 1 : 0);
  }

  writeHostPort(value: WireHostPort | null): void {
    this.writeString(value === null ? '' : value.host);
    this.writeI16(value === null ? 0 : value.port);
    this.writeU8(value === null ? 0 : 1);
  }

  /** `tag` is field id × 256 + type byte. */
  writeFieldTag(tag: number): void {
    const at = this.add(3);
    this.bytes[at] = tag;
    this.view.setInt16(at + 1, tag >> 8);
  }

  writeFieldI32(tag: number, value: number): void {
    const at = this.add(7);
    this.bytes[at] = tag;
    this.view.setInt16(at + 1, tag >> 8);
    this.view.setInt32(at + 3, value);
  }

  writeStop(): void {
    this.writeU8(WireType.stop);
  }

  writeListHeader(type: number, count: number): void {
    const at = this.add(5);
    this.bytes[at] = type;
    this.view.setInt32(at + 1, count);
  }

  writeMapHeader(keyType: number, valueType: number, count: number): void {
    this.writeU8(keyType);
    this.writeListHeader(valueType, count);
  }
}
