/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78): checksum of log blocks, file pieces and
 * mutation digests. Slicing-by-8 over tables built at load.
 */
const TABLES: Uint32Array = buildTables();

function buildTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let index = 0; index < 256; index++) {
    let value = index;
    for (let bit = 0; bit < 8; bit++) {
      value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    }
    tables[index] = value;
  }
  for (let index = 0; index < 256; index++) {
    let value = tables[index]!;
    for (let slice = 1; slice < 8; slice++) {
      value = tables[value & 0xff]! ^ (value >>> 8);
      tables[slice * 256 + index] = value;
    }
  }
  return tables;
}

/** Unsigned CRC of `bytes[start … end)`; `seed` is the CRC of what came before, 0 at the start. */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed: number = 0): number {
  const t = TABLES;
  let crc = ~seed;
  let at = start;
  const wideEnd = end - 7;
  while (at < wideEnd) {
    const low =
      crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      t[1792 + (low & 0xff)]! ^
      t[1536 + ((low >>> 8) & 0xff)]! ^
      t[1280 + ((low >>> 16) & 0xff)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
    at += 8;
  }
  while (at < end) {
    crc = t[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
    at += 1;
  }
  return ~crc >>> 0;
}
