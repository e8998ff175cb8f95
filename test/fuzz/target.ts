/**
 * What can be fuzzed: something that takes bytes from outside. A campaign (campaign.ts) gives each target its own
 * seeds, damaged, for as long as it likes.
 *
 * A target says what is a finding by throwing: a crash, another error than the one that is meant for bad input, a
 * value of another type than declared, an encoding that is not stable, or a result too large for its input. Time is
 * the campaign's business.
 */
import type { SeededRandom } from '../../src/base/prng.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Well-formed inputs, where damage begins. Called often: new ones each time. */
  seed(random: SeededRandom): Uint8Array;
  /**
   * True: the input was understood to its end. False: it was refused as bad input should be. `random` is for choices
   * of the target, such as where the input is cut in two.
   */
  run(bytes: Uint8Array, random: SeededRandom): boolean | Promise<boolean>;
  /** Makes the checksums of damaged bytes hold, in place or in a copy, so that what is behind them is reached. */
  repair?(bytes: Uint8Array): Uint8Array;
  /** Damage that fits the format better than any to its bytes. */
  damage?(bytes: Uint8Array, random: SeededRandom): Uint8Array;
  close?(): Promise<void>;
}

/** What a campaign may add to its report: how much of what is declared was met. */
export interface Coverage {
  readonly name: string;
  readonly met: number;
  readonly declared: number;
  readonly missing: readonly string[];
}

/** Fails with a message that is the same for all findings of one kind, which are told apart by it. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`finding: ${message}`);
}
