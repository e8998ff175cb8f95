/** Tests of rows as they lie in the engine's memory: comparison, filters of keys. No copies, no views. */
import { FilterType } from '../wire/schema/rrdb.ts';

/** Order of `bytes[start … end)` against `other`: below 0, 0 or above 0. */
export function compareRange(
  bytes: Uint8Array,
  start: number,
  end: number,
  other: Uint8Array,
): number {
  const length = end - start;
  const common = Math.min(length, other.length);
  for (let index = 0; index < common; index++) {
    const difference = bytes[start + index]! - other[index]!;
    if (difference !== 0) return difference;
  }
  return length - other.length;
}

/** Requests carry any i32; only these are answered. */
export function isFilterType(type: number): type is FilterType {
  return type >= FilterType.none && type <= FilterType.postfix;
}

/** True when the key part `bytes[start … end)` passes. An empty pattern lets everything pass. */
export function passesFilter(
  type: FilterType,
  pattern: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (type === FilterType.none || pattern.length === 0) return true;
  const last = end - pattern.length;
  if (last < start) return false;
  switch (type) {
    case FilterType.prefix:
      return isAt(pattern, bytes, start);
    case FilterType.postfix:
      return isAt(pattern, bytes, last);
    default:
      for (let at = start; at <= last; at++) {
        if (isAt(pattern, bytes, at)) return true;
      }
      return false;
  }
}

function isAt(pattern: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < pattern.length; index++) {
    if (bytes[at + index] !== pattern[index]) return false;
  }
  return true;
}
