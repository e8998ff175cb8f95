/**
 * The table env `user_specified_compaction`: operations on the rows that match all rules of the
 * operation, applied whenever a row is compacted. Parsed here once for both engines; the native
 * filter gets the compact form.
 *
 *   {"ops": [{"type": "COT_DELETE" | "COT_UPDATE_TTL", "params": "…",
 *             "rules": [{"type": "FRT_…", "params": "…"}]}]}
 *
 * `params` is JSON inside a string. Unreadable text means no operations. An operation with an
 * unreadable rule is left out whole: with one rule fewer, a deletion would take more than was asked
 * for.
 */
import { encodeUtf8 } from '../../base/utf8.ts';

/** 2016-01-01, from which expiry counts. */
export const EXPIRY_EPOCH_SECONDS = 1_451_606_400;
export const U32_MAX = 0xffff_ffff;

/** Numbers are those of the compact form. */
export const MatchType = { anywhere: 0, prefix: 1, postfix: 2 } as const;
export type MatchType = (typeof MatchType)[keyof typeof MatchType];

export const RuleKind = { hashKey: 0, sortKey: 1, ttlRange: 2 } as const;
export type RuleKind = (typeof RuleKind)[keyof typeof RuleKind];

export const OperationKind = { delete: 0, fromNow: 1, fromCurrent: 2, timestamp: 3 } as const;
export type OperationKind = (typeof OperationKind)[keyof typeof OperationKind];

export interface UserRule {
  readonly kind: RuleKind;
  readonly match: MatchType;
  /** Not empty, for the key rules. */
  readonly pattern: Uint8Array;
  /** Both 0 = rows without expiry. */
  readonly startSeconds: number;
  readonly stopSeconds: number;
}

export interface UserOperation {
  readonly kind: OperationKind;
  /** Seconds: a span, or for `timestamp` a moment since 2016. */
  readonly seconds: number;
  /** At least one. */
  readonly rules: readonly UserRule[];
}

const MATCH_TYPES: ReadonlyMap<unknown, MatchType> = new Map([
  ['SMT_MATCH_ANYWHERE', MatchType.anywhere],
  ['SMT_MATCH_PREFIX', MatchType.prefix],
  ['SMT_MATCH_POSTFIX', MatchType.postfix],
]);

const UPDATE_TYPES: ReadonlyMap<unknown, OperationKind> = new Map([
  ['UTOT_FROM_NOW', OperationKind.fromNow],
  ['UTOT_FROM_CURRENT', OperationKind.fromCurrent],
  ['UTOT_TIMESTAMP', OperationKind.timestamp],
]);

/** The fields that occur anywhere in such a text. */
interface JsonObject {
  readonly ops?: unknown;
  readonly type?: unknown;
  readonly params?: unknown;
  readonly rules?: unknown;
  readonly value?: unknown;
  readonly start_ttl?: unknown;
  readonly stop_ttl?: unknown;
  readonly pattern?: unknown;
  readonly match_type?: unknown;
}

export function parseUserRules(text: string): UserOperation[] {
  const list = parseObject(text)?.ops;
  if (!Array.isArray(list)) return [];
  const operations: UserOperation[] = [];
  for (const item of list as unknown[]) {
    const operation = isObject(item) ? parseOperation(item) : null;
    if (operation !== null) operations.push(operation);
  }
  return operations;
}

function parseOperation(item: JsonObject): UserOperation | null {
  const list = item.rules;
  if (!Array.isArray(list) || list.length === 0) return null;
  const rules: UserRule[] = [];
  for (const entry of list as unknown[]) {
    const rule = isObject(entry) ? parseRule(entry) : null;
    if (rule === null) return null;
    rules.push(rule);
  }
  if (item.type === 'COT_DELETE') return { kind: OperationKind.delete, seconds: 0, rules };
  if (item.type !== 'COT_UPDATE_TTL') return null;
  const params = parseObject(item.params);
  const kind = UPDATE_TYPES.get(params?.type);
  const value = params?.value;
  if (kind === undefined || !isU32(value)) return null;
  const seconds = kind === OperationKind.timestamp ? value - EXPIRY_EPOCH_SECONDS : value;
  return seconds >= 0 ? { kind, seconds, rules } : null;
}

function parseRule(entry: JsonObject): UserRule | null {
  const params = parseObject(entry.params);
  if (params === null) return null;
  if (entry.type === 'FRT_TTL_RANGE') {
    const start = params.start_ttl;
    const stop = params.stop_ttl;
    if (!isU32(start) || !isU32(stop)) return null;
    return {
      kind: RuleKind.ttlRange,
      match: MatchType.anywhere,
      pattern: new Uint8Array(0),
      startSeconds: start,
      stopSeconds: stop,
    };
  }
  const forHashKey = entry.type === 'FRT_HASHKEY_PATTERN';
  if (!forHashKey && entry.type !== 'FRT_SORTKEY_PATTERN') return null;
  const match = MATCH_TYPES.get(params.match_type);
  const pattern = params.pattern;
  if (match === undefined || typeof pattern !== 'string' || pattern === '') return null;
  return {
    kind: forHashKey ? RuleKind.hashKey : RuleKind.sortKey,
    match,
    pattern: encodeUtf8(pattern),
    startSeconds: 0,
    stopSeconds: 0,
  };
}

function parseObject(text: unknown): JsonObject | null {
  if (typeof text !== 'string' || text === '') return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isU32(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= U32_MAX;
}

/**
 * Compact form, all numbers u32 LE: operation count, then per operation kind, seconds, rule count,
 * then per rule kind, match, start, stop, pattern length, pattern.
 */
export function encodeUserRules(operations: readonly UserOperation[]): Uint8Array {
  let length = 4;
  for (const { rules } of operations) {
    length += 12;
    for (const rule of rules) length += 20 + rule.pattern.length;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  put(operations.length);
  for (const operation of operations) {
    put(operation.kind);
    put(operation.seconds);
    put(operation.rules.length);
    for (const rule of operation.rules) {
      put(rule.kind);
      put(rule.match);
      put(rule.startSeconds);
      put(rule.stopSeconds);
      put(rule.pattern.length);
      bytes.set(rule.pattern, at);
      at += rule.pattern.length;
    }
  }
  return bytes;
}
