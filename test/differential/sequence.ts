/** A sequence of operations, done one after the other, each judged when it has ended: a model of fast-check. */
import { isDeepStrictEqual } from 'node:util';
import type fc from 'fast-check';
import { type Answer, BAD_ARGUMENT, isBadHashKey } from './client-rules.ts';
import {
  type Batch,
  describe,
  isBatch,
  isRead,
  isScan,
  type Operation,
  partsOf,
} from './operations.ts';
import {
  type Outcome,
  performBatch,
  performRead,
  performScan,
  performWrite,
  type Tables,
} from './perform.ts';
import type { PossibleTables, Span } from './possible-tables.ts';

/** Where operations are done. */
export interface World extends Tables {
  /** Whole seconds since 2016. */
  nowSeconds(): number;
  pause(seconds: number): Promise<void>;
  /** Nothing that was under way comes after it. */
  settle(): Promise<void>;
  /** An operation that has no answer is a difference. */
  readonly isReliable: boolean;
  /** No compaction takes expired rows away. */
  readonly keepsExpired: boolean;
  /** Does `work` from first to last in a table that is new and empty. */
  run(work: () => Promise<void>): Promise<void>;
}

export type Counts = Map<string, number>;

export class Difference extends Error {
  override readonly name = 'Difference';
  readonly operation: Operation;

  constructor(operation: Operation, outcome: unknown, expected: unknown) {
    const texts = [outcome, expected].map((one) => abbreviate(one));
    super(`${describe(operation)} was answered ${texts[0]}, but the rules say ${texts[1]}`);
    this.operation = operation;
  }
}

function abbreviate(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    part === undefined ? 'undefined' : part,
  );
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}

const REFUSED: Outcome<Answer> = { kind: 'answer', answer: BAD_ARGUMENT };

export interface Real {
  readonly world: World;
  readonly counts: Counts;
}

export class Step implements fc.AsyncCommand<PossibleTables, Real> {
  readonly #operation: Operation;

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  check(): boolean {
    return true;
  }

  async run(tables: PossibleTables, { world, counts }: Real): Promise<void> {
    const operation = this.#operation;
    counts.set(operation.kind, (counts.get(operation.kind) ?? 0) + 1);
    await step(operation, tables, world, counts);
    if (!tables.isBlurred) return;
    const from = world.nowSeconds();
    await world.settle();
    tables.settle({ from, to: world.nowSeconds() });
    for (const hashKey of tables.hashKeys) await resolve(hashKey, tables, world, counts);
  }

  toString(): string {
    return describe(this.#operation);
  }
}

/** Reads all that there is of a hash key, so that one candidate is left. */
async function resolve(
  hashKey: string,
  tables: PossibleTables,
  world: World,
  counts: Counts,
): Promise<void> {
  if (hashKey === '') return;
  await step({ kind: 'scan', hashKey, withExpiry: true }, tables, world, counts);
}

async function step(
  operation: Operation,
  tables: PossibleTables,
  world: World,
  counts: Counts,
): Promise<void> {
  if (operation.kind === 'pause') {
    await world.pause(operation.seconds);
    return;
  }
  const from = world.nowSeconds();
  const judge = (outcome: Outcome<unknown>, expected: unknown): void => {
    if (outcome.kind !== 'answer') {
      counts.set(outcome.kind, (counts.get(outcome.kind) ?? 0) + 1);
      if (world.isReliable) throw new Difference(operation, outcome, 'an answer');
    }
    if (expected !== null) throw new Difference(operation, outcome, expected);
  };
  const span = (): Span => ({ from, to: world.nowSeconds() });
  if (isScan(operation)) {
    const outcome = await performScan(operation, world);
    judge(outcome, tables.judgeScan(operation, outcome, span()));
  } else if (isBatch(operation)) {
    const outcomes = await performBatch(operation, world);
    for (const [outcome, expected] of judgeBatch(operation, outcomes, tables, span())) {
      judge(outcome, expected);
    }
  } else if (isRead(operation)) {
    const outcome = await performRead(operation, world);
    judge(outcome, tables.judgeRead(operation, outcome, span()));
  } else {
    const outcome = await performWrite(operation, world);
    judge(outcome, tables.judgeWrite(operation, outcome, span(), { from, to: from }));
  }
}

/** Row by row; but a key that no table can have is found before anything is sent. */
function judgeBatch(
  batch: Batch,
  outcomes: readonly Outcome<Answer>[],
  tables: PossibleTables,
  span: Span,
): (readonly [outcome: Outcome<Answer>, expected: unknown])[] {
  const parts = partsOf(batch);
  const isBad =
    batch.kind !== 'joinedGets' && parts.some(({ hashKey }) => isBadHashKey(hashKey, true));
  return parts.map((part, index) => {
    const outcome = outcomes[index]!;
    if (isBad) {
      return [outcome, isDeepStrictEqual(outcome, REFUSED) ? null : REFUSED] as const;
    }
    const expected = isRead(part)
      ? tables.judgeRead(part, outcome, span)
      : tables.judgeWrite(part, outcome, span, span);
    return [outcome, expected] as const;
  });
}
