/**
 * What clients saw of one hash key: the input of the linearizability checker.
 *
 * An operation reads some rows and then writes some rows, in one atomic step. Values are positive numbers, unique
 * per write, 0 stands for "no such row". An operation whose answer never came has returned at infinity.
 */
export interface RowValue {
  /** Index of the sort key. */
  readonly row: number;
  readonly value: number;
}

export interface HistoryOperation {
  /** For people: kind and client. */
  readonly label: string;
  readonly invokeUs: number;
  /** Infinity: in doubt, it may take effect at any time or never. */
  returnUs: number;
  /** Before the writes. */
  readonly reads: readonly RowValue[];
  readonly writes: readonly RowValue[];
}

export function operationText(operation: HistoryOperation): string {
  const pairs = (values: readonly RowValue[]): string =>
    values.map(({ row, value }) => `${row}=${value === 0 ? 'absent' : value}`).join(' ');
  const end = operation.returnUs === Infinity ? '…' : seconds(operation.returnUs);
  const effects = [
    operation.reads.length > 0 ? `saw ${pairs(operation.reads)}` : '',
    operation.writes.length > 0 ? `wrote ${pairs(operation.writes)}` : '',
  ];
  const what = effects.filter((text) => text !== '').join(', ');
  return `[${seconds(operation.invokeUs)} ${end}] ${operation.label} ${what}`;
}

function seconds(us: number): string {
  return (us / 1e6).toFixed(6);
}
