/**
 * Binary min-heap of events, ordered by (timeUs, order, sequence).
 *
 * `sequence` is unique, so the order is total: equal seeds pop equal events. `order` separates the phases
 * of one instant: what was delivered comes before what was deferred to the end of the turn.
 */
import { assert } from '../../src/base/assert.ts';
import type { Owner } from './owner.ts';

export const EventOrder = { normal: 0, deferred: 1 } as const;
export type EventOrder = (typeof EventOrder)[keyof typeof EventOrder];

export interface SimEvent {
  readonly timeUs: number;
  readonly order: EventOrder;
  readonly sequence: number;
  /** Whose callback it is; null = the world (network, nemesis, workload control). */
  readonly owner: Owner | null;
  /** Generation of the owner when it was scheduled: a crash makes all older events void. */
  readonly generation: number;
  /** Constant name for the trace. */
  readonly kind: string;
  /** Input from outside (network, disk), as opposed to a timer; decides the order after a pause. */
  readonly isInput: boolean;
  callback: (() => void) | null;
}

export class EventHeap {
  readonly #events: SimEvent[] = [];

  get size(): number {
    return this.#events.length;
  }

  peek(): SimEvent | null {
    return this.#events[0] ?? null;
  }

  /** What is still to happen to a process in its present life. */
  countOf(owner: Owner): number {
    let count = 0;
    for (const event of this.#events) {
      const isLive = event.callback !== null && event.generation === owner.generation;
      if (event.owner === owner && isLive) count += 1;
    }
    return count;
  }

  push(event: SimEvent): void {
    const events = this.#events;
    let at = events.length;
    events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, events[parent]!)) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = event;
  }

  pop(): SimEvent {
    const events = this.#events;
    assert(events.length > 0, 'pop of an empty heap');
    const top = events[0]!;
    const last = events.pop()!;
    const size = events.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(events[child + 1]!, events[child]!)) child += 1;
      if (!before(events[child]!, last)) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = last;
    return top;
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  if (a.timeUs !== b.timeUs) return a.timeUs < b.timeUs;
  if (a.order !== b.order) return a.order < b.order;
  return a.sequence < b.sequence;
}
