/**
 * The official Java client works with this cluster in everything that it can do, its admin client
 * included. No registry carries it here, so PEGASUS_TS_JAVA_CLIENT is a class path with the client
 * and what it needs.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { beforeAndAfter, runSuite } from './suite.ts';

const PROGRAM = fileURLToPath(new URL('./java/Program.java', import.meta.url));
const CLIENT = process.env['PEGASUS_TS_JAVA_CLIENT'] ?? '';
const skip = whatIsMissing() ?? false;

function whatIsMissing(): string | null {
  if (CLIENT === '') return 'PEGASUS_TS_JAVA_CLIENT is no class path with the client';
  return spawnSync('javac', ['-version']).error === undefined ? null : 'there is no Java compiler';
}

const CHECKS = [
  ...beforeAndAfter(
    ...['get', 'get-missing', 'exist', 'exist-missing', 'del', 'binary', 'empty-hash-key'],
    ...['empty-sort-key-and-value', 'large-value', 'ttl', 'ttl-none', 'ttl-missing', 'ttl-expires'],
    ...['multiGet', 'multiGet-limited', 'multiGet-range', 'multiGet-bounds', 'multiGet-reverse'],
    ...['multiGet-filter', 'multiGetSortKeys', 'sortKeyCount', 'multiSet-ttl', 'multiDel'],
    ...['delRange', 'batchGet', 'batchSet2', 'batchGet2', 'batchGetByPartitions'],
    ...['batchMultiSet2', 'batchMultiGet', 'batchMultiGet2', 'batchMultiDel', 'batchMultiDel2'],
    ...['batchDel', 'batchDel2', 'incr', 'incr-again', 'incr-sets-ttl', 'incr-keeps-ttl'],
    ...['incr-clears-ttl', 'checkAndSet-not-exist', 'checkAndSet-fails', 'checkAndSet-equal'],
    ...['checkAndSet-int', 'checkAndSet-match', 'checkAndMutate', 'checkAndMutate-fails'],
    ...['checkAndMutate-shows', 'compareExchange', 'compareExchange-fails'],
    ...['getScanner', 'getScanner-bounds', 'getScanner-filter', 'getUnorderedScanners-filter'],
    ...['getUnorderedScanners-1', 'getUnorderedScanners-3', 'getUnorderedScanners-100'],
  ),
  ...['during/writes', 'during/reads', 'during/scan', 'after/reads'],
  ...['compression-and-backup-requests', 'compressed'],
  ...['admin/createApp', 'admin/createApp-again', 'admin/listApps', 'admin/dropApp'],
  'admin/dropApp-stays-listed',
  ...['missing-table', 'doomed-table', 'dropped-table', 'dropped-table-again'],
];

test('Java: pegasus-client', { skip }, async (t) => {
  const args = ['-cp', CLIENT, PROGRAM];
  await runSuite(t, { program: 'java', args, checks: CHECKS });
});
