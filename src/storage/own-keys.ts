/**
 * Whether a key is the one that the sender of a request meant: by the partition hash in the header.
 */
import { crc64, type U64 } from '../base/crc64.ts';
import { partitionHash } from '../model/hash.ts';
import { HASH_KEY_BYTES_MAX } from '../model/key.ts';

/** The sender's partition hash as two u32, both 0 = not given. */
export interface WriteHeader {
  readonly partitionHashHigh: number;
  readonly partitionHashLow: number;
}

export class OwnKeys {
  private readonly hash: U64 = { high: 0, low: 0 };
  private high = 0;
  private low = 0;

  /** The answers below are for the request with this header. */
  use(header: WriteHeader): void {
    this.high = header.partitionHashHigh;
    this.low = header.partitionHashLow;
  }

  /** False when the sender's hash is not that of the key: it meant another key or another table. */
  ownsKey(key: Uint8Array): boolean {
    if (this.isHashless()) return true;
    partitionHash(key, 0, key.length, this.hash);
    return this.isSame();
  }

  ownsHashKey(hashKey: Uint8Array): boolean {
    if (hashKey.length > HASH_KEY_BYTES_MAX) return false;
    if (this.isHashless()) return true;
    crc64(hashKey, 0, hashKey.length, this.hash);
    return this.isSame();
  }

  private isHashless(): boolean {
    return this.high === 0 && this.low === 0;
  }

  private isSame(): boolean {
    return this.hash.high === this.high && this.hash.low === this.low;
  }
}
