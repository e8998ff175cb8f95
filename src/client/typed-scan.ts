/** A scan whose rows are decoded as they are handed out. A row that cannot be decoded ends it. */
import type { RowScan } from './table-api.ts';

export class TypedScan<From, To> implements RowScan<To> {
  readonly #scan: RowScan<From>;
  readonly #decode: (item: From) => To;

  constructor(scan: RowScan<From>, decode: (item: From) => To) {
    this.#scan = scan;
    this.#decode = decode;
  }

  async next(): Promise<IteratorResult<To, undefined>> {
    const result = await this.#scan.next();
    if (result.done === true) return { done: true, value: undefined };
    const [value] = await this.#decodeAll([result.value]);
    return { done: false, value: value! };
  }

  async nextBatch(): Promise<To[] | null> {
    const batch = await this.#scan.nextBatch();
    return batch === null ? null : this.#decodeAll(batch);
  }

  async return(): Promise<IteratorResult<To, undefined>> {
    await this[Symbol.asyncDispose]();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scan[Symbol.asyncDispose]();
  }

  async #decodeAll(items: readonly From[]): Promise<To[]> {
    try {
      return items.map(this.#decode);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }
}
