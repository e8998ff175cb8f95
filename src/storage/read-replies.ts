/**
 * Writes the results of reads, field by field and straight from the engine's memory: a value is
 * copied once, into the bytes that leave for the client.
 *
 * Declared in wire/schema/rrdb.ts like all structs; what is written by hand here is checked byte
 * for byte against the generated writers by read-replies.test.ts. What is the same in all replies
 * of a replica (app id, partition, server) is encoded once, by those writers.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { writeReadResponse, writeScanResponse } from '../wire/generated/rrdb.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import { WireType } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import type { ReplicaContext } from './table-context.ts';

const TAG_ERROR = 0x0108;
const TAG_VALUE = 0x020c;
const TAG_TTL = 0x0208;
const TAG_COUNT = 0x020a;
const TAG_ROWS = 0x020f;
const TAG_CONTEXT_ID = 0x030a;
const TAG_KV_COUNT = 0x0708;
const TAG_ROW_FIRST = 0x010c;
const TAG_ROW_SECOND = 0x020c;
const TAG_ROW_THIRD = 0x030c;
const TAG_ROW_EXPIRE = 0x0308;

/** Field tag and number. */
const FIELD_I32_BYTES = 7;
const FIELD_TAG_BYTES = 3;
const LIST_HEADER_BYTES = 5;

/** Context ids as two halves of the wire's i64. */
export interface ContextId {
  readonly high: number;
  readonly low: number;
}

/** No context: empty range, or an error. */
export const CONTEXT_NONE: ContextId = { high: 0, low: 0 };
/** The scan is finished (−1). */
export const CONTEXT_FINISHED: ContextId = { high: 0xffffffff, low: 0xffffffff };

export class ReadReplies {
  /** App id, partition index, server, STOP of all read results but the scan's. */
  private readonly tail: Uint8Array;
  /** The same fields of a scan result, which has a count after them; without STOP. */
  private readonly scanTail: Uint8Array;

  constructor(context: ReplicaContext) {
    const writer = new Writer(1024);
    writeReadResponse(writer, { error: 0, value: EMPTY_BYTES, ...context });
    this.tail = writer.take().slice(FIELD_I32_BYTES + FIELD_TAG_BYTES + 4);
    writeScanResponse(writer, {
      error: 0,
      kvs: [],
      contextId: 0n,
      ...context,
      kvCount: undefined,
    });
    const head = FIELD_I32_BYTES + FIELD_TAG_BYTES + LIST_HEADER_BYTES + FIELD_TAG_BYTES + 8;
    this.scanTail = writer.take().slice(head, -1);
  }

  /** Result of a get: the value is `bytes[start … end)`. */
  writeValue(
    writer: Writer,
    error: StorageStatus,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    writer.writeFieldI32(TAG_ERROR, error);
    writer.writeFieldTag(TAG_VALUE);
    writer.writeBlobRange(bytes, start, end);
    writer.writeBytes(this.tail);
  }

  writeTtl(writer: Writer, error: StorageStatus, ttlSeconds: number): void {
    writer.writeFieldI32(TAG_ERROR, error);
    writer.writeFieldI32(TAG_TTL, ttlSeconds);
    writer.writeBytes(this.tail);
  }

  writeCount(writer: Writer, error: StorageStatus, count: number): void {
    writer.writeFieldI32(TAG_ERROR, error);
    writer.writeFieldTag(TAG_COUNT);
    writer.writeI64(count);
    writer.writeBytes(this.tail);
  }

  /** Ends a list result (multi_get, batch_get) that `rows` began. */
  finishRows(rows: RowList, error: StorageStatus): void {
    rows.close(error).writeBytes(this.tail);
  }

  /** `kvCount` below 0 = not asked for. */
  finishScan(rows: RowList, error: StorageStatus, id: ContextId, kvCount: number): void {
    const writer = rows.close(error);
    writer.writeFieldTag(TAG_CONTEXT_ID);
    writer.writeI32(id.high);
    writer.writeI32(id.low);
    writer.writeBytes(this.scanTail);
    if (kvCount >= 0) writer.writeFieldI32(TAG_KV_COUNT, kvCount);
    writer.writeStop();
  }
}

/**
 * The error and the list of rows that open a result; the two numbers known only at the end are
 * patched in.
 */
export class RowList {
  private readonly writer: Writer;
  private readonly errorAt: number;
  private readonly countAt: number;
  private readonly rowsAt: number;
  /** Where each row begins; kept only for lists that are to be turned round. */
  private readonly starts: number[] | null;
  private count: number;

  constructor(writer: Writer, reversed: boolean) {
    this.writer = writer;
    writer.writeFieldI32(TAG_ERROR, 0);
    this.errorAt = writer.length - 4;
    writer.writeFieldTag(TAG_ROWS);
    writer.writeListHeader(WireType.struct, 0);
    this.countAt = writer.length - 4;
    this.rowsAt = writer.length;
    this.starts = reversed ? [] : null;
    this.count = 0;
  }

  /** A `KeyValue` out of `bytes`; `expireSeconds` below 0 = without that field. */
  addKeyValue(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
    expireSeconds: number,
  ): void {
    const { writer } = this;
    if (this.starts !== null) this.starts.push(writer.length);
    writer.writeFieldTag(TAG_ROW_FIRST);
    writer.writeBlobRange(bytes, keyStart, keyEnd);
    writer.writeFieldTag(TAG_ROW_SECOND);
    writer.writeBlobRange(bytes, valueStart, valueEnd);
    if (expireSeconds >= 0) writer.writeFieldI32(TAG_ROW_EXPIRE, expireSeconds);
    writer.writeStop();
    this.count++;
  }

  /** A `KeyValue` of a key that the request named. */
  addNamed(sortKey: Uint8Array, bytes: Uint8Array, valueStart: number, valueEnd: number): void {
    const { writer } = this;
    writer.writeFieldTag(TAG_ROW_FIRST);
    writer.writeBlob(sortKey);
    writer.writeFieldTag(TAG_ROW_SECOND);
    writer.writeBlobRange(bytes, valueStart, valueEnd);
    writer.writeStop();
    this.count++;
  }

  /** A `FullData` of a key that the request named. */
  addFullData(
    hashKey: Uint8Array,
    sortKey: Uint8Array,
    bytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const { writer } = this;
    writer.writeFieldTag(TAG_ROW_FIRST);
    writer.writeBlob(hashKey);
    writer.writeFieldTag(TAG_ROW_SECOND);
    writer.writeBlob(sortKey);
    writer.writeFieldTag(TAG_ROW_THIRD);
    writer.writeBlobRange(bytes, valueStart, valueEnd);
    writer.writeStop();
    this.count++;
  }

  /** Puts error and count in their places; the rest of the result is the caller's. */
  close(error: StorageStatus): Writer {
    const { writer } = this;
    assert(
      error !== StorageStatus.invalidArgument || this.count === 0,
      'a refused read has no rows',
    );
    if (this.starts !== null) this.turnRound(this.starts);
    writer.patchI32(this.errorAt, error);
    writer.patchI32(this.countAt, this.count);
    return writer;
  }

  /**
   * A reverse read meets the rows from the last to the first, and answers them in ascending order.
   */
  private turnRound(starts: readonly number[]): void {
    const { writer, rowsAt } = this;
    const rows = writer.output().slice(rowsAt);
    writer.rewind(rowsAt);
    let end = rows.length;
    for (let index = starts.length - 1; index >= 0; index--) {
      const start = starts[index]! - rowsAt;
      writer.writeBytes(rows.subarray(start, end));
      end = start;
    }
    assert(end === 0, 'rows cover the list without gaps');
  }
}
