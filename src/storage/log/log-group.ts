/**
 * Records that go to the disk together, as one block: encoded as they arrive into one buffer that
 * is reused, with who is to be told. Two or three groups take turns; none is allocated per record.
 */
import { assert } from '../../base/assert.ts';
import type { Mutation } from '../../consensus/mutation.ts';
import type { DiskError } from '../../env/disk.ts';
import type { Ballot, Decree, Gpid } from '../../model/identity.ts';
import {
  BLOCK_HEADER_BYTES,
  type LogId,
  RECORD_HEADER_BYTES,
  RecordKind,
  viewOf,
  writeBlockHeader,
  writeControl,
  writeMutation,
} from './log-format.ts';
import type { LogOwner } from './log-types.ts';

/** A buffer that a burst has blown up above this is let go. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const INITIAL_BYTES = 64 * 1024;

/** Told of every record of a group once it is in the log. */
export interface RecordSink {
  /** Both positions grow: of the block, and of the record in it. */
  onRecord(
    kind: RecordKind,
    gpid: Gpid,
    decree: Decree,
    blockPosition: number,
    position: number,
  ): void;
}

export class LogGroup {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = viewOf(this.#bytes);
  #end = BLOCK_HEADER_BYTES;
  #count = 0;
  #durable = false;
  // Record i stands at index i of each; a control record has neither mutation nor owner.
  readonly #kinds: RecordKind[] = [];
  readonly #gpids: Gpid[] = [];
  readonly #decrees: Decree[] = [];
  readonly #ballots: Ballot[] = [];
  readonly #mutations: (Mutation | null)[] = [];
  readonly #owners: (LogOwner | null)[] = [];

  get byteLength(): number {
    return this.#end;
  }

  get recordCount(): number {
    return this.#count;
  }

  /** Somebody waits for the disk. */
  get durable(): boolean {
    return this.#durable;
  }

  addMutation(mutation: Mutation, owner: LogOwner, durable: boolean): void {
    const at = this.#reserve(RECORD_HEADER_BYTES + mutation.body.length);
    writeMutation(this.#bytes, this.#view, at, mutation);
    this.#note(RecordKind.mutation, mutation.gpid, mutation.decree, mutation.ballot);
    this.#mutations[this.#count] = mutation;
    this.#owners[this.#count] = owner;
    this.#count += 1;
    if (durable) this.#durable = true;
  }

  addControl(
    kind: RecordKind,
    gpid: Gpid,
    decree: Decree,
    durable: boolean,
    firstCopy: number,
  ): void {
    const at = this.#reserve(RECORD_HEADER_BYTES);
    writeControl(this.#bytes, this.#view, at, kind, gpid, decree, firstCopy);
    this.#note(kind, gpid, decree, 0 as Ballot);
    this.#mutations[this.#count] = null;
    this.#owners[this.#count] = null;
    this.#count += 1;
    if (durable) this.#durable = true;
  }

  /** The finished block; valid until `clear`. */
  seal(logId: LogId, segment: number, sequence: number, syncedSequence: number): Uint8Array {
    writeBlockHeader(this.#bytes, this.#view, this.#end, {
      recordCount: this.#count,
      logId,
      segment,
      sequence,
      syncedSequence,
    });
    return this.#bytes.subarray(0, this.#end);
  }

  /**
   * Tells `sink` of every record, then the owners of the mutations among them, in the order of
   * appending.
   */
  deliver(sink: RecordSink, blockPosition: number): void {
    let position = blockPosition + BLOCK_HEADER_BYTES;
    for (let index = 0; index < this.#count; index++) {
      const mutation = this.#mutations[index]!;
      const kind = this.#kinds[index]!;
      sink.onRecord(kind, this.#gpids[index]!, this.#decrees[index]!, blockPosition, position);
      position += RECORD_HEADER_BYTES + (mutation === null ? 0 : mutation.body.length);
    }
    for (let index = 0; index < this.#count; index++) {
      const owner = this.#owners[index]!;
      if (owner !== null) owner.onLogAppended(this.#mutations[index]!, this.#ballots[index]!);
    }
  }

  /** Tells each owner once, those in `told` excepted, and adds them to it. */
  fail(error: DiskError, told: Set<LogOwner>): void {
    for (let index = 0; index < this.#count; index++) {
      const owner = this.#owners[index]!;
      if (owner === null || told.has(owner)) continue;
      told.add(owner);
      owner.onLogFailed(error);
    }
  }

  clear(): void {
    this.#mutations.fill(null, 0, this.#count);
    this.#owners.fill(null, 0, this.#count);
    this.#count = 0;
    this.#durable = false;
    this.#end = BLOCK_HEADER_BYTES;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#resize(INITIAL_BYTES);
  }

  #note(kind: RecordKind, gpid: Gpid, decree: Decree, ballot: Ballot): void {
    this.#kinds[this.#count] = kind;
    this.#gpids[this.#count] = gpid;
    this.#decrees[this.#count] = decree;
    this.#ballots[this.#count] = ballot;
  }

  /** Makes room for `length` bytes and returns where they go. */
  #reserve(length: number): number {
    const at = this.#end;
    const end = at + length;
    if (end > this.#bytes.length) this.#resize(Math.max(end, 2 * this.#bytes.length));
    this.#end = end;
    return at;
  }

  #resize(length: number): void {
    assert(length >= this.#end, 'a group keeps its records');
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}
