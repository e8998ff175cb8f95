/**
 * The record of one request on its way, as the session sees it. Everything a session needs is a
 * field here, in the order in which the constructor sets it: records are reused and all have one
 * shape.
 *
 * Life in a session: submitted (in the queue, unsent) → sent (has a sequence id) → answered, lost
 * or withdrawn. Exactly one of `onReply` and `onLost` is called per submit, unless the call was
 * withdrawn.
 */
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import type { ReplyHeader } from '../wire/thrift-frame.ts';
import type { Writer } from '../wire/writer.ts';
import type { WheelEntry } from './client-deadlines.ts';
import type { ClientSession } from './client-session.ts';

export type LossReason =
  /** The connection broke, or was never established. */
  | 'connection'
  /** The bytes that came back are no valid answer; the connection was given up. */
  | 'badReply'
  /** The session was closed from this side. */
  | 'closed';

export abstract class ClientCall implements WheelEntry {
  wakeMs = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;

  /** Where it is submitted, or null. */
  session: ClientSession | null = null;
  /** Its bytes were handed to an open connection: the server may have it. */
  sent = false;
  sequenceId = -1;
  queueNext: ClientCall | null = null;
  queuePrevious: ClientCall | null = null;

  rpc: RpcCode = RpcCode.unknown;
  appId = 0;
  partitionIndex = 0;
  hashHigh = 0;
  hashLow = 0;
  /** A secondary may answer it. */
  isBackup = false;

  /** Milliseconds that the server has for it. */
  abstract timeLeftMs(nowMs: number): number;
  /** Writes the value of the argument. Called when the request leaves. */
  abstract writeArgument(writer: Writer): void;
  /**
   * Takes the answer in; the reader stands on the result if there is one. May throw `WireError`;
   * must do nothing else, `onReply` follows.
   */
  abstract readReply(header: ReplyHeader, reader: Reader): void;
  /** The answer was read. Views into it are valid during this call only. */
  abstract onReply(): void;
  /** No answer will come. `sent` says whether the server may have the request. */
  abstract onLost(reason: LossReason): void;
  abstract onWake(nowMs: number): void;
}

/** Calls in order, with removal from the middle. A call is in one queue at a time. */
export class CallQueue<Call extends ClientCall> {
  #first: Call | null = null;
  #last: Call | null = null;

  get first(): Call | null {
    return this.#first;
  }

  push(call: Call): void {
    call.queuePrevious = this.#last;
    call.queueNext = null;
    if (this.#last === null) this.#first = call;
    else this.#last.queueNext = call;
    this.#last = call;
  }

  remove(call: Call): void {
    // What is linked to a call of this queue is in this queue.
    const next = call.queueNext as Call | null;
    const previous = call.queuePrevious as Call | null;
    if (previous === null) this.#first = next;
    else previous.queueNext = next;
    if (next === null) this.#last = previous;
    else next.queuePrevious = previous;
    call.queueNext = null;
    call.queuePrevious = null;
  }

  /** What is in it now, in order. */
  snapshot(): Call[] {
    const calls: Call[] = [];
    for (let call = this.#first; call !== null; call = call.queueNext as Call | null) {
      calls.push(call);
    }
    return calls;
  }
}
