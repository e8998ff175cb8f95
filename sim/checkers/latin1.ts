/** Bytes as text, one character each: names on the wire, and keys of maps. Short ones come by the hundred thousand. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
