/**
 * Expiry: an unsigned 32-bit count of seconds since 2016-01-01 00:00:00 UTC; 0 = never.
 *
 * Requests carry it as i32 and a negative number is *not* "none": it is the large unsigned one (measured on the
 * original). An expired row is invisible at once and removed by compaction.
 */

/** 2016-01-01 in seconds since 1970. */
export const TTL_EPOCH_SECONDS = 1_451_606_400;

/** Now, as expiry times count; u32. */
export function ttlNow(wallMs: number): number {
  return (Math.floor(wallMs / 1000) - TTL_EPOCH_SECONDS) >>> 0;
}

/** Both u32. */
export function isExpired(expireSeconds: number, nowSeconds: number): boolean {
  return expireSeconds !== 0 && expireSeconds <= nowSeconds;
}

/** What a ttl request answers: an i32 that is negative for expiry beyond 2^31 from now; −1 = no expiry. */
export function ttlReply(expireSeconds: number, nowSeconds: number): number {
  return expireSeconds === 0 ? -1 : (expireSeconds - nowSeconds) | 0;
}

/** The expiry to store for the i32 of a request; the table's default (0 = none) fills in for "never". */
export function expireToStore(
  requested: number,
  defaultTtlSeconds: number,
  nowSeconds: number,
): number {
  if (requested !== 0) return requested >>> 0;
  return defaultTtlSeconds === 0 ? 0 : (nowSeconds + defaultTtlSeconds) >>> 0;
}
