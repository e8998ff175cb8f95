/**
 * Opening, using and closing databases over and over keeps memory and descriptors flat.
 *
 * A cycle opens one database, writes, reads in every way, leaves an iterator to the close, and closes it with or
 * without a flush. `PEGASUS_LEAK_CYCLES` says how many (default 300; the full run is 10,000).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  encodeBatch,
  read,
  readMany,
  scan,
  utf8,
  WHOLE_RANGE,
  write,
} from '../../src/adapters/engine-contract-tools.ts';
import { RocksDbEngineFactory } from '../../src/adapters/rocksdb/factory.ts';

const CYCLES = Number(process.env['PEGASUS_LEAK_CYCLES'] ?? 300);
/** Caches, pools and the allocator's arenas fill in the first cycles. */
const WARM_UP_CYCLES = Math.floor(CYCLES / 3);
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;
const ROWS = 50;

before(() => {
  const build = fileURLToPath(new URL('build.mjs', import.meta.url));
  execFileSync(process.execPath, [build], { stdio: 'inherit' });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function descriptorCount(): Promise<number> {
  return process.platform === 'linux' ? (await readdir('/proc/self/fd')).length : 0;
}

function residentBytes(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}

async function runCycle(engines: RocksDbEngineFactory, cycle: number): Promise<void> {
  const engine = await engines.open('db');
  const keys = Array.from({ length: ROWS }, (_, index) => utf8(`key${index}`));
  const value = new Uint8Array(500).fill(cycle);
  await write(engine, encodeBatch(keys.map((key) => [key, value] as const)));
  engine.write(new Uint8Array(3));
  assert.equal((await readMany(engine, keys)).length, ROWS);
  assert.equal((await scan(engine, {}, 7)).length, ROWS);
  assert.equal((await read(engine, keys[3]!))?.[0], cycle % 256);
  engine.setCompactionRules({
    enabled: true,
    defaultTtlSeconds: 0,
    partitionVersion: -1,
    partitionIndex: 0,
    userRules: '{"ops":[]}',
  });
  engine.iterate(WHOLE_RANGE);
  if (cycle % 10 === 0) await engine.compact();
  await engine.close({ flush: cycle % 5 === 0 });
}

test(`${CYCLES} cycles of open, use and close keep memory flat`, async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'pegasus-leak-'));
  const engines = new RocksDbEngineFactory({ root, cacheBytes: 1024 * 1024 });
  let warmBytes = 0;
  let warmDescriptors = 0;
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    if (cycle === WARM_UP_CYCLES) {
      warmBytes = residentBytes();
      warmDescriptors = await descriptorCount();
    }
    await runCycle(engines, cycle);
  }
  const grownBytes = residentBytes() - warmBytes;
  context.diagnostic(
    `resident after warm-up: ${warmBytes} bytes, grown since: ${grownBytes} bytes`,
  );
  assert.ok(grownBytes < GROWTH_BYTES_MAX, `grown by ${grownBytes} bytes`);
  assert.equal(await descriptorCount(), warmDescriptors);
  await rm(root, { recursive: true });
});
