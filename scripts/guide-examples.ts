/**
 * The examples of a guide, as modules that can be run and type-checked.
 *
 * Every ```ts block of the page becomes one module with one function. What a block does not declare
 * itself comes from a scope that the caller of these functions gives it, and the block may shadow.
 * A line that ends in `// → text` is a claim: the value of its expression, as `console.log` would
 * print it, is that text.
 */

export interface GuideExample {
  /** Of the first line of the block in the page. */
  readonly line: number;
  readonly code: string;
}

/** Names that a block gets from outside, with their types. */
export type Scope = Readonly<Record<string, string>>;

const BLOCK = /^```ts\n([\s\S]*?)^```$/gm;

export function examplesOf(page: string): GuideExample[] {
  return [...page.matchAll(BLOCK)].map((match) => ({
    line: page.slice(0, match.index).split('\n').length + 1,
    code: match[1]!,
  }));
}

/**
 * `modules`: what to import in place of a package name. The module exports a function `example` of
 * the scope and of `claim(value, text, line)`.
 */
export function toModule(
  example: GuideExample,
  scope: Scope,
  modules: ReadonlyMap<string, string>,
): string {
  const lines = example.code.split('\n');
  const imports: string[] = [];
  const body: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('import ')) imports.push(withModules(line, modules));
    else body.push(withClaim(line, example.line + index));
  }
  const names = Object.keys(scope);
  const types = Object.entries(scope).map(([name, type]) => `readonly ${name}: ${type};`);
  return [
    ...imports,
    `type Scope = { ${types.join(' ')} };`,
    'type Claim = (value: unknown, text: string, line: number) => void;',
    'export async function example(scope: Scope, claim: Claim): Promise<void> {',
    `const { ${names.join(', ')} } = scope;`,
    `void [${names.join(', ')}, claim];`,
    '{',
    ...body,
    '}',
    '}',
    '',
  ].join('\n');
}

function withModules(line: string, modules: ReadonlyMap<string, string>): string {
  return line.replace(/'([^']+)'/, (_, name: string) => `'${modules.get(name) ?? name}'`);
}

const LOGGED = /^(\s*)console\.log\((.*)\);\s*\/\/ → (.*)$/;
const VALUE = /^(\s*)(await .*);\s*\/\/ → (.*)$/;

function withClaim(line: string, number: number): string {
  const [, indent, expressions, text] = LOGGED.exec(line) ?? VALUE.exec(line) ?? [];
  if (expressions === undefined) return line;
  return `${indent}claim([${expressions}], ${JSON.stringify(text)}, ${number});`;
}
