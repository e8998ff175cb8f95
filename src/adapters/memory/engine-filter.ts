/**
 * Decides row by row what a compaction removes or rewrites; the counterpart of the native compaction filter.
 *
 * A key is u16 BE hash key length, hash key, sort key; a value begins with u32 BE expiry (seconds since 2016, 0 =
 * never). Left alone: keys under two bytes, keys that start with FF FF (ours), and what does not have this form.
 * Order: the user's operations, default TTL, expiry, partition mask.
 */
import { compareBytes } from '../../base/bytes.ts';
import { crc64, type U64 } from '../../base/crc64.ts';
import type { CompactionRules } from '../../env/engine.ts';
import {
  EXPIRY_EPOCH_SECONDS,
  MatchType,
  OperationKind,
  parseUserRules,
  RuleKind,
  U32_MAX,
  type UserOperation,
  type UserRule,
} from './engine-rules.ts';

export class RowFilter {
  readonly #rules: CompactionRules;
  readonly #operations: readonly UserOperation[];
  readonly #nowSeconds: number;
  readonly #hash: U64 = { high: 0, low: 0 };

  constructor(rules: CompactionRules, wallMs: number) {
    this.#rules = rules;
    this.#operations = parseUserRules(rules.userRules);
    this.#nowSeconds = Math.floor(wallMs / 1000) - EXPIRY_EPOCH_SECONDS;
  }

  /** Null removes the row; else what its value is from now on: `value` itself if nothing changes. */
  apply(key: Uint8Array, value: Uint8Array): Uint8Array | null {
    if (!this.#rules.enabled || value.length < 4 || key.length < 2) return value;
    const hashKeyEnd = 2 + ((key[0]! << 8) | key[1]!);
    if (hashKeyEnd === 2 + 0xffff || hashKeyEnd > key.length) return value;
    const before = readExpiry(value);
    let expiry = before;
    for (const operation of this.#operations) {
      if (!this.#matches(operation.rules, key, hashKeyEnd, expiry)) continue;
      if (operation.kind === OperationKind.delete) return null;
      expiry = this.#updated(operation, expiry);
    }
    if (expiry === 0 && this.#rules.defaultTtlSeconds > 0) {
      expiry = Math.min(this.#nowSeconds + this.#rules.defaultTtlSeconds, U32_MAX);
    }
    if (expiry > 0 && expiry <= this.#nowSeconds) return null;
    if (this.#isForeign(key, hashKeyEnd)) return null;
    return expiry === before ? value : withExpiry(value, expiry);
  }

  #updated(operation: UserOperation, expiry: number): number {
    if (operation.kind === OperationKind.timestamp) return operation.seconds;
    if (operation.kind === OperationKind.fromNow) {
      return Math.min(this.#nowSeconds + operation.seconds, U32_MAX);
    }
    return expiry === 0 ? 0 : Math.min(expiry + operation.seconds, U32_MAX);
  }

  #matches(
    rules: readonly UserRule[],
    key: Uint8Array,
    hashKeyEnd: number,
    expiry: number,
  ): boolean {
    for (const rule of rules) {
      if (rule.kind === RuleKind.ttlRange) {
        if (!this.#isInTtlRange(rule, expiry)) return false;
      } else {
        const isHashKey = rule.kind === RuleKind.hashKey;
        const part = isHashKey ? key.subarray(2, hashKeyEnd) : key.subarray(hashKeyEnd);
        if (!matchesPattern(part, rule.pattern, rule.match)) return false;
      }
    }
    return true;
  }

  #isInTtlRange(rule: UserRule, expiry: number): boolean {
    if (rule.startSeconds === 0 && rule.stopSeconds === 0) return expiry === 0;
    const left = expiry - this.#nowSeconds;
    return expiry !== 0 && left >= rule.startSeconds && left <= rule.stopSeconds;
  }

  #isForeign(key: Uint8Array, hashKeyEnd: number): boolean {
    const { partitionVersion, partitionIndex } = this.#rules;
    if (partitionVersion < 0) return false;
    if (hashKeyEnd > 2) crc64(key, 2, hashKeyEnd, this.#hash);
    else crc64(key, 2, key.length, this.#hash);
    return (this.#hash.low & partitionVersion) >>> 0 !== partitionIndex;
  }
}

function readExpiry(value: Uint8Array): number {
  return ((value[0]! << 24) | (value[1]! << 16) | (value[2]! << 8) | value[3]!) >>> 0;
}

function withExpiry(value: Uint8Array, expiry: number): Uint8Array {
  const copy = value.slice();
  copy[0] = expiry >>> 24;
  copy[1] = expiry >>> 16;
  copy[2] = expiry >>> 8;
  copy[3] = expiry;
  return copy;
}

function matchesPattern(part: Uint8Array, pattern: Uint8Array, match: MatchType): boolean {
  const last = part.length - pattern.length;
  if (last < 0) return false;
  const from = match === MatchType.postfix ? last : 0;
  const to = match === MatchType.prefix ? 0 : last;
  for (let start = from; start <= to; start++) {
    if (compareBytes(part.subarray(start, start + pattern.length), pattern) === 0) return true;
  }
  return false;
}
