/** Values of flags, as the programs read them; what does not fit is refused with its range. */
import { InvalidArgumentError } from 'commander';

/** A reader of whole numbers from `minimum` to `maximum`. */
export function integer(
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`It must be ${rangeText(minimum, maximum)}.`);
  };
}

/** Minutes, with a fraction if need be. */
export function minutes(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

function rangeText(minimum: number, maximum: number): string {
  if (minimum === maximum) return `${minimum}`;
  if (maximum === Number.MAX_SAFE_INTEGER) return `an integer of at least ${minimum}`;
  return `an integer from ${minimum} to ${maximum}`;
}
