import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { processStart } from './process-start.ts';

test('a process keeps its start, and two processes have different ones', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  assert.notEqual(processStart(process.pid), '');
  assert.equal(processStart(process.pid), processStart(process.pid));
  assert.notEqual(processStart(child.pid!), processStart(process.pid));
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(processStart(child.pid!), '');
});

test('a process that has ended is gone, though its parent never asked how', async () => {
  // The shell becomes `sleep`, which knows nothing of the child that it inherits.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
  assert.notEqual(processStart(pid), '');
  process.kill(pid, 'SIGKILL');
  await until(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  assert.equal(processStart(pid), '');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
});

/** The kernel tells nobody, so it is asked again in every turn. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}
