/**
 * One stream of chance per component of a run, from the seed and the component's name: a component that draws
 * one number more does not shift the luck of the others, so a seed stays recognisable when code changes.
 */
import { crc32c } from '../../src/base/crc32c.ts';
import { SeededRandom } from '../../src/base/prng.ts';

export class RandomStreams {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  of(component: string): SeededRandom {
    const text = `${this.#seed}/${component}`;
    const bytes = Uint8Array.from(text, (_, index) => text.charCodeAt(index) & 0xff);
    const high = crc32c(bytes, 0, bytes.length, 0x5eed);
    const low = crc32c(bytes, 0, bytes.length, 0xfeed);
    return new SeededRandom((high & 0x1f_ffff) * 0x1_0000_0000 + low);
  }
}
