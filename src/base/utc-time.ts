/** A point in time as people read it. Pure arithmetic on the Gregorian calendar; no time zones. */
import { assert } from './assert.ts';

const DAY_SECONDS = 86_400;
/** From 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;
const ERA_DAYS = 146_097;
const CENTURY_DAYS = 36_524;
const FOUR_YEARS_DAYS = 1_460;
const YEAR_DAYS = 365;

/** `YYYY-MM-DD hh:mm:ss`, UTC, of milliseconds since 1970. */
export function utcTimeText(wallMs: number): string {
  assert(wallMs >= 0, 'time begins with 1970 here');
  const seconds = Math.floor(wallMs / 1_000);
  const clock = seconds % DAY_SECONDS;
  const { year, month, day } = dateOf(Math.floor(seconds / DAY_SECONDS));
  const time = [Math.floor(clock / 3_600), Math.floor(clock / 60) % 60, clock % 60].map(two);
  return `${year}-${two(month)}-${two(day)} ${time.join(':')}`;
}

/** Years are counted from March, so that the day that comes every fourth year is a year's last. */
function dateOf(daysSince1970: number): { year: number; month: number; day: number } {
  const days = daysSince1970 + EPOCH_DAYS;
  const era = Math.floor(days / ERA_DAYS);
  const dayOfEra = days % ERA_DAYS;
  const leapDays =
    Math.floor(dayOfEra / FOUR_YEARS_DAYS) -
    Math.floor(dayOfEra / CENTURY_DAYS) +
    Math.floor(dayOfEra / (ERA_DAYS - 1));
  const yearOfEra = Math.floor((dayOfEra - leapDays) / YEAR_DAYS);
  const daysBefore =
    YEAR_DAYS * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - daysBefore;
  // Five months from March have 153 days, again and again.
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: 400 * era + yearOfEra + (month <= 2 ? 1 : 0), month, day };
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
