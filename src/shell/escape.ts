/**
 * Bytes as people type and read them: C-style escapes, both ways. What `escapeBytes` writes, `unescapeText` reads
 * back to the same bytes.
 *
 *   \\ \" \' \n \r \t \0 and \xNN; everything else stands for its UTF-8 bytes.
 */
import { UserError } from '../base/user-error.ts';

const NAMED: ReadonlyMap<number, string> = new Map([
  [0x5c, '\\\\'],
  [0x22, '\\"'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
]);

const BYTE_OF_NAME: ReadonlyMap<string, number> = new Map([
  ['\\', 0x5c],
  ['"', 0x22],
  ["'", 0x27],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['0', 0x00],
]);

/** A letter, mark, number, punctuation or symbol, or the blank of ASCII: what a terminal shows as itself. */
const SHOWN = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Readable UTF-8 stays, all other bytes become escapes. Without quotes. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!);
    const character = length === 0 ? null : decoded(bytes.subarray(at, at + length));
    if (character !== null && SHOWN.test(character) && !NAMED.has(bytes[at]!)) {
      text += character;
      at += length;
    } else {
      text += escapeByte(bytes[at]!);
      at += 1;
    }
  }
  return text;
}

/** Throws `UserError` when an escape is not one. */
export function unescapeText(text: string): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    parts.push(Buffer.from(text.slice(from, at)));
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at + 1, at + 4));
    const named = BYTE_OF_NAME.get(text.charAt(at + 1));
    if (hex !== null) parts.push(Uint8Array.of(Number.parseInt(hex[1]!, 16)));
    else if (named !== undefined) parts.push(Uint8Array.of(named));
    else throw badEscape(text.slice(at, at + 2));
    from = at + (hex === null ? 2 : 4);
  }
  parts.push(Buffer.from(text.slice(from)));
  return new Uint8Array(Buffer.concat(parts));
}

function badEscape(shown: string): UserError {
  return new UserError(
    `"${shown}" is no escape.`,
    'Escapes are \\\\ \\" \\\' \\n \\r \\t \\0 and \\xNN with two hexadecimal digits; a backslash itself is \\\\.',
  );
}

function escapeByte(byte: number): string {
  return NAMED.get(byte) ?? `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`;
}

/** From the first byte; 0 when none begins with it. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
