/** The hedged reads of one table, its keys and values as bytes. */
import type { Bytes, CallOptions } from './api.ts';
import { toKey } from './arguments.ts';
import { type HedgeContext, readHedged } from './hedge.ts';
import * as kinds from './operation-kinds.ts';
import { toMultiGet } from './requests.ts';
import * as results from './results.ts';
import type {
  HedgedRead,
  HedgedReads,
  MultiGetKeys,
  MultiGetRange,
  MultiGetResult,
} from './table-api.ts';

export class HedgedTable implements HedgedReads {
  readonly #context: HedgeContext;

  constructor(context: HedgeContext) {
    this.#context = context;
  }

  async get(
    hashKey: Bytes,
    sortKey: Bytes,
    options?: CallOptions,
  ): Promise<HedgedRead<Uint8Array | null>> {
    const hash = { high: 0, low: 0 };
    const request = toKey(hashKey, sortKey, hash);
    const convert = results.toValue;
    return readHedged(this.#context, { kind: kinds.GET, hash, request, convert, options });
  }

  async ttl(
    hashKey: Bytes,
    sortKey: Bytes,
    options?: CallOptions,
  ): Promise<HedgedRead<number | null>> {
    const hash = { high: 0, low: 0 };
    const request = toKey(hashKey, sortKey, hash);
    const convert = results.toTtl;
    return readHedged(this.#context, { kind: kinds.TTL, hash, request, convert, options });
  }

  async multiGet(
    hashKey: Bytes,
    options: MultiGetKeys | MultiGetRange = {},
  ): Promise<HedgedRead<MultiGetResult>> {
    const hash = { high: 0, low: 0 };
    const request = toMultiGet(hashKey, options, hash);
    const convert = results.toRows;
    return readHedged(this.#context, { kind: kinds.MULTI_GET, hash, request, convert, options });
  }
}
