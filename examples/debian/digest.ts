/**
 * A digest of a set of records that does not depend on their order: the sum of the SHA-256 of each, in eight lanes
 * modulo 2^32. Two sets with the same digest and the same number of records are the same, but for chance.
 */
import { createHash } from 'node:crypto';

export class RecordDigest {
  readonly #lanes: Uint32Array = new Uint32Array(8);
  readonly #lengths: Uint8Array = new Uint8Array(8);
  readonly #lengthsView: DataView = new DataView(this.#lengths.buffer);
  records = 0;
  bytes = 0;

  add(hashKey: Uint8Array, sortKey: Uint8Array, value: Uint8Array): void {
    this.#lengthsView.setUint32(0, hashKey.length);
    this.#lengthsView.setUint32(4, sortKey.length);
    const hash = createHash('sha256');
    const digest = hash
      .update(this.#lengths)
      .update(hashKey)
      .update(sortKey)
      .update(value)
      .digest();
    for (let lane = 0; lane < 8; lane++) this.#lanes[lane]! += digest.readUInt32BE(4 * lane);
    this.records++;
    this.bytes += hashKey.length + sortKey.length + value.length;
  }

  hex(): string {
    return [...this.#lanes].map((lane) => lane.toString(16).padStart(8, '0')).join('');
  }
}
