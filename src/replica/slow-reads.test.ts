import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobArgument, bytes, multiGetArgument } from '../../test/conformance/storage-fixture.ts';
import { VirtualTime } from '../adapters/memory/clock.ts';
import type { LogFields } from '../env/logger.ts';
import { gpidOf } from '../model/identity.ts';
import { encodeKey } from '../model/key.ts';
import { tableSettings } from '../model/table-settings.ts';
import { ReadMeter } from '../storage/read-meter.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { RequestCounters } from './request-counters.ts';
import { SlowReads } from './slow-reads.ts';

const GET = blobArgument(encodeKey(bytes('a secret hash key that goes on and on'), bytes('sort')));

function scene(slowQueryLogKeys = false) {
  const clock = new VirtualTime();
  const lines: (LogFields | undefined)[] = [];
  const logger = {
    debug: (): void => {},
    info: (): void => {},
    warn: (event: string, fields?: LogFields): void => {
      assert.equal(event, 'replica.read.abnormal');
      lines.push(fields);
    },
    error: (): void => {},
  };
  const counters = new RequestCounters();
  const options = { slowQueryMs: 100, slowQueryLogKeys };
  const slow = new SlowReads({ clock, logger }, gpidOf(3, 1), options, counters);
  return { clock, lines, counters, slow, meter: new ReadMeter() };
}

test('a read is slow from the threshold on: the server`s, or that of its table', () => {
  const { slow, meter } = scene();
  assert.equal(slow.isAbnormal(RpcCode.get, 99, meter), false);
  assert.equal(slow.isAbnormal(RpcCode.get, 100, meter), true);
  assert.equal(slow.isAbnormal(RpcCode.scan, 5_000, meter), false, 'scans take their time');
  slow.applySettings(tableSettings(4, new Map([['replica.slow_query_threshold', '20']])));
  assert.equal(slow.isAbnormal(RpcCode.multiGet, 20, meter), true);
  slow.applySettings(tableSettings(4, new Map()));
  assert.equal(slow.isAbnormal(RpcCode.multiGet, 20, meter), false);
});

test('large answers, and those that took many rows to find, are abnormal however quick', () => {
  const { slow, meter } = scene();
  meter.answered(1_000_000, 1);
  assert.equal(slow.isAbnormal(RpcCode.get, 0, meter), true);
  assert.equal(slow.isAbnormal(RpcCode.batchGet, 0, meter), false);
  meter.answered(0, 1_000);
  assert.equal(slow.isAbnormal(RpcCode.multiGet, 0, meter), true);
  assert.equal(slow.isAbnormal(RpcCode.batchGet, 0, meter), false);
});

test('the log tells what was slow without data of users, unless the server is set up to', () => {
  const plain = scene();
  plain.meter.answered(42, 1);
  plain.slow.onAbnormal(RpcCode.get, 'client:1', 120.4, plain.meter, GET);
  assert.deepEqual(plain.lines, [
    {
      gpid: '3.1',
      rpc: 'RPC_RRDB_RRDB_GET',
      remote: 'client:1',
      durationMs: 120,
      bytes: 42,
      rows: 1,
      untold: 0,
    },
  ]);
  const open = scene(true);
  open.slow.onAbnormal(RpcCode.get, 'client:1', 120, open.meter, GET);
  assert.equal(open.lines[0]!['hashKey'], 'a secret hash key that goes on a…');
  const argument = multiGetArgument({ hashKey: bytes('short') });
  open.slow.onAbnormal(RpcCode.multiGet, 'client:1', 120, open.meter, argument);
  assert.equal(open.lines[1]!['hashKey'], 'short');
});

test('when all reads are slow the log tells of ten a second, and how many it left out', async () => {
  const { slow, lines, counters, meter, clock } = scene();
  const read = (): void => slow.onAbnormal(RpcCode.get, 'client:1', 120, meter, GET);
  for (let index = 0; index < 25; index++) read();
  assert.equal(lines.length, 10);
  assert.equal(counters.abnormalReads, 25);
  await clock.advance(1_000);
  read();
  assert.equal(lines.at(-1)!['untold'], 15);
});
