/**
 * What administrators want of the balance, durably: whether it is paused, which tables it leaves alone, and which
 * servers are to be emptied. A server that is drained of its primaries is given no lead as long as somebody else can
 * have it; one that is drained of all is given no copy either. Both stay until they are taken back, whatever starts
 * anew meanwhile.
 *
 * Commands are functions from what is wanted to what is wanted then, so giving one twice changes nothing.
 */
import { ErrorCode } from '../base/error-names.ts';
import type { NodeId } from '../model/identity.ts';
import type { Drain, WishesRecord } from './records.ts';
import type { CommandPlan } from './table-commands.ts';

const NOTHING_WANTED: WishesRecord = {
  kind: 'wishes',
  paused: false,
  ignoredTables: [],
  drains: [],
};

export class Wishes {
  readonly record: WishesRecord;
  readonly #drains: ReadonlyMap<NodeId, Drain['what']>;
  readonly #ignored: ReadonlySet<number>;

  constructor(record: WishesRecord) {
    this.record = record;
    this.#drains = new Map(record.drains.map(({ node, what }) => [node, what]));
    this.#ignored = new Set(record.ignoredTables);
  }

  /** Is to have no copies. */
  isEmptied(node: NodeId): boolean {
    return this.#drains.get(node) === 'all';
  }

  /** Is to lead nothing. */
  isDrained(node: NodeId): boolean {
    return this.#drains.has(node);
  }

  isIgnored(appId: number): boolean {
    return this.#ignored.has(appId);
  }
}

export const NO_WISHES: Wishes = new Wishes(NOTHING_WANTED);

export function planDrain({ record }: Wishes, drain: Drain): CommandPlan {
  const others = record.drains.filter(({ node }) => node !== drain.node);
  return wanted(record, { ...record, drains: [...others, drain] });
}

/** Null: all of them. */
export function planUndrain({ record }: Wishes, node: NodeId | null): CommandPlan {
  const drains = record.drains.filter((drain) => node !== null && drain.node !== node);
  return wanted(record, { ...record, drains });
}

export function planPause({ record }: Wishes, paused: boolean): CommandPlan {
  return wanted(record, { ...record, paused });
}

export function planIgnore({ record }: Wishes, tables: readonly number[]): CommandPlan {
  const ignoredTables = [...new Set(tables)].sort((a, b) => a - b);
  return wanted(record, { ...record, ignoredTables });
}

function wanted(before: WishesRecord, after: WishesRecord): CommandPlan {
  const isNew = JSON.stringify(before) !== JSON.stringify(after);
  return { code: ErrorCode.ok, hint: '', appId: 0, records: isNew ? [after] : [] };
}
