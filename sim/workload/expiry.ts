/**
 * Rows with a time to live, each written once by one client and read by it around the moment of expiry (V11).
 *
 * The expiry is computed from the writer's wall clock in whole seconds and judged on the server's, so it is known up
 * to the largest difference between two wall clocks in this run plus one second on each side.
 */
export interface ExpiringRow {
  readonly ttlSeconds: number;
  readonly invokeUs: number;
  /** Infinity when the write is in doubt. */
  readonly returnUs: number;
}

const ROUNDING_US = 1_100_000;

/** What is wrong with seeing the row, or not seeing it, in a read from `invokeUs` to `returnUs`; null if nothing. */
export function expiryFault(
  row: ExpiringRow,
  isPresent: boolean,
  read: { readonly invokeUs: number; readonly returnUs: number },
  wallSkewUs: number,
): string | null {
  const marginUs = wallSkewUs + ROUNDING_US;
  const ttlUs = row.ttlSeconds * 1_000_000;
  if (isPresent) {
    const goneUs = row.returnUs + ttlUs + marginUs;
    return read.invokeUs > goneUs ? `read ${ms(read.invokeUs - goneUs)} ms after its expiry` : null;
  }
  if (row.returnUs === Infinity) return null;
  const staysUs = row.invokeUs + ttlUs - marginUs;
  return read.returnUs < staysUs
    ? `gone ${ms(staysUs - read.returnUs)} ms before its expiry`
    : null;
}

function ms(us: number): number {
  return Math.round(us / 1000);
}
