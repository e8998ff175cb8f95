/** Every example of docs/client.md compiles, runs on a real cluster, and says the truth about what it gives. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { formatWithOptions } from 'node:util';
import type { TelemetryMeter, TelemetryTracer } from '../src/bin/client.ts';
import { startTestCluster } from '../src/bin/testing.ts';
import { examplesOf, type Scope, toModule } from './guide-examples.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLIENT = join(ROOT, 'src/bin/client.ts');
const MODULES = new Map([
  ['pegasus-ts/client', CLIENT],
  ['pegasus-ts/testing', join(ROOT, 'src/bin/testing.ts')],
]);
const SCOPE: Scope = {
  client: `import('${CLIENT}').Client`,
  users: `import('${CLIENT}').Table`,
  metas: 'string',
  tracer: `import('${CLIENT}').TelemetryTracer`,
  meter: `import('${CLIENT}').TelemetryMeter`,
  enough: '(row: unknown) => boolean',
  work: '(rows: AsyncIterable<unknown>) => Promise<void>',
};
const TYPES = {
  extends: join(ROOT, 'tsconfig.base.json'),
  compilerOptions: {
    isolatedDeclarations: false,
    declaration: false,
    noUnusedLocals: false,
    rewriteRelativeImportExtensions: false,
    typeRoots: [join(ROOT, 'node_modules/@types')],
  },
  include: ['*.ts'],
};

const page = readFileSync(join(ROOT, 'docs/client.md'), 'utf8');
const examples = examplesOf(page);
const folder = mkdtempSync(join(tmpdir(), 'pegasus-guide-'));
writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
after(() => rmSync(folder, { recursive: true }));

const fileOf = (line: number): string => join(folder, `line-${line}.ts`);
for (const example of examples) {
  writeFileSync(fileOf(example.line), toModule(example, SCOPE, MODULES));
}

test('the page has examples, and claims in them are found', () => {
  assert(examples.length >= 15);
  const claimed = examples.map((example) => toModule(example, SCOPE, MODULES)).join('');
  assert.equal(claimed.match(/^\s*claim\(/gm)?.length, page.match(/ → /g)?.length);
});

test('every example compiles', () => {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TYPES));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = { encoding: 'utf8', stdio: 'pipe' } as const;
  try {
    execFileSync(process.execPath, [compiler, '-p', folder], options);
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout);
  }
});

const tracer: TelemetryTracer = {
  startSpan: () => ({
    setAttributes: () => undefined,
    recordException: () => undefined,
    setStatus: () => undefined,
    end: () => undefined,
  }),
};
const meter: TelemetryMeter = { createHistogram: () => ({ record: () => undefined }) };

/** What `connect` is given in the page's first example. */
const ADDRESS = '127.0.0.1:34601';

test('every example runs, one after the other', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect();
  const scope = {
    client,
    users: client.table('temp'),
    metas: cluster.metas,
    tracer,
    meter,
    enough: () => true,
    work: async (rows: AsyncIterable<unknown>) => {
      for await (const row of rows) assert(row !== null);
    },
  };
  const claim = (values: readonly unknown[], text: string, line: number): void => {
    assert.equal(formatWithOptions({ compact: true }, ...values), text, `docs/client.md:${line}`);
  };
  for (const { line } of examples) {
    const text = readFileSync(fileOf(line), 'utf8').replaceAll(ADDRESS, cluster.metas);
    writeFileSync(fileOf(line), text);
    const { example } = await import(pathToFileURL(fileOf(line)).href);
    try {
      await example(scope, claim);
    } catch (error) {
      throw new Error(`the example at docs/client.md:${line} failed`, { cause: error });
    }
  }
});
