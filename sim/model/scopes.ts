/**
 * The scopes that are explored to their end: how often what may happen, and how finely. Each is small, because the
 * number of states grows with the power of what may happen; together they cover the pairs that the rules of
 * reconfiguration and truncation are about. Those marked `deep` take too long for every run.
 */
import type { Bounds } from './search.ts';
import type { Pace } from './stage.ts';
import { BUDGETS, type Budgets } from './world.ts';

export interface Scope {
  readonly name: string;
  readonly what: string;
  readonly pace: Pace;
  readonly bounds: Bounds;
  readonly isDeep: boolean;
}

const NONE = Object.fromEntries(BUDGETS.map((name) => [name, 0])) as Budgets;
const STATES_MAX = 5_000_000;

function scope(
  name: string,
  what: string,
  budgets: Partial<Budgets>,
  options: { readonly ballotMax?: number; readonly pace?: Pace; readonly isDeep?: boolean } = {},
): Scope {
  const { ballotMax = 3, pace = 'prompt', isDeep = false } = options;
  const bounds = { budgets: { ...NONE, ...budgets }, ballotMax, statesMax: STATES_MAX };
  return { name, what, pace, bounds, isDeep };
}

/** Ballot 3 is two changes after the first configuration. */
export const SCOPES: readonly Scope[] = [
  scope('writes', 'two writes, each sync and report for itself', { writes: 2 }, { pace: 'slow' }),
  scope('removal', 'the primary gives up a secondary, which learns again', {
    writes: 1,
    givenUp: 1,
  }),
  scope('expiry', 'a server is thought dead, and comes back', { writes: 1, expiries: 1 }),
  scope('crash', 'a server dies and starts again', { writes: 1, crashes: 1 }),
  scope('loss', 'a message is lost, and all is said again', { writes: 1, drops: 1, resends: 1 }),
  scope('crashLoss', 'a server dies and learns again, while two messages are lost', {
    crashes: 1,
    drops: 2,
  }),
  scope('expiryLoss', 'a server is thought dead and learns again, while two messages are lost', {
    expiries: 1,
    drops: 2,
  }),
  scope(
    'ballots',
    'a secondary given up, each stored configuration for itself, up to the change that follows',
    { writes: 1, givenUp: 1 },
    { pace: 'slow', ballotMax: 2 },
  ),
  scope('twoWritesRemoval', 'two writes, a secondary is given up and learns again', {
    writes: 2,
    givenUp: 1,
  }),
  scope(
    'durability',
    'a crash between any two syncs, up to the change that follows',
    { writes: 1, crashes: 1 },
    { pace: 'slow', ballotMax: 2, isDeep: true },
  ),
  scope(
    'writeCrashLoss',
    'a write, a server dies and starts again, a message is lost',
    { writes: 1, crashes: 1, drops: 1 },
    { isDeep: true },
  ),
  scope(
    'twoWrites',
    'two writes, a server is thought dead and replaced',
    { writes: 2, expiries: 1 },
    { isDeep: true },
  ),
  scope(
    'twoWritesCrash',
    'two writes, a server dies and starts again',
    { writes: 2, crashes: 1 },
    { isDeep: true },
  ),
];
