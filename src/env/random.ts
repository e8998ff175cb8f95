/** Chance, from a seed in the simulator and in tests. Not for secrets. */
export interface Random {
  /** Uniform in 0 … 2^32 − 1. */
  u32(): number;
  /** Uniform integer in 0 … bound − 1; `bound` in 1 … 2^32. */
  below(bound: number): number;
  /** Uniform in [0, 1). */
  fraction(): number;
}
