/** The 18 conditions of check_and_set and check_and_mutate. */
import { CasCheckType, FilterType } from '../wire/schema/rrdb.ts';
import { parseInteger } from './integer-text.ts';
import { compareRange, passesFilter } from './row-filter.ts';

export type CheckResult =
  | 'passed'
  | 'failed'
  /** An integer comparison met a value or operand that is no integer. */
  | 'invalid';

/** Requests carry any i32; only these are evaluated. */
export function isCheckType(type: number): type is CasCheckType {
  return type >= CasCheckType.noCheck && type <= CasCheckType.intGreater;
}

/** `bytes[start … end)` is the stored value if `exists`; an expired one does not exist. */
export function evaluateCheck(
  type: CasCheckType,
  operand: Uint8Array,
  exists: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): CheckResult {
  switch (type) {
    case CasCheckType.noCheck:
      return 'passed';
    case CasCheckType.valueNotExist:
      return resultOf(!exists);
    case CasCheckType.valueNotExistOrEmpty:
      return resultOf(!exists || start === end);
    case CasCheckType.valueExist:
      return resultOf(exists);
    case CasCheckType.valueNotEmpty:
      return resultOf(exists && end > start);
    default:
      return exists ? evaluateValue(type, operand, bytes, start, end) : 'failed';
  }
}

function evaluateValue(
  type: CasCheckType,
  operand: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): CheckResult {
  switch (type) {
    case CasCheckType.matchAnywhere:
      return resultOf(passesFilter(FilterType.anywhere, operand, bytes, start, end));
    case CasCheckType.matchPrefix:
      return resultOf(passesFilter(FilterType.prefix, operand, bytes, start, end));
    case CasCheckType.matchPostfix:
      return resultOf(passesFilter(FilterType.postfix, operand, bytes, start, end));
    default:
      break;
  }
  if (type < CasCheckType.intLess) {
    const order = compareRange(bytes, start, end, operand);
    return resultOf(holds(type - CasCheckType.bytesLess, order));
  }
  const value = parseInteger(bytes, start, end);
  const other = value === null ? null : parseInteger(operand, 0, operand.length);
  if (value === null || other === null) return 'invalid';
  const order = value < other ? -1 : value > other ? 1 : 0;
  return resultOf(holds(type - CasCheckType.intLess, order));
}

/** The five comparisons stand in this order in both groups: <, ≤, =, ≥, >. */
function holds(comparison: number, order: number): boolean {
  switch (comparison) {
    case 0:
      return order < 0;
    case 1:
      return order <= 0;
    case 2:
      return order === 0;
    case 3:
      return order >= 0;
    default:
      return order > 0;
  }
}

function resultOf(passed: boolean): CheckResult {
  return passed ? 'passed' : 'failed';
}
