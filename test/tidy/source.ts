/**
 * Reads source files for the tidy test: their code without comments and texts, and what they import.
 *
 * A scanner, not a parser: it knows comments, strings, templates and (by what stands before the slash) regular
 * expressions, which is all that is needed to tell code from prose.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly lines: readonly string[];
  /** The text with comments, strings and template text blanked; lines stay where they are. */
  readonly code: string;
  /** As written: relative ones end in `.ts`. */
  readonly imports: readonly string[];
  readonly isTest: boolean;
  readonly isGenerated: boolean;
}

/** All `.ts` files under a folder; none if the folder is not there. */
export function readSources(folder: string): Source[] {
  let entries: string[];
  try {
    entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  const found = entries.filter((entry) => entry.endsWith('.ts') && !entry.endsWith('.d.ts'));
  return found.sort().map((entry) => readSource(`${folder}/${entry}`));
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const code = blank(text);
  return {
    path,
    lines: text.split('\n'),
    code,
    imports: importsOf(text, code),
    isTest: path.endsWith('.test.ts'),
    isGenerated: path.includes('/generated/'),
  };
}

/** The path that a relative import of `source` leads to, or null for a package. */
export function resolveImport(source: Source, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return normalize(join(dirname(source.path), specifier));
}

/** The texts stand in `text`, the proof that they are code and not prose in `code`. */
function importsOf(text: string, code: string): string[] {
  const imports: string[] = [];
  const pattern = /\b(?:from|import)\s*\(?\s*(['"])/g;
  for (let match = pattern.exec(code); match !== null; match = pattern.exec(code)) {
    const start = match.index + match[0].length;
    imports.push(text.slice(start, text.indexOf(match[1]!, start)));
  }
  return imports;
}

const AFTER_THESE_A_SLASH_BEGINS_A_PATTERN =
  /(?:^|[([{=,;:!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of))\s*$/;

/** Quotes stay, so that the code still shows where a text was. */
export function blank(text: string): string {
  let out = '';
  let at = 0;
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let depth = 0;
  const skipTo = (end: number): void => {
    out += text.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = text[at]!;
    if (two === '//') skipTo(endOr(text.indexOf('\n', at), text));
    else if (two === '/*') skipTo(endOr(text.indexOf('*/', at + 2), text, 2));
    else if (one === "'" || one === '"') {
      const end = closing(text, at + 1, one);
      out += one;
      at++;
      skipTo(end);
      out += one;
      at++;
    } else if (one === '`' || (one === '}' && templates.at(-1) === depth)) {
      if (one === '}') templates.pop();
      const end = templateStop(text, at + 1);
      skipTo(Math.min(end + 1, text.length));
      if (text[end] === '$') {
        templates.push(depth);
        skipTo(at + 1);
      }
    } else if (one === '/' && AFTER_THESE_A_SLASH_BEGINS_A_PATTERN.test(out.slice(-40))) {
      skipTo(patternEnd(text, at + 1));
    } else {
      if (one === '{') depth++;
      if (one === '}') depth--;
      out += one;
      at++;
    }
  }
  return out;
}

function endOr(index: number, text: string, after = 0): number {
  return index < 0 ? text.length : index + after;
}

/** Index of the quote that closes, or of the end. */
function closing(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n')
    at += text[at] === '\\' ? 2 : 1;
  return Math.min(at, text.length);
}

/** Index of the closing backquote or of the `$` that begins an expression. */
function templateStop(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`') {
    if (text[at] === '$' && text[at + 1] === '{') return at;
    at += text[at] === '\\' ? 2 : 1;
  }
  return at;
}

function patternEnd(text: string, from: number): number {
  let at = from;
  let inClass = false;
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true;
    if (text[at] === ']') inClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}
