/** The state of a meta server leaves its journal as a file and goes into another store, by commands of the launcher. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pegasus, pegasusJson } from '../support/command.ts';
import { TestOnebox } from '../support/onebox.ts';

test('a meta server is stopped, exported, wiped, imported, and goes on where it was', async () => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  await client.table('temp').set('k', 's', 'v');
  const folder = join(onebox.dir, 'meta1', 'data');
  const dump = join(onebox.dir, 'meta.dump');
  const settings = ['--meta.data_dir', folder];

  const busy = await pegasus(['meta', 'export', ...settings, '--out', dump]);
  assert.equal(busy.exitCode, 1);
  assert.match(busy.stderr, /in use by another meta server/);

  await onebox.act('stop-node', 'meta', 1);
  await pegasusJson(['meta', 'export', ...settings, '--out', dump, '--json']);
  const facts = await pegasusJson<{ tables: number; nodes: number }>([
    'meta',
    'check',
    dump,
    '--json',
  ]);
  assert.deepEqual([facts.tables, facts.nodes], [2, 3]);

  const occupied = await pegasus(['meta', 'import', ...settings, dump]);
  assert.equal(occupied.exitCode, 1);
  assert.match(occupied.stderr, /--replace/);

  rmSync(folder, { recursive: true });
  writeFileSync(`${dump}.damaged`, readFileSync(dump, 'utf8').replace('temp', 'tamp'));
  const damaged = await pegasus(['meta', 'import', ...settings, `${dump}.damaged`]);
  assert.equal(damaged.exitCode, 1);
  assert.match(damaged.stderr, /damaged/);
  assert(!existsSync(folder), 'nothing was begun');

  await pegasusJson(['meta', 'import', ...settings, dump, '--json']);
  await onebox.act('start-node', 'meta', 1);
  await onebox.untilHealthy();
  assert.equal(new TextDecoder().decode((await client.table('temp').get('k', 's'))!), 'v');
  assert.deepEqual(onebox.complaints(), []);
});
