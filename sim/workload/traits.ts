/** What clients do in a run; drawn per seed. */
import type { Random } from '../../src/env/random.ts';

export const OPERATION_KINDS = [
  'set',
  'get',
  'del',
  'multiSet',
  'multiGet',
  'multiDel',
  'ledger',
  'expiring',
  'incr',
  'swap',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export interface WorkloadTraits {
  readonly clientCount: number;
  /** Concurrent loops per client. */
  readonly workersPerClient: number;
  readonly hashKeyCount: number;
  /** Rows per hash key. */
  readonly rowCount: number;
  readonly thinkMsMean: number;
  readonly timeoutMs: number;
  readonly valueBytesMax: number;
  readonly weights: Readonly<Record<OperationKind, number>>;
}

export function drawWorkload(random: Random): WorkloadTraits {
  const weights: Record<OperationKind, number> = {
    set: 1 + random.below(10),
    get: 1 + random.below(10),
    del: random.below(4),
    multiSet: random.below(6),
    multiGet: 1 + random.below(6),
    multiDel: random.below(2),
    ledger: 1 + random.below(4),
    expiring: random.below(2),
    incr: random.below(4),
    swap: random.below(4),
  };
  return {
    clientCount: 1 + random.below(3),
    workersPerClient: 2 + random.below(3),
    hashKeyCount: 2 + random.below(6),
    rowCount: 2 + random.below(3),
    thinkMsMean: [10, 30, 60, 120][random.below(4)]!,
    timeoutMs: [1000, 3000, 10_000][random.below(3)]!,
    valueBytesMax: [0, 20, 200, 4000][random.below(4)]!,
    weights,
  };
}
