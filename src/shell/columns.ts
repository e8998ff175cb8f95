/** Rows in columns that fit the terminal: the widest columns give way first, numbers stand to the right. */

const GAP = '  ';
const CELL_COLUMNS_MIN = 8;

/** Lines for a header and rows of equally many cells. */
export function columns(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const all = [header, ...rows];
  const natural = header.map((_, at) => Math.max(...all.map((row) => columnsOf(row[at]!))));
  const widths = fitted(natural, width - GAP.length * (header.length - 1));
  const toRight = header.map((_, at) => rows.length > 0 && rows.every((row) => isNumber(row[at]!)));
  return all.map((row) => {
    const cells = row.map((text, at) => cell(text, widths[at]!, toRight[at]!));
    return cells.join(GAP).trimEnd();
  });
}

/** Name and value, one pair a line. */
export function pairs(entries: Iterable<readonly [string, string]>): string[] {
  const all = [...entries];
  const width = Math.max(0, ...all.map(([name]) => columnsOf(name)));
  return all.map(([name, value]) => `${name}${' '.repeat(width - columnsOf(name))}${GAP}${value}`);
}

function fitted(natural: readonly number[], total: number): number[] {
  const widths = [...natural];
  let surplus = widths.reduce((sum, width) => sum + width, 0) - total;
  while (surplus > 0) {
    const widest = Math.max(...widths);
    if (widest <= CELL_COLUMNS_MIN) break;
    widths[widths.indexOf(widest)] = widest - 1;
    surplus--;
  }
  return widths;
}

function cell(text: string, width: number, toRight: boolean): string {
  const characters = [...text];
  const shown = characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text;
  const pad = ' '.repeat(width - columnsOf(shown));
  return toRight ? pad + shown : shown + pad;
}

/** Close enough: wide characters count as one. */
function columnsOf(text: string): number {
  return [...text].length;
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}
