/**
 * Splits a line into words, as a shell does: at blanks, with "…" and '…' around words that hold
 * some. Escapes stay as they are (`escape.ts` reads them), but an escaped quote or blank ends no
 * word.
 */
import { UserError } from '../base/user-error.ts';

/** Throws `UserError` when a quote is not closed. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const one = line[at]!;
    if (one === '\\') {
      const next = line[at + 1] ?? '';
      // An escaped blank has no other reading than the blank itself.
      word = (word ?? '') + (next === ' ' ? ' ' : one + next);
      at++;
    } else if (quote !== '') {
      if (one === quote) quote = '';
      else word += one;
    } else if (one === '"' || one === "'") {
      quote = one;
      word ??= '';
    } else if (/\s/.test(one)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + one;
    }
  }
  if (quote !== '') {
    throw new UserError(
      `A ${quote} is not closed.`,
      `Close it, or write \\${quote} for the character.`,
    );
  }
  if (word !== null) words.push(word);
  return words;
}
