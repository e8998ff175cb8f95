/**
 * Gets of one turn, joined: those that go to one partition leave as one request.
 *
 * The caller sees no difference but speed: each get has a result of its own, and a get that cannot
 * be joined (alone in its partition, a table whose partitions are not known yet, a server without
 * the request) goes as it would have gone. Only gets without options come here, so that all of a
 * request have the same deadline.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from './api.ts';
import { toKey } from './arguments.ts';
import type { BatchReader, KeyGroup } from './batch-read.ts';
import { groupKeys } from './batch-read.ts';
import type { Engine } from './engine.ts';
import type { PegasusError } from './errors.ts';
import { COALESCED_GET } from './operation-kinds.ts';
import type { RowKey } from './table-api.ts';
import type { TableRoute } from './table-route.ts';

/** More gets than these in one turn go alone, where the client's bound of operations holds them. */
const WAITING_MAX = 65_536;

interface WaitingGet extends RowKey {
  readonly resolve: (value: Uint8Array | null) => void;
  readonly reject: (error: PegasusError) => void;
}

export class GetCoalescer {
  readonly #engine: Engine;
  readonly #route: TableRoute;
  readonly #reader: BatchReader;
  #waiting: WaitingGet[] = [];

  constructor(engine: Engine, route: TableRoute, reader: BatchReader) {
    this.#engine = engine;
    this.#route = route;
    this.#reader = reader;
  }

  /** False: send it alone. */
  get hasRoom(): boolean {
    return this.#route.partitionCount > 0 && this.#waiting.length < WAITING_MAX;
  }

  get(hashKey: Bytes, sortKey: Bytes): Promise<Uint8Array | null> {
    assert(this.hasRoom, 'a get is joined when there is room');
    return new Promise((resolve, reject) => {
      // Refuses what a get of its own would refuse.
      toKey(hashKey, sortKey, { high: 0, low: 0 });
      this.#waiting.push({ hashKey, sortKey, resolve, reject });
      if (this.#waiting.length === 1) this.#engine.later(this.#flush);
    });
  }

  readonly #flush = (): void => {
    const gets = this.#waiting;
    this.#waiting = [];
    // Known once, a number of partitions can only be replaced by another one or vanish.
    const partitionCount = Math.max(this.#route.partitionCount, 1);
    for (const group of groupKeys(gets, partitionCount)) void this.#read(group, gets);
  };

  async #read(group: KeyGroup, gets: readonly WaitingGet[]): Promise<void> {
    const outcomes = await this.#reader.readGroup(group, COALESCED_GET, () => undefined);
    for (const [index, position] of group.positions.entries()) {
      const outcome = outcomes[index]!;
      const get = gets[position]!;
      if (outcome.status === 'found') get.resolve(outcome.value);
      else if (outcome.status === 'missing') get.resolve(null);
      else get.reject(outcome.error);
    }
  }
}
