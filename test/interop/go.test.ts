/**
 * The official Go client works with this cluster in everything that it can do, its admin package
 * included. The module proxy does not carry it here, so `go/program.go` is built elsewhere, with
 * the client, and PEGASUS_TS_GO_PROGRAM names what came out.
 */
import { test } from 'node:test';
import { beforeAndAfter, runSuite } from './suite.ts';

const PROGRAM = process.env['PEGASUS_TS_GO_PROGRAM'] ?? '';
const skip = PROGRAM === '' ? 'PEGASUS_TS_GO_PROGRAM does not name the built program' : false;

const CHECKS = [
  ...beforeAndAfter(
    ...['Set', 'Get', 'Get-missing', 'Exist', 'Exist-missing', 'Del', 'Del-shows'],
    ...['TTL-none', 'TTL-missing', 'SetTTL', 'SetTTL-expires'],
    ...['binary', 'empty-sort-key-and-value', 'empty-hash-key-is-refused', 'large-value'],
    ...['MultiSet', 'MultiSetOpt-ttl', 'MultiGet', 'MultiGet-all', 'MultiGetOpt-count'],
    ...['MultiGetOpt-size', 'MultiGetRange', 'MultiGetRangeOpt', 'MultiGetRangeOpt-reverse'],
    ...['MultiGetRangeOpt-filter', 'SortKeyCount', 'MultiDel', 'DelRange', 'DelRangeOpt'],
    ...['deletions-show', 'BatchGet', 'Incr', 'Incr-again', 'Incr-of-text-fails'],
    ...['CheckAndSet-not-exist', 'CheckAndSet-fails', 'CheckAndSet-equal', 'CheckAndSet-int'],
    ...['CheckAndSet-match', 'CheckAndSet-empty', 'CheckAndSet-ttl-of-other'],
    ...['GetScanner', 'GetScanner-bounds', 'GetScanner-filter', 'Scanner-Close'],
    ...['GetUnorderedScanners-1', 'GetUnorderedScanners-3', 'GetUnorderedScanners-100'],
  ),
  ...['during/writes', 'during/reads', 'during/scan', 'after/reads'],
  ...['admin/CreateTable', 'admin/CreateTable-again', 'admin/QueryConfig', 'admin/ListTables'],
  ...['admin/ListNodes', 'admin/DropTable', 'admin/DropTable-shows'],
  ...['admin/remote-command-of-meta', 'admin/remote-command-of-replica'],
  ...['admin/life-created', 'admin/envs-set', 'admin/envs-wrong-value', 'admin/envs-del'],
  ...['admin/envs-clear', 'admin/life-dropped', 'admin/life-recalled', 'admin/life-dropped-again'],
  ...['admin/nodes-by-status', 'admin/cluster-info', 'admin/level-asked', 'admin/level-freezed'],
  ...['admin/level-set-back', 'admin/black-list', 'admin/live-percentage', 'admin/query-progress'],
  ...['admin/unknown-command', 'admin/disk-info', 'admin/add-disk-is-refused'],
  ...['missing-table', 'doomed-table', 'dropped-table', 'dropped-table-again'],
];

test('Go: go-client', { skip }, async (t) => {
  await runSuite(t, { program: PROGRAM, args: [], checks: CHECKS });
});
