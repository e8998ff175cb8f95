/**
 * Builds engine write batches: the body of a mutation, encoded once on the primary and applied byte
 * for byte by every replica (format: env/engine.ts).
 *
 * Invariants:
 *  1. A record is written straight from the request into the batch: no copy in between, no object
 *     per record.
 *  2. `recordCount` and `byteLength` describe whole records only; `rollback` goes back to such a
 *     state.
 *  3. A sealed batch is an exact copy of its own. Its last record stores (decree, digest) under the
 *     reserved key, and its last four bytes are the digest, left 0 here: consensus/mutation.ts
 *     fills it in.
 *
 * One builder serves a partition for good. What one very large mutation made it grow by is given
 * back on `reset`.
 */
import { assert, assertAtLeast, assertAtMost, assertSafeInteger } from '../base/assert.ts';
import { copyInto } from '../base/bytes.ts';
import type { ValueView } from '../env/engine.ts';
import { APPLIED_DECREE_KEY, encodeKeyInto, isClientKey, KEY_HEADER_BYTES } from '../model/key.ts';
import { VALUE_HEADER_BYTES, writeValueHeader } from '../model/value.ts';
import {
  APPLIED_VALUE_BYTES,
  BATCH_COUNT_AT,
  BATCH_HEADER_BYTES,
  RecordTag,
} from './batch-format.ts';
import { findLastRecord } from './batch-search.ts';

/** Tag, and two lengths of at most five bytes each. */
const RECORD_OVERHEAD_BYTES_MAX = 11;
const CAPACITY_BYTES_INITIAL = 16 * 1024;
const CAPACITY_BYTES_KEPT = 1024 * 1024;
const CAPACITY_BYTES_MAX = 1024 * 1024 * 1024;
const TWO_POW_32 = 0x100000000;

/** Where a client's value comes from and what is stored beside it. One object is reused. */
export interface ValueStamp {
  /** u32, see model/ttl.ts. */
  expireSeconds: number;
  /** µs since 1970. */
  timestampUs: number;
  /** `timetagByte` of model/value.ts. */
  tag: number;
}

export class WriteBatchBuilder {
  private bytes: Uint8Array;
  private length: number;
  private count: number;

  constructor() {
    this.bytes = new Uint8Array(CAPACITY_BYTES_INITIAL);
    this.length = BATCH_HEADER_BYTES;
    this.count = 0;
  }

  get recordCount(): number {
    return this.count;
  }

  /** Of the batch so far, its header included. */
  get byteLength(): number {
    return this.length;
  }

  reset(): void {
    if (this.bytes.length > CAPACITY_BYTES_KEPT) {
      this.bytes = new Uint8Array(CAPACITY_BYTES_INITIAL);
    }
    this.length = BATCH_HEADER_BYTES;
    this.count = 0;
  }

  /**
   * The last record of `key` so far, null if there is none; `into` gets its value, valid until the
   * next change.
   */
  find(key: Uint8Array, into: ValueView): RecordTag | null {
    return findLastRecord(this.bytes, this.length, key, into);
  }

  /**
   * Drops the records that were added since the builder had these `byteLength` and `recordCount`.
   */
  rollback(byteLength: number, recordCount: number): void {
    assertAtLeast(byteLength, BATCH_HEADER_BYTES, 'a batch keeps its header');
    assertAtMost(byteLength, this.length, 'a rollback goes back');
    assertAtMost(recordCount, this.count, 'a rollback drops records');
    this.length = byteLength;
    this.count = recordCount;
  }

  put(hashKey: Uint8Array, sortKey: Uint8Array, value: Uint8Array, stamp: ValueStamp): void {
    const keyLength = KEY_HEADER_BYTES + hashKey.length + sortKey.length;
    this.reserve(RECORD_OVERHEAD_BYTES_MAX + keyLength + VALUE_HEADER_BYTES + value.length);
    this.bytes[this.length++] = RecordTag.put;
    this.writeVarint(keyLength);
    this.length = encodeKeyInto(hashKey, sortKey, this.bytes, this.length);
    this.writeValue(value, stamp);
    this.count++;
  }

  /** As `put`, with a key that is encoded already. */
  putEncoded(key: Uint8Array, value: Uint8Array, stamp: ValueStamp): void {
    assert(isClientKey(key), 'a batch stores valid keys only');
    this.reserve(RECORD_OVERHEAD_BYTES_MAX + key.length + VALUE_HEADER_BYTES + value.length);
    this.bytes[this.length++] = RecordTag.put;
    this.writeVarint(key.length);
    this.writeBytes(key);
    this.writeValue(value, stamp);
    this.count++;
  }

  delete(hashKey: Uint8Array, sortKey: Uint8Array): void {
    const keyLength = KEY_HEADER_BYTES + hashKey.length + sortKey.length;
    this.reserve(RECORD_OVERHEAD_BYTES_MAX + keyLength);
    this.bytes[this.length++] = RecordTag.delete;
    this.writeVarint(keyLength);
    this.length = encodeKeyInto(hashKey, sortKey, this.bytes, this.length);
    this.count++;
  }

  /** As `delete`, with a key that is encoded already. */
  deleteEncoded(key: Uint8Array): void {
    assert(isClientKey(key), 'a batch deletes valid keys only');
    this.reserve(RECORD_OVERHEAD_BYTES_MAX + key.length);
    this.bytes[this.length++] = RecordTag.delete;
    this.writeVarint(key.length);
    this.writeBytes(key);
    this.count++;
  }

  /**
   * Adds the record of the applied decree and returns the whole batch as an own copy; the builder
   * is empty again.
   */
  seal(decree: number): Uint8Array {
    assertSafeInteger(decree, 'decree');
    assertAtLeast(decree, 1, 'decrees start at 1');
    this.reserve(RECORD_OVERHEAD_BYTES_MAX + APPLIED_DECREE_KEY.length + APPLIED_VALUE_BYTES);
    this.bytes[this.length++] = RecordTag.put;
    this.writeVarint(APPLIED_DECREE_KEY.length);
    this.writeBytes(APPLIED_DECREE_KEY);
    this.writeVarint(APPLIED_VALUE_BYTES);
    this.writeU32(Math.floor(decree / TWO_POW_32));
    this.writeU32(decree % TWO_POW_32);
    this.writeU32(0);
    this.count++;
    this.patchHeader();
    const batch = this.bytes.slice(0, this.length);
    this.reset();
    return batch;
  }

  /** Sequence 0, then the count; little-endian. */
  private patchHeader(): void {
    const bytes = this.bytes;
    bytes.fill(0, 0, BATCH_COUNT_AT);
    bytes[BATCH_COUNT_AT] = this.count;
    bytes[BATCH_COUNT_AT + 1] = this.count >>> 8;
    bytes[BATCH_COUNT_AT + 2] = this.count >>> 16;
    bytes[BATCH_COUNT_AT + 3] = this.count >>> 24;
  }

  private writeValue(value: Uint8Array, stamp: ValueStamp): void {
    this.writeVarint(VALUE_HEADER_BYTES + value.length);
    this.length = writeValueHeader(
      this.bytes,
      this.length,
      stamp.expireSeconds,
      stamp.timestampUs,
      stamp.tag,
    );
    this.writeBytes(value);
  }

  private writeBytes(source: Uint8Array): void {
    copyInto(source, 0, source.length, this.bytes, this.length);
    this.length += source.length;
  }

  private writeU32(value: number): void {
    this.bytes[this.length] = value >>> 24;
    this.bytes[this.length + 1] = value >>> 16;
    this.bytes[this.length + 2] = value >>> 8;
    this.bytes[this.length + 3] = value;
    this.length += 4;
  }

  private writeVarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  private reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed <= this.bytes.length) return;
    assertAtMost(needed, CAPACITY_BYTES_MAX, 'a batch stays below the limit of one allocation');
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
