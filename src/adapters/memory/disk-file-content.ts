/**
 * Bytes of one file of the memory disk, with what of them a crash may take.
 *
 * 1. `bytes[0 … durableSize)` is durable, except for ranges whose sync failed: the kernel marks
 *    such pages clean, so a later sync that succeeds does not cover them.
 * 2. What lies behind is volatile in sectors of 512 bytes: at a crash each may survive, be zero, or
 *    hold what the sector held before; the file may end anywhere.
 * 3. An un-synced truncation may be undone by a crash.
 */
import { assert, assertAtMost } from '../../base/assert.ts';
import type { Random } from '../../env/random.ts';

export const SECTOR_BYTES = 512;

interface Range {
  readonly start: number;
  readonly end: number;
}

export class FileContent {
  #bytes: Uint8Array = new Uint8Array(0);
  #size = 0;
  #durableSize = 0;
  /** Set while a truncation into durable bytes is not synced: what a crash may bring back. */
  #beforeTruncation: Uint8Array | null = null;
  #lost: Range[] = [];
  /** What the file of this name held before it was replaced, for stale reads. */
  #former: Uint8Array = new Uint8Array(0);

  /** A durable file with these bytes. */
  static of(bytes: Uint8Array): FileContent {
    const content = new FileContent();
    content.append(bytes);
    content.#durableSize = bytes.length;
    return content;
  }

  get size(): number {
    return this.#size;
  }

  get durableSize(): number {
    return this.#durableSize;
  }

  get hasLostPages(): boolean {
    return this.#lost.length > 0;
  }

  /** Valid until the next change. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  append(bytes: Uint8Array): void {
    const end = this.#size + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length, 1024));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#size);
    this.#size = end;
  }

  truncate(size: number): void {
    if (size < this.#durableSize) {
      this.#beforeTruncation ??= this.#bytes.slice(0, this.#durableSize);
      this.#durableSize = size;
    }
    if (size < this.#size) this.#size = size;
    else this.append(new Uint8Array(size - this.#size));
    this.#lost = this.#lost.filter((range) => range.start < size);
  }

  /** What was there up to `size` when the sync began is durable now. */
  onSynced(size: number): void {
    this.#durableSize = Math.max(this.#durableSize, Math.min(size, this.#size));
    this.#beforeTruncation = null;
  }

  onSyncFailed(): void {
    if (this.#durableSize < this.#size) {
      this.#lost.push({ start: this.#durableSize, end: this.#size });
    }
  }

  /** This file has taken the place of `former` under its name. */
  onReplaces(former: FileContent): void {
    this.#former = former.view();
  }

  /** As a drive answers that has lost a write: what the sectors [start, end) held before. */
  staleView(start: number, end: number): Uint8Array {
    const bytes = this.view().slice();
    const stop = Math.min(end, bytes.length);
    bytes.fill(0, start, stop);
    bytes.set(this.#former.subarray(start, stop), start);
    return bytes;
  }

  /** Durable bytes change; what would lie behind the end of the file is dropped. */
  overwrite(offset: number, bytes: Uint8Array): void {
    assertAtMost(offset, this.#size, 'offset of an overwrite');
    this.#bytes.set(bytes.subarray(0, this.#size - offset), offset);
  }

  flipBit(offset: number, bit: number): void {
    assertAtMost(offset, this.#size - 1, 'offset of a bit flip');
    this.#bytes[offset]! ^= 1 << bit;
  }

  /** Settles what survives; everything is durable afterwards. */
  crash(random: Random): void {
    if (this.#beforeTruncation !== null && random.below(2) === 0) {
      this.#bytes = this.#beforeTruncation;
      this.#size = this.#bytes.length;
    } else {
      for (const range of this.#lost) this.#loseSectors(range.start, range.end, random);
      this.#crashTail(random);
    }
    this.#durableSize = this.#size;
    this.#beforeTruncation = null;
    this.#lost = [];
  }

  #crashTail(random: Random): void {
    const start = this.#durableSize;
    const tail = this.#size - start;
    assert(tail >= 0, 'durable bytes are part of the file');
    if (tail === 0) return;
    switch (random.below(4)) {
      case 0:
        this.#size = start;
        break;
      case 1:
        // Everything had reached the platter.
        break;
      case 2:
        this.#size = start + random.below(tail + 1);
        break;
      default:
        this.#loseSectors(start, this.#size, random);
        if (random.below(2) === 0) this.#size = start + random.below(tail + 1);
    }
  }

  /** A random subset of the sectors in [start, end) never arrived. */
  #loseSectors(start: number, end: number, random: Random): void {
    const stop = Math.min(end, this.#size);
    for (let at = start; at < stop; at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES) {
      const sectorEnd = Math.min((Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES, stop);
      const fate = random.below(8);
      if (fate < 4) continue;
      this.#bytes.fill(0, at, sectorEnd);
      if (fate === 7) {
        for (let index = at; index < sectorEnd; index++) this.#bytes[index] = random.below(256);
      }
    }
  }
}
