/**
 * The settings that limit a table's load, from their text: `<n>[K|M]*<delay|reject>*<ms>`, comma-joined, each kind at
 * most once; for the read bandwidth also a plain `<n>[K|M]`.
 *
 * A limit is for a table and is kept by each partition for itself: its share, rounded as the original rounds it.
 */
export interface ThrottleRule {
  /** Above so many units in one second requests are put off; 0 = never. */
  readonly delayAbove: number;
  readonly delayMs: number;
  /** Above so many units in one second requests are refused; 0 = never. */
  readonly rejectAbove: number;
  /** How long a refusal is held back, so that clients do not ask again at once. */
  readonly rejectAfterMs: number;
}

const PART = /^(\d{1,15})([KM]?)\*(delay|reject)\*(\d{1,15})$/;
const SIZE = /^(\d{1,15})([KM]?)$/;
const KIBI = 1024;
const MEBI = 1024 * 1024;
/** Timers take no more; nobody waits longer than half of its timeout either way. */
const DELAY_MS_MAX = 60_000;

/** Null: not set, or not to be understood (the meta server lets no such text in). */
export function parseThrottle(
  text: string | undefined,
  partitionCount: number,
): ThrottleRule | null {
  if (text === undefined || text === '') return null;
  const rule = { delayAbove: 0, delayMs: 0, rejectAbove: 0, rejectAfterMs: 0 };
  for (const part of text.split(',')) {
    const fields = PART.exec(part);
    if (fields === null) return null;
    const share = Math.floor(unitsOf(fields) / partitionCount) + 1;
    const waitMs = Math.min(Number(fields[4]), DELAY_MS_MAX);
    if (fields[3] === 'delay') {
      if (rule.delayAbove > 0) return null;
      rule.delayAbove = share;
      rule.delayMs = waitMs;
    } else {
      if (rule.rejectAbove > 0) return null;
      rule.rejectAbove = share;
      rule.rejectAfterMs = waitMs;
    }
  }
  return rule;
}

/**
 * Bytes per second and partition; 0 = no limit. Of the form with parts only what is rejected counts.
 */
export function parseReadBandwidth(text: string | undefined, partitionCount: number): number {
  if (text === undefined) return 0;
  const size = SIZE.exec(text);
  const fields = size ?? text.split(',').map(matchPart).find(isReject) ?? null;
  if (fields === null || unitsOf(fields) === 0) return 0;
  return Math.max(Math.floor(unitsOf(fields) / partitionCount), 1);
}

function matchPart(part: string): RegExpExecArray | null {
  return PART.exec(part);
}

function isReject(fields: RegExpExecArray | null): fields is RegExpExecArray {
  return fields !== null && fields[3] === 'reject';
}

function unitsOf(fields: RegExpExecArray): number {
  const scale = fields[2] === 'M' ? MEBI : fields[2] === 'K' ? KIBI : 1;
  return Number(fields[1]) * scale;
}
