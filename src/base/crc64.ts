/**
 * CRC-64 (reflected polynomial 0x9a6c9329ac4bc9b5, init and xorout all ones): the hash that decides which partition
 * owns a hash key. Clients compute the same one, so it can never change.
 *
 * A 64-bit value is a pair of unsigned 32-bit halves: BigInt costs too much for something done per request.
 */
export interface U64 {
  high: number;
  low: number;
}

const HIGH: Uint32Array = new Uint32Array(256);
const LOW: Uint32Array = new Uint32Array(256);
fillTables();

function fillTables(): void {
  for (let index = 0; index < 256; index++) {
    let high = 0;
    let low = index;
    for (let bit = 0; bit < 8; bit++) {
      const odd = (low & 1) === 1;
      low = ((low >>> 1) | (high << 31)) >>> 0;
      high >>>= 1;
      if (odd) {
        high = (high ^ 0x9a6c9329) >>> 0;
        low = (low ^ 0xac4bc9b5) >>> 0;
      }
    }
    HIGH[index] = high;
    LOW[index] = low;
  }
}

/** CRC of `bytes[start … end)`, stored in `into`: two unsigned halves. */
export function crc64(bytes: Uint8Array, start: number, end: number, into: U64): void {
  let high = ~0;
  let low = ~0;
  for (let at = start; at < end; at++) {
    const index = (low ^ bytes[at]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ LOW[index]!;
    high = (high >>> 8) ^ HIGH[index]!;
  }
  into.high = ~high >>> 0;
  into.low = ~low >>> 0;
}

/** Unsigned remainder; exact for divisors up to 2^20. */
export function u64Modulo(value: U64, divisor: number): number {
  return (
    (((value.high % divisor) * (4294967296 % divisor) + (value.low % divisor)) % divisor) >>> 0
  );
}
