/**
 * The official Node.js client works with this cluster in everything that it can do. No registry
 * carries it, so its folder is named by PEGASUS_TS_NODEJS_CLIENT: ready to be required, its thrift
 * files generated and its packages installed.
 */
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { beforeAndAfter, runSuite } from './suite.ts';

const PROGRAM = fileURLToPath(new URL('./nodejs/program.cjs', import.meta.url));
const CLIENT = process.env['PEGASUS_TS_NODEJS_CLIENT'] ?? '';
const skip = CLIENT === '' ? 'PEGASUS_TS_NODEJS_CLIENT does not name its folder' : false;

const CHECKS = [
  ...beforeAndAfter(
    ...['set', 'get', 'get-missing', 'del', 'del-shows', 'ttl-without-epoch-is-over'],
    ...['binary', 'empty-hash-key', 'large-value'],
    ...['multiSet', 'multiGet', 'multiGet-of-some-is-of-all', 'multiGet-cut', 'multiGet-missing'],
    ...['batchSet', 'batchGet'],
  ),
  ...['during/writes', 'during/reads', 'after/reads'],
  ...['missing-table', 'doomed-table', 'dropped-table', 'dropped-table-again'],
];

test('Node.js: pegasus-nodejs-client', { skip }, async (t) => {
  const args = ['--no-deprecation', PROGRAM];
  await runSuite(t, { program: process.execPath, args, checks: CHECKS });
});
