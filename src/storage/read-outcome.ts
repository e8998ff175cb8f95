/**
 * What reads end in, and the face that the replica layer sees of them; the class is `ReadService`.
 */
import type { TableSettings } from '../model/table-settings.ts';
import type { Reader } from '../wire/reader.ts';
import type { RpcCode } from '../wire/rpc-codes.ts';
import type { Writer } from '../wire/writer.ts';

export const ReadOutcome = {
  /** The complete result struct was written. */
  done: 0,
  /** Nothing was written: the answer needs the disk or many turns; ask through `readLater`. */
  later: 1,
  /** Nothing is to be answered (clear_scanner). */
  noReply: 2,
  /** Nothing was written: frame error ERR_INVALID_PARAMETERS. */
  invalidParameters: 3,
  /**
   * Nothing was written: the engine is damaged or its disk fails, so this replica must stop
   * serving.
   */
  failed: 4,
  /**
   * Nothing was written: the replica was closed meanwhile. Nothing is broken; the client asks again
   * elsewhere.
   */
  closed: 5,
  /** Nothing was written: too many reads wait for the disk. Frame error ERR_BUSY. */
  busy: 6,
  /** Nothing was written: the deadline passed while the read waited. Frame error ERR_TIMEOUT. */
  expired: 7,
} as const;
export type ReadOutcome = (typeof ReadOutcome)[keyof typeof ReadOutcome];

/**
 * `result` is the complete result struct when `outcome` is done, else empty. It is valid during the call only.
 */
export type ReadDone = (outcome: ReadOutcome, result: Uint8Array) => void;

/** The reads of one replica. */
export interface Reads {
  /** False: frame error ERR_HANDLER_NOT_FOUND. */
  isSupported(code: RpcCode): boolean;
  /** Decodes the argument that `reader` stands at and answers from memory if that is possible. */
  tryRead(code: RpcCode, reader: Reader, writer: Writer): ReadOutcome;
  /**
   * Answers what `tryRead` put off, or what was held back untried. `argument` is an own copy of the
   * bytes that the reader stood at, to the end of the body; it must not change until `done`, which
   * is called once, never with `later`, in a later turn or before this returns. What has not come to
   * an end by `deadlineMs` (monotonic; none by default) is given up between two steps.
   */
  readLater(code: RpcCode, argument: Uint8Array, done: ReadDone, deadlineMs?: number): void;
  applySettings(settings: TableSettings): void;
  /** Drops scan contexts that nobody asked for within the limit; call it about once a second. */
  expireScans(): void;
  /**
   * Drops all scan contexts; reads under way end as `closed`. Call it before the engine is closed.
   * Idempotent.
   */
  close(): void;
}
