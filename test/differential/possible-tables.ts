/**
 * What a table may hold, as far as one client that does one thing after the other can know, and whether that explains
 * what the client was answered.
 *
 * 1. For each hash key there are candidates. Without faults there is one: every answer is explained exactly.
 * 2. A write in doubt is pending: it may have happened, or may happen at any moment until `settle`, once or never.
 * 3. An answer leaves the candidates that explain it; when none does, it is a difference.
 * 4. An operation happens at a whole second between its call and its answer.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Answer,
  BAD_ARGUMENT,
  isBadHashKey,
  keysOfRange,
  readByClient,
  writeByClient,
} from './client-rules.ts';
import type { Read, Scan, Write } from './operations.ts';
import type { Outcome, ScanAnswer } from './perform.ts';
import { isVisible, type Key, type Reply, type Rows, type TableRules } from './rules.ts';
import { type ScannedRow, scannedRows, statusOfScan } from './scan-rules.ts';

/** When a client called and was answered, in seconds since 2016. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface PendingWrite {
  readonly number: number;
  readonly operation: Write;
  readonly calledAt: number;
}

interface Candidate {
  readonly rows: Rows;
  readonly pending: readonly PendingWrite[];
}

export interface PossibleTablesOptions extends TableRules {
  readonly partitionOf: (key: Key) => number;
  readonly keepsExpired: boolean;
}

const NOTHING: readonly Candidate[] = [{ rows: new Map(), pending: [] }];
/** More of either, and the table has to be settled. */
const PENDING_MAX = 2;
const CANDIDATES_MAX = 64;

export class PossibleTables {
  readonly #options: PossibleTablesOptions;
  readonly #candidates: Map<string, readonly Candidate[]> = new Map();
  #doubts: number = 0;

  constructor(options: PossibleTablesOptions) {
    this.#options = options;
  }

  /** Too much is unknown: the cluster has to come to rest, and then `settle`. */
  get isBlurred(): boolean {
    return [...this.#candidates.values()].some(
      (candidates) =>
        candidates.length > CANDIDATES_MAX ||
        candidates.some(({ pending }) => pending.length > PENDING_MAX),
    );
  }

  get hashKeys(): string[] {
    return [...this.#candidates.keys()];
  }

  /** Nothing is under way any more: what is pending has not happened and never will. */
  settle(span: Span): void {
    for (const [hashKey, candidates] of this.#candidates) {
      const settled = this.#expand(candidates, span).map(({ rows }) => ({ rows, pending: [] }));
      this.#candidates.set(hashKey, distinct(settled));
    }
  }

  /**
   * Null: explained; else what had been expected. `called` is when the write was asked for: a batch
   * asks for its rows one after the other.
   */
  judgeWrite(operation: Write, outcome: Outcome<Answer>, span: Span, called: Span): unknown {
    if (outcome.kind === 'failed') return null;
    const { hashKey } = operation;
    const after: Candidate[] = [];
    const expected: Answer[] = [];
    if (outcome.kind === 'inDoubt') this.#doubts++;
    for (const candidate of this.#expand(this.#of(hashKey), span)) {
      for (const calledAt of seconds(called)) {
        if (outcome.kind === 'inDoubt') {
          after.push(this.#postponed(candidate, operation, calledAt));
          continue;
        }
        for (const now of seconds({ from: calledAt, to: span.to })) {
          const written = writeByClient(
            operation,
            candidate.rows,
            { calledAt, now },
            this.#options,
          );
          expected.push(written.answer);
          if (!isDeepStrictEqual(written.answer, outcome.answer)) continue;
          after.push({ rows: written.rows, pending: candidate.pending });
        }
      }
    }
    return this.#keep(hashKey, after, expected);
  }

  judgeRead(operation: Read, outcome: Outcome<Answer>, span: Span): unknown {
    if (outcome.kind !== 'answer') return null;
    const { hashKey } = operation;
    const around = {
      keepsExpired: this.#options.keepsExpired,
      hasEarlierRow: () => this.#hasEarlierRow(hashKey, span),
    };
    const after: Candidate[] = [];
    const expected: Answer[] = [];
    for (const candidate of this.#expand(this.#of(hashKey), span)) {
      const answers = seconds(span).map((now) =>
        readByClient(operation, candidate.rows, now, around),
      );
      expected.push(...answers);
      if (answers.some((answer) => agrees(answer, outcome.answer))) after.push(candidate);
    }
    return this.#keep(hashKey, after, expected);
  }

  /**
   * Batches of a scan are answered one after the other, so each row is judged by itself: it must be there if it is
   * visible all the time, and must not if it never is.
   */
  judgeScan(operation: Scan, outcome: Outcome<ScanAnswer>, span: Span): unknown {
    if (outcome.kind !== 'answer') return null;
    const { answer } = outcome;
    if (operation.kind === 'scan' && isBadHashKey(operation.hashKey, false)) {
      return isDeepStrictEqual(answer, BAD_ARGUMENT) ? null : BAD_ARGUMENT;
    }
    if (operation.kind === 'scanRequest') {
      const { onlyCount } = operation.request;
      const status = statusOfScan(operation.request);
      if (status !== 0) return isDeepStrictEqual(answer, { status }) ? null : { status };
      if (onlyCount) return this.#judgeCount(operation, answer, span);
    }
    if (!('scanned' in answer)) return 'rows';
    const found = byHashKey(answer.scanned);
    const hashKeys = operation.kind === 'scan' ? [operation.hashKey] : this.hashKeys;
    for (const hashKey of new Set([...hashKeys, ...found.keys()])) {
      const expected = this.#judgeScanned(operation, hashKey, found.get(hashKey) ?? [], span);
      if (expected !== null) return { hashKey, expected };
    }
    return null;
  }

  #judgeCount(operation: Scan, answer: ScanAnswer, span: Span): unknown {
    let min = 0;
    let max = 0;
    for (const hashKey of this.hashKeys) {
      const { always, ever } = unite(this.#views(operation, hashKey, span));
      min += always.size;
      max += ever.size;
    }
    return 'count' in answer && answer.count >= min && answer.count <= max ? null : { min, max };
  }

  #views(operation: Scan, hashKey: string, { from, to }: Span): Views[] {
    const isMet = (row: ScannedRow): boolean =>
      operation.kind !== 'scanRequest' || this.#options.partitionOf(row) === operation.partition;
    return this.#expand(this.#of(hashKey), { from, to }).map(({ rows }) => {
      const at = (now: number): Set<string> =>
        new Set(scannedRows(operation, hashKey, rows, now).filter(isMet).map(scannedText));
      const ever = at(from);
      return { always: to === from ? ever : at(to), ever };
    });
  }

  #judgeScanned(
    operation: Scan,
    hashKey: string,
    found: readonly ScannedRow[],
    span: Span,
  ): unknown {
    const candidates = this.#expand(this.#of(hashKey), span);
    const views = this.#views(operation, hashKey, span);
    const after = candidates.filter((_, index) => isBetween(found, views[index]!));
    const isMoving = candidates.some(({ pending }) => pending.length > 0);
    // A write that is pending may have come between two batches.
    if (after.length === 0 && isMoving && isBetween(found, unite(views))) return null;
    return this.#keep(hashKey, after, views);
  }

  #of(hashKey: string): readonly Candidate[] {
    return this.#candidates.get(hashKey) ?? NOTHING;
  }

  #keep(hashKey: string, after: readonly Candidate[], expected: readonly unknown[]): unknown {
    if (after.length === 0) return expected;
    this.#candidates.set(hashKey, distinct(after));
    return null;
  }

  /** A range is deleted by the keys that were found in it. */
  #postponed({ rows, pending }: Candidate, operation: Write, calledAt: number): Candidate {
    const write: Write =
      operation.kind === 'delRange'
        ? {
            kind: 'multiDel',
            hashKey: operation.hashKey,
            sortKeys: keysOfRange(operation.range, rows, calledAt),
          }
        : operation;
    const added = { number: this.#doubts, operation: write, calledAt };
    return { rows, pending: [...pending, added] };
  }

  /** With all that may have happened by the end of the span. */
  #expand(candidates: readonly Candidate[], { to }: Span): readonly Candidate[] {
    if (candidates.every(({ pending }) => pending.length === 0)) return candidates;
    const all = [...candidates];
    const seen = new Set(all.map(textOf));
    // Grows while it is walked.
    for (const { rows, pending } of all) {
      for (const one of pending) {
        const rest = pending.filter((other) => other !== one);
        for (let now = one.calledAt; now <= to; now++) {
          const written = writeByClient(
            one.operation,
            rows,
            { calledAt: one.calledAt, now },
            this.#options,
          );
          const candidate = { rows: written.rows, pending: rest };
          const text = textOf(candidate);
          if (!seen.has(text)) all.push(candidate);
          seen.add(text);
        }
      }
    }
    return all;
  }

  /** In the partition of the hash key, before its own rows. Null: not known. */
  #hasEarlierRow(hashKey: string, span: Span): boolean | null {
    const partition = this.#options.partitionOf({ hashKey, sortKey: '' });
    let isKnown = true;
    for (const [other, candidates] of this.#candidates) {
      if (!isBefore(other, hashKey)) continue;
      const isHere = (sortKey: string): boolean =>
        this.#options.partitionOf({ hashKey: other, sortKey }) === partition;
      const answers = candidates.map(({ rows, pending }) =>
        pending.length > 0 ? null : this.#hasRow(rows, isHere, span),
      );
      if (answers.every((answer) => answer === true)) return true;
      if (answers.some((answer) => answer !== false)) isKnown = false;
    }
    return isKnown ? false : null;
  }

  #hasRow(rows: Rows, isHere: (sortKey: string) => boolean, { to }: Span): boolean | null {
    const here = [...rows].filter(([sortKey]) => isHere(sortKey)).map(([, row]) => row);
    if (here.length === 0) return false;
    return this.#options.keepsExpired || here.some((row) => isVisible(row, to)) ? true : null;
  }
}

/** Hash keys are in the order of their lengths first. */
function isBefore(hashKey: string, other: string): boolean {
  return hashKey.length < other.length || (hashKey.length === other.length && hashKey < other);
}

function seconds({ from, to }: Span): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function agrees(expected: Answer, answer: Answer): boolean {
  if ('complete' in expected && expected.complete === null && 'complete' in answer) {
    return isDeepStrictEqual(expected.rows, answer.rows);
  }
  if ('reply' in expected && 'reply' in answer)
    return agreesWithReply(expected.reply, answer.reply);
  return isDeepStrictEqual(expected, answer);
}

/** A status of null is 0 or 7. */
function agreesWithReply(expected: Reply, reply: Reply): boolean {
  if (!('kvs' in expected) || expected.error !== null) return isDeepStrictEqual(expected, reply);
  if (!('kvs' in reply)) return false;
  return [0, 7].includes(reply.error ?? -1) && isDeepStrictEqual(expected.kvs, reply.kvs);
}

function textOf({ rows, pending }: Candidate): string {
  const sorted = [...rows].sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([sorted, pending.map(({ number, calledAt }) => [number, calledAt])]);
}

function distinct(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.length < 2) return candidates;
  return [...new Map(candidates.map((candidate) => [textOf(candidate), candidate])).values()];
}

function byHashKey(rows: readonly ScannedRow[]): Map<string, ScannedRow[]> {
  const groups = new Map<string, ScannedRow[]>();
  for (const row of rows) {
    const group = groups.get(row.hashKey);
    if (group === undefined) groups.set(row.hashKey, [row]);
    else group.push(row);
  }
  return groups;
}

/** Rows as texts, that have to be there and that may be there. */
interface Views {
  readonly always: ReadonlySet<string>;
  readonly ever: ReadonlySet<string>;
}

function scannedText({ sortKey, value, expiresAt }: ScannedRow): string {
  return JSON.stringify([sortKey, value, expiresAt]);
}

function isBetween(found: readonly ScannedRow[], { always, ever }: Views): boolean {
  const texts = new Set(found.map(scannedText));
  if (texts.size !== found.length) return false;
  return [...always].every((text) => texts.has(text)) && [...texts].every((text) => ever.has(text));
}

function unite(views: readonly Views[]): Views {
  const first = views[0]!;
  return {
    always: new Set(
      [...first.always].filter((text) => views.every(({ always }) => always.has(text))),
    ),
    ever: new Set(views.flatMap(({ ever }) => [...ever])),
  };
}
