/** Chance for a real node: the seeded generator with a seed nobody chose. */
import { randomBytes } from 'node:crypto';
import { SeededRandom } from '../../base/prng.ts';
import type { Random } from '../../env/random.ts';

export function createNodeRandom(): Random {
  return new SeededRandom(randomBytes(6).readUIntBE(0, 6));
}
