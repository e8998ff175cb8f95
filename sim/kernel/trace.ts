/**
 * What happened, as one rolling 64-bit hash and as the last few lines for people.
 *
 * Every delivered event goes into the hash with its time, owner and kind, and the network adds the bytes it
 * delivers: two runs of a seed that differ anywhere differ in the hash (V23). Lines are kept unformatted and are
 * only made into text when somebody asks.
 */
import { crc32c } from '../../src/base/crc32c.ts';

interface TraceLine {
  readonly timeUs: number;
  readonly who: string;
  readonly what: string;
  readonly detail: string;
}

export class Trace {
  #high: number = 0x9e3779b9;
  #low: number = 0x7f4a7c15;
  #eventCount: number = 0;
  readonly #lines: TraceLine[] = [];
  readonly #lineCountMax: number;
  readonly #kinds: Map<string, number> = new Map();
  #next: number = 0;

  /** `lineCountMax` 0: only the hash, which is what a fleet run wants. */
  constructor(lineCountMax: number) {
    this.#lineCountMax = lineCountMax;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get keepsLines(): boolean {
    return this.#lineCountMax > 0;
  }

  event(timeUs: number, ownerIndex: number, kind: string): void {
    this.#eventCount += 1;
    this.mix(timeUs % 0x100000000);
    this.mix(this.#kindNumber(kind) * 64 + ownerIndex);
  }

  /** Adds any number that must be equal in two runs of a seed. */
  mix(value: number): void {
    const low = Math.imul(this.#low ^ value, 0x85ebca6b) ^ (this.#high >>> 13);
    this.#high = Math.imul(this.#high ^ (value >>> 7), 0xc2b2ae35) ^ (low >>> 16);
    this.#low = low;
  }

  mixBytes(bytes: Uint8Array): void {
    this.mix(crc32c(bytes, 0, bytes.length));
  }

  /** Text must not depend on anything but the seed. */
  note(timeUs: number, who: string, what: string, detail: string): void {
    if (this.#lineCountMax === 0) return;
    this.#lines[this.#next % this.#lineCountMax] = { timeUs, who, what, detail };
    this.#next += 1;
  }

  hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** Oldest first. */
  lines(): string[] {
    const count = this.#lines.length;
    const start = this.#next <= count ? 0 : this.#next % count;
    const texts: string[] = [];
    for (let index = 0; index < count; index++) {
      const line = this.#lines[(start + index) % count]!;
      const seconds = (line.timeUs / 1e6).toFixed(6).padStart(11);
      texts.push(`${seconds} ${line.who.padEnd(10)} ${line.what} ${line.detail}`);
    }
    return texts;
  }

  #kindNumber(kind: string): number {
    let number = this.#kinds.get(kind);
    if (number === undefined) {
      number = this.#kinds.size + 1;
      this.#kinds.set(kind, number);
    }
    return number;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
