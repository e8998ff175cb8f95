/**
 * The text of docs/client-reference.md, made from the declarations and docstrings of the client.
 *
 * The sources are formatted by the house's formatter, and this leans on it: a declaration begins in
 * column 0 behind its docstring, and ends at a `}` in column 0 or before the next empty line. What
 * is shown is what callers see: signatures without bodies, public fields without constructors.
 */
import { readFileSync } from 'node:fs';

export interface Declaration {
  readonly name: string;
  /** Without the comment's own characters; empty if there is none. */
  readonly doc: string;
  readonly code: string;
}

interface Section {
  readonly title: string;
  readonly file: string;
  /** Exports of the file that are not for callers. */
  readonly without?: readonly string[];
}

const SECTIONS: readonly Section[] = [
  { title: 'Connecting', file: 'src/bin/client.ts', without: ['nodeEnvironment', 'silent'] },
  { title: 'Clients and options', file: 'src/client/api.ts' },
  { title: 'Tables', file: 'src/client/table-api.ts' },
  { title: 'Codecs', file: 'src/client/codec.ts' },
  { title: 'Compression', file: 'src/bin/client-compression.ts' },
  { title: 'Errors', file: 'src/client/errors.ts', without: ['NO_DETAILS'] },
  {
    title: 'Retries',
    file: 'src/client/retry-policy.ts',
    without: [
      'Reaction',
      'RetryRules',
      'reactionAtReplica',
      'reactionAtMeta',
      'toRetryRules',
      'pauseMs',
    ],
  },
  { title: 'Hooks', file: 'src/client/hooks.ts', without: ['HookCaller'] },
  { title: 'Metrics', file: 'src/client/operation-metrics.ts' },
  { title: 'OpenTelemetry', file: 'src/client/open-telemetry.ts' },
  { title: 'Logging', file: 'src/env/logger.ts' },
  { title: 'Administration', file: 'src/client/admin-api.ts' },
  { title: 'A cluster for tests', file: 'src/bin/testing.ts' },
];

const INTRODUCTION = `# Reference of the TypeScript client

Made by \`scripts/generate-client-reference.ts\` from the docstrings in \`src/client/\` and \`src/bin/\`: edit those. The guide is [client.md](client.md).
All of it is exported by \`pegasus-ts/client\`, the last section by \`pegasus-ts/testing\`.
`;

export function clientReferencePage(): string {
  const parts = [INTRODUCTION];
  for (const { title, file, without = [] } of SECTIONS) {
    const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
    const declarations = declarationsOf(source).filter(({ name }) => !without.includes(name));
    const names = declarations.map(({ name }) => `[${name}](#${name.toLowerCase()})`);
    parts.push(`## ${title}\n`, `${names.join(' · ')}\n`, ...declarations.map(entry));
  }
  return parts.join('\n');
}

function entry({ name, doc, code }: Declaration): string {
  const text = doc === '' ? '' : `${doc}\n\n`;
  return `### ${name}\n\n${text}\`\`\`typescript\n${code}\n\`\`\`\n`;
}

const HEAD =
  /^export (?:abstract )?(?:async )?(interface|type|class|abstract class|function) (\w+)/;

/** Everything that is declared and exported, in the order of the file. */
export function declarationsOf(source: string): Declaration[] {
  const lines = source.split('\n');
  const found: Declaration[] = [];
  for (const [index, line] of lines.entries()) {
    const [, kind, name] = HEAD.exec(line) ?? [];
    if (kind === undefined || name === undefined) continue;
    found.push({ name, doc: docAbove(lines, index), code: codeAt(lines, index, kind) });
  }
  return found;
}

function docAbove(lines: readonly string[], index: number): string {
  if (lines[index - 1]?.endsWith('*/') !== true) return '';
  let start = index - 1;
  while (!lines[start]!.startsWith('/**')) start--;
  const text = lines.slice(start, index).map((line) =>
    line
      .replace(/^\/\*\*|\*\/$/g, '')
      .replace(/^ \*(?: |$)/, '')
      .trimEnd(),
  );
  return text.join('\n').trim();
}

function codeAt(lines: readonly string[], index: number, kind: string): string {
  if (kind === 'function') return signature(lines, index);
  const isBlock = kind !== 'type' && !lines[index]!.endsWith('}');
  let end = index;
  while (isBlock ? lines[end] !== '}' : (lines[end + 1] ?? '') !== '') end++;
  const code = lines.slice(index, end + 1);
  code[0] = code[0]!.replace(/^export /, '');
  return (kind === 'class' ? withoutBodies(code) : code).join('\n');
}

function signature(lines: readonly string[], index: number): string {
  let end = index;
  while (!lines[end]!.endsWith('{') || /^ /.test(lines[end]!)) end++;
  const code = lines.slice(index, end + 1).join('\n');
  return `${code.replace(/^export (async )?/, '').replace(/ \{$/, '')};`;
}

/** The public fields of a class, with their docstrings. */
function withoutBodies(code: readonly string[]): string[] {
  const kept: string[] = [];
  let isInBody = false;
  for (const line of code) {
    if (/^ {2}(?:constructor|#|get |static |async |\w+\().*[({]$/.test(line)) isInBody = true;
    if (!isInBody) kept.push(line);
    if (line === '  }') isInBody = false;
  }
  return kept.filter((line, index) => line !== '' || kept[index + 1] !== '}');
}
