/**
 * One client write between its arrival and its answer: what the reply needs once the mutation that
 * carries the effects is committed. Records have one shape and are pooled, since there is one per
 * write.
 *
 * `origin`, `requestId` and `arrivedMs` belong to the replica layer (which session to answer, under which
 * sequence number, since when it waits); this layer never looks at them.
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';

export class PendingWrite {
  code: RpcCode;
  /**
   * Status of the operation itself; a failed one is answered after its (empty) mutation committed.
   */
  error: StorageStatus;
  /** Keys that a multi_remove names. */
  count: number;
  /** Of incr. */
  newValue: bigint;
  /** Of check_and_set and check_and_mutate. */
  checkValueReturned: boolean;
  checkValueExist: boolean;
  checkValue: Uint8Array;
  origin: object | null;
  requestId: number;
  arrivedMs: number;
  /** Of the keys and values that it puts and deletes. */
  bytes: number;

  constructor() {
    this.code = RpcCode.unknown;
    this.error = StorageStatus.ok;
    this.count = 0;
    this.newValue = 0n;
    this.checkValueReturned = false;
    this.checkValueExist = false;
    this.checkValue = EMPTY_BYTES;
    this.origin = null;
    this.requestId = 0;
    this.arrivedMs = 0;
    this.bytes = 0;
  }

  reset(): void {
    this.code = RpcCode.unknown;
    this.error = StorageStatus.ok;
    this.count = 0;
    this.newValue = 0n;
    this.checkValueReturned = false;
    this.checkValueExist = false;
    this.checkValue = EMPTY_BYTES;
    this.origin = null;
    this.requestId = 0;
    this.arrivedMs = 0;
    this.bytes = 0;
  }
}

/**
 * Keeps up to `keptMax` records for reuse; a record that is given back must not be used any more.
 */
export class PendingWritePool {
  private readonly free: PendingWrite[];
  private readonly keptMax: number;

  constructor(keptMax: number) {
    assertAtLeast(keptMax, 1, 'a pool keeps records');
    this.free = [];
    this.keptMax = keptMax;
  }

  take(): PendingWrite {
    return this.free.pop() ?? new PendingWrite();
  }

  giveBack(pending: PendingWrite): void {
    assert(pending.code !== RpcCode.unknown, 'a record is given back once, after it was used');
    pending.reset();
    if (this.free.length < this.keptMax) this.free.push(pending);
  }
}
