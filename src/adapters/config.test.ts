import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../base/user-error.ts';
import { readConfigFile } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'pegasus-config-'));
after(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const path = join(folder, 'pegasus.toml');
  writeFileSync(path, text);
  return path;
}

function messageOf(path: string): string {
  try {
    readConfigFile(path);
  } catch (error) {
    assert(error instanceof UserError);
    assert.notEqual(error.remedy, '');
    return error.message;
  }
  assert.fail('the file was taken');
}

test('sections become nested tables', () => {
  const path = written('[replica]\nlease_ms = "5s"\nlisten = "127.0.0.1:1"\n[meta]\nx = [1, 2]\n');
  assert.deepEqual(JSON.parse(JSON.stringify(readConfigFile(path))), {
    path,
    content: { replica: { lease_ms: '5s', listen: '127.0.0.1:1' }, meta: { x: [1, 2] } },
  });
});

test('a mistake in the file is told with its line and column', () => {
  const path = written('[replica]\nlease_ms = 5s\n');
  assert.match(messageOf(path), /pegasus\.toml:2:\d+: /);
});

test('a file that is not there, or is a folder, is told by its path', () => {
  assert.match(messageOf(join(folder, 'none.toml')), /none\.toml does not exist/);
  assert.match(messageOf(folder), /cannot be read \(it is a folder\)/);
});
