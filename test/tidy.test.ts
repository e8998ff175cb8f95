/**
 * The rules of the house that no compiler and no linter holds: layers, purity, sizes, dead files, habits.
 *
 * The tables are the rules; `docs/ARCHITECTURE.md` says why.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { blank, ROOT, readSources, resolveImport, type Source } from './tidy/source.ts';

interface Layer {
  readonly folder: string;
  readonly pure: boolean;
  /** Layers above it that it may import. */
  readonly imports: readonly string[];
  /** Packages; `node:` stands for all modules of Node. */
  readonly packages: readonly string[];
}

const BELOW_ENV = ['base', 'wire', 'model'];
const PURE_BASE = [...BELOW_ENV, 'env'];
const pure = (folder: string, imports: readonly string[]): Layer => ({
  folder,
  pure: true,
  imports,
  packages: [],
});

/** Top to bottom. `consensus` and `cluster` do not know each other, nor do `replica` and `meta`. */
const LAYERS: readonly Layer[] = [
  pure('base', []),
  pure('wire', ['base']),
  pure('model', ['base', 'wire']),
  pure('env', BELOW_ENV),
  pure('consensus', PURE_BASE),
  pure('cluster', PURE_BASE),
  pure('storage', [...PURE_BASE, 'consensus']),
  pure('rpc', PURE_BASE),
  pure('client', [...PURE_BASE, 'rpc']),
  pure('replica', [...PURE_BASE, 'consensus', 'storage', 'rpc']),
  pure('meta', [...PURE_BASE, 'cluster', 'rpc']),
  {
    folder: 'adapters',
    pure: false,
    imports: PURE_BASE,
    packages: ['node:', 'pino', 'smol-toml'],
  },
  {
    folder: 'http',
    pure: false,
    imports: [...PURE_BASE, 'cluster', 'rpc', 'replica', 'meta'],
    packages: ['node:'],
  },
  {
    folder: 'shell',
    pure: false,
    imports: [...PURE_BASE, 'rpc', 'client'],
    packages: ['node:'],
  },
  {
    folder: 'bin',
    pure: false,
    imports: [...PURE_BASE, 'rpc', 'client', 'replica', 'meta', 'adapters', 'http', 'shell'],
    packages: ['node:', 'commander', 'hdr-histogram-js'],
  },
];

/** In code, as whole words. */
const IMPURE = [
  /\bMath\.random\b/,
  /\bDate\b/,
  /\bBuffer\b/,
  /\bprocess\b(?!\s*[(:?])/,
  /\bconsole\b/,
  /\bperformance\b/,
  /\bglobalThis\b/,
  /\b(?:set|clear)(?:Timeout|Interval|Immediate)\b/,
  /\bqueueMicrotask\b/,
  /\bText(?:En|De)coder\b/,
];

const FILE_LINES_MAX = 500;
const COMMENT_COLUMNS_MAX = 120;

/** Anywhere, also in comments. Written so that this file does not find itself. */
const MARKS =
  /@ts-(?:ignor[e]|expect-erro[r]|nochec[k])|biome-ignor[e]|\b(?:TOD[O]|FIXM[E]|XX[X])\b/;
/** In code. */
const HABITS = /\b(?:test|it|describe)\.(?:only|skip|todo)\b|\bas any\b|:\s*any\b|\benum\s+[A-Z]/;

/** Where a process begins, and what is run by hand; these and the tests are the roots of all that lives. */
const ENTRIES = [
  /^src\/bin\/(?:pegasus|onebox|meta|replica|shell|bench|sim|chaos|client|testing)\.ts$/,
  /^scripts\//,
  /^bench\/[^/]+\.ts$/,
  /^examples\//,
];

const src = readSources('src');
const others = ['sim', 'chaos', 'test', 'bench', 'scripts', 'examples', 'native'].flatMap(
  readSources,
);
const all = [...src, ...others];
const production = src.filter((source) => !source.isTest);

function layerOf(path: string): Layer | undefined {
  const folder = path.split('/')[1];
  return LAYERS.find((layer) => layer.folder === folder);
}

function violations(sources: readonly Source[], find: (source: Source) => readonly string[]): void {
  assert(sources.length > 0, 'a rule looks at no file at all');
  const found = sources.flatMap((source) => find(source).map((what) => `${source.path}: ${what}`));
  assert(found.length === 0, `\n  ${found.join('\n  ')}`);
}

test('the rules look at the files of every layer', () => {
  assert(production.length > 50);
  for (const layer of LAYERS) {
    const files = production.filter((source) => layerOf(source.path) === layer);
    assert(files.length > 0, `no file in ${layer.folder}/`);
  }
});

test('every file belongs to a layer', () => {
  violations(src, (source) => (layerOf(source.path) === undefined ? ['no such layer'] : []));
});

test('a file imports its own layer and those above that its layer may know', () => {
  violations(production, (source) => {
    const layer = layerOf(source.path)!;
    return source.imports.flatMap((specifier) => {
      const path = resolveImport(source, specifier);
      return path === null ? packageProblem(layer, specifier) : pathProblem(layer, source, path);
    });
  });
});

function packageProblem(layer: Layer, specifier: string): string[] {
  const isAllowed = layer.packages.some((name) =>
    name.endsWith(':') ? specifier.startsWith(name) : specifier === name,
  );
  return isAllowed ? [] : [`may not import the package ${specifier}`];
}

function pathProblem(layer: Layer, source: Source, path: string): string[] {
  if (!path.startsWith('src/')) {
    // The simulator, the benchmarks and the addon are started and loaded by entry points and adapters only.
    const isAllowed = layer.folder === 'bin' || path.startsWith('native/');
    return isAllowed && !layer.pure ? [] : [`may not import ${path}`];
  }
  const folder = path.split('/')[1]!;
  if (folder === layer.folder || layer.imports.includes(folder)) return [];
  return [`${source.path.split('/')[1]} may not import ${path}`];
}

test('pure layers touch no clock, timer, chance, process or platform type', () => {
  const files = production.filter((source) => layerOf(source.path)?.pure === true);
  violations(files, (source) =>
    source.code
      .split('\n')
      .flatMap((line, index) =>
        IMPURE.filter((pattern) => pattern.test(line)).map(
          (pattern) => `${index + 1} has ${pattern.exec(line)![0]}`,
        ),
      ),
  );
});

test(`files have at most ${FILE_LINES_MAX} lines`, () => {
  const written = all.filter((source) => !source.isGenerated);
  violations(written, (source) => {
    const count = source.lines.length - 1;
    return count > FILE_LINES_MAX ? [`${count} lines`] : [];
  });
});

test(`comments are at most ${COMMENT_COLUMNS_MAX} columns wide`, () => {
  // The formatter sees to the code.
  violations(all, (source) =>
    source.lines.flatMap((line, index) => {
      const isComment = /^\s*(?:\/?\*|\/\/)/.test(line);
      if (!isComment || line.length <= COMMENT_COLUMNS_MAX) return [];
      return [`${index + 1} has ${line.length} columns`];
    }),
  );
});

test('every file under src/ is reached from an entry point or a test', () => {
  const byPath = new Map(all.map((source) => [source.path, source]));
  const roots = all.filter(
    (source) => source.isTest || ENTRIES.some((entry) => entry.test(source.path)),
  );
  const reached = new Set(roots);
  for (const source of reached) {
    for (const specifier of source.imports) {
      const path = resolveImport(source, specifier);
      const next = path === null ? undefined : byPath.get(path);
      if (next !== undefined) reached.add(next);
    }
  }
  violations(src, (source) => (reached.has(source) ? [] : ['nothing imports it']));
});

test('relative imports lead to files', () => {
  violations(all, (source) =>
    source.imports.flatMap((specifier) => {
      const path = resolveImport(source, specifier);
      return path === null || existsSync(join(ROOT, path)) ? [] : [`${specifier} is not there`];
    }),
  );
});

test('a file begins with what it is', () => {
  const files = production.filter((source) => !source.isGenerated);
  violations(files, (source) => (/^\/\*\*|^#!/.test(source.lines[0]!) ? [] : ['no first comment']));
});

test('nothing is silenced, postponed or left out', () => {
  violations(all, (source) => {
    const code = source.code.split('\n');
    return source.lines.flatMap((line, index) => {
      const match = MARKS.exec(line) ?? HABITS.exec(code[index]!);
      return match === null ? [] : [`${index + 1} has ${match[0]}`];
    });
  });
});

test('the lock file names the packages of every platform', () => {
  // npm leaves out those that the registry at hand does not have, and elsewhere `npm ci` then refuses the file.
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const missing = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies).filter((name) => !(`node_modules/${name}` in lock.packages)),
  );
  assert.deepEqual(missing, []);
});

test('the scanner tells code from prose', () => {
  const text = [
    "const a = 'Date'; // Date",
    '/* Date */ const b = /["Date]/g;',
    ['const c = `Date $', '{d ? `Date` : Date.now({})} Date`;'].join(''),
    'const e = 4 / 2; const f = "\\"Date";',
  ].join('\n');
  const code = blank(text);
  assert.equal(code.split('Date').length - 1, 1);
  assert(code.includes('Date.now({})'));
  assert(code.includes('4 / 2; const f ='));
  assert.equal(code.split('\n').length, 4);
  assert.equal(code.length, text.length);
});
