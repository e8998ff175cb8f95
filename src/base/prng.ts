/**
 * Seeded chance: xoshiro128** by Blackman and Vigna, 128 bits of state filled from the seed by splitmix32. The same
 * seed gives the same sequence on every machine and for ever: recorded simulator seeds hang on it. Not for secrets.
 *
 * Has the shape of `Random` in env/random.ts, which this layer does not import.
 */
import { assert, assertAtLeast, assertAtMost, assertSafeInteger } from './assert.ts';

export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` is a safe integer ≥ 0. */
  constructor(seed: number) {
    assertSafeInteger(seed, 'seed');
    assertAtLeast(seed, 0, 'seed');
    const low = seed >>> 0;
    const high = Math.floor(seed / 0x1_0000_0000);
    const start = (low ^ mix(high)) >>> 0;
    this.#a = mix(start + GOLDEN);
    this.#b = mix(start + 2 * GOLDEN);
    this.#c = mix(start + 3 * GOLDEN);
    this.#d = mix(start + 4 * GOLDEN);
    this.#checkState();
  }

  /** A generator with exactly this state: four words, not all 0. */
  static withState(a: number, b: number, c: number, d: number): SeededRandom {
    const random = new SeededRandom(0);
    random.#a = a | 0;
    random.#b = b | 0;
    random.#c = c | 0;
    random.#d = d | 0;
    random.#checkState();
    return random;
  }

  u32(): number {
    const b = this.#b;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    this.#c ^= this.#a;
    this.#d ^= b;
    this.#b = b ^ this.#c;
    this.#a ^= this.#d;
    this.#c ^= b << 9;
    const d = this.#d;
    this.#d = (d << 11) | (d >>> 21);
    return result;
  }

  below(bound: number): number {
    assertAtLeast(bound, 1, 'bound');
    assertAtMost(bound, 0x1_0000_0000, 'bound');
    // Values above the largest multiple of `bound` would favour small results: draw again.
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const value = this.u32();
      if (value < limit) return value % bound;
    }
  }

  /** 53 bits. */
  fraction(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000;
  }

  /** A generator of its own for a part of a run, so that draws in one part do not shift those of another. */
  fork(): SeededRandom {
    return new SeededRandom(this.u32() * 0x20_0000 + (this.u32() >>> 11));
  }

  #checkState(): void {
    assert((this.#a | this.#b | this.#c | this.#d) !== 0, 'the state is not all zeros');
  }
}

const GOLDEN = 0x9e37_79b9;

/** Output function of splitmix32. */
function mix(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
  return (mixed ^ (mixed >>> 15)) | 0;
}
