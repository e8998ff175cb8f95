/**
 * What the storage layer costs per operation, without network and replication: `node --import tsx bench/storage.ts`.
 * Prints one JSON document; nanoseconds per operation, the best of several rounds (the others had company).
 */

import { MemoryDisk } from '../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../src/adapters/memory/engine.ts';
import { SeededRandom } from '../src/base/prng.ts';
import type { Clock, Timers } from '../src/env/clock.ts';
import { EngineStatus } from '../src/env/engine.ts';
import { partitionHash } from '../src/model/hash.ts';
import { encodeKey, hashKeyOf, RESERVED_START } from '../src/model/key.ts';
import { tableSettings } from '../src/model/table-settings.ts';
import { LatestValues } from '../src/storage/latest-value.ts';
import { PendingWrite } from '../src/storage/pending-write.ts';
import { ReadOutcome } from '../src/storage/read-outcome.ts';
import { ReadService } from '../src/storage/read-service.ts';
import { STORAGE_LIMITS } from '../src/storage/table-context.ts';
import { WriteBatchBuilder } from '../src/storage/write-batch.ts';
import { AppendOutcome } from '../src/storage/write-outcome.ts';
import { WriteService } from '../src/storage/write-service.ts';
import {
  makeGetScannerRequest,
  makeMultiGetRequest,
  makeUpdateRequest,
  writeGetScannerRequest,
  writeMultiGetRequest,
  writeUpdateRequest,
} from '../src/wire/generated/rrdb.ts';
import { Reader } from '../src/wire/reader.ts';
import { RpcCode } from '../src/wire/rpc-codes.ts';
import { Writer } from '../src/wire/writer.ts';

const ROUNDS = 7;
const KEYS = 20_000;
const VALUE_BYTES = 100;
/** Writes of one mutation, as a busy turn of the event loop brings them. */
const WRITES_PER_BATCH = 16;
const ROWS_PER_RANGE = 100;
const SCANS = 20;

const CONTEXT = { appId: 2, partitionIndex: 0, server: '127.0.0.1:34801' };

const realTime: Clock & Timers = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs) => ({ dueMs: delayMs }),
  every: (intervalMs) => ({ dueMs: intervalMs }),
  cancel: () => undefined,
  defer: () => undefined,
};

interface PutRequest {
  readonly body: Uint8Array;
  readonly partitionHashHigh: number;
  readonly partitionHashLow: number;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function keyOf(index: number): Uint8Array {
  const hashKey = `user${String(Math.floor(index / ROWS_PER_RANGE)).padStart(8, '0')}`;
  const sortKey = `field${String(index % ROWS_PER_RANGE).padStart(6, '0')}`;
  return encodeKey(new Uint8Array(Buffer.from(hashKey)), new Uint8Array(Buffer.from(sortKey)));
}

/** Best nanoseconds per operation. */
function measure(operations: number, run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, ((performance.now() - start) * 1e6) / operations);
  }
  return Math.round(best);
}

function putRequests(): PutRequest[] {
  const value = new Uint8Array(VALUE_BYTES).fill(118);
  const hash = { high: 0, low: 0 };
  return Array.from({ length: KEYS }, (_, index) => {
    const key = keyOf(index);
    const writer = new Writer();
    writeUpdateRequest(writer, { ...makeUpdateRequest(), key, value });
    partitionHash(key, 0, key.length, hash);
    return {
      body: writer.take().slice(),
      partitionHashHigh: hash.high,
      partitionHashLow: hash.low,
    };
  });
}

function getRequests(): Uint8Array[] {
  const random = new SeededRandom(2);
  return Array.from({ length: KEYS }, () => {
    const body = new Writer();
    body.writeBlob(keyOf(random.below(KEYS)));
    return body.take().slice();
  });
}

function multiGetRequests(): Uint8Array[] {
  return Array.from({ length: KEYS / ROWS_PER_RANGE }, (_, index) => {
    const body = new Writer();
    const hashKey = hashKeyOf(keyOf(index * ROWS_PER_RANGE));
    writeMultiGetRequest(body, { ...makeMultiGetRequest(), hashKey, startInclusive: true });
    return body.take().slice();
  });
}

/** Each reads the first 1,000 rows. */
function scannerRequests(): Uint8Array[] {
  const body = new Writer();
  writeGetScannerRequest(body, {
    ...makeGetScannerRequest(),
    startKey: new Uint8Array([0, 0]),
    stopKey: RESERVED_START,
    startInclusive: true,
  });
  const request = body.take();
  return Array.from({ length: SCANS }, () => request);
}

async function main(): Promise<void> {
  const factory = new MemoryEngineFactory({
    disk: new MemoryDisk(),
    timers: realTime,
    clock: null,
    mayBlock: null,
  });
  const engine = await factory.open('bench');
  const settings = tableSettings(8, new Map());
  const writes = new WriteService(
    CONTEXT,
    settings,
    1,
    new LatestValues({ engine, appliedDecree: () => 0, unapplied: () => [] }),
  );
  const reads = new ReadService(engine, CONTEXT, settings, realTime, new SeededRandom(1));
  const builder = new WriteBatchBuilder();
  const pending = new PendingWrite();
  const reader = new Reader();
  const puts = putRequests();
  let decree = 0;

  const appendAll = (apply: boolean): void => {
    for (let index = 0; index < puts.length; index++) {
      const put = puts[index]!;
      reader.reset(put.body, 0, put.body.length);
      const outcome = writes.append(RpcCode.put, reader, 1e15 + index, put, builder, pending);
      check(outcome === AppendOutcome.appended, 'a put is appended');
      if (index % WRITES_PER_BATCH !== WRITES_PER_BATCH - 1) continue;
      decree++;
      const batch = builder.seal(decree);
      if (apply) check(engine.write(batch) === EngineStatus.ok, 'a batch is applied');
    }
  };
  appendAll(true);
  const putNs = measure(KEYS, () => appendAll(false));

  const writer = new Writer(1024 * 1024);
  const readAll = (code: RpcCode, bodies: readonly Uint8Array[]): void => {
    for (const body of bodies) {
      reader.reset(body, 0, body.length);
      check(reads.tryRead(code, reader, writer) === ReadOutcome.done, 'a read is answered');
      writer.rewind(0);
    }
  };
  const gets = getRequests();
  const getNs = measure(KEYS, () => readAll(RpcCode.get, gets));
  const engineView = { bytes: new Uint8Array(0), start: 0, end: 0 };
  const keys = gets.map((body) => body.subarray(4));
  const engineGetNs = measure(KEYS, () => {
    for (const key of keys)
      check(engine.get(key, engineView) === EngineStatus.ok, 'a key is there');
  });

  const ranges = multiGetRequests();
  const multiGetRowNs = measure(KEYS, () => readAll(RpcCode.multiGet, ranges));
  const scans = scannerRequests();
  const scanRowNs = measure(SCANS * STORAGE_LIMITS.scanRowsMax, () =>
    readAll(RpcCode.getScanner, scans),
  );
  reads.close();

  const report = {
    benchmark: 'storage',
    node: process.version,
    valueBytes: VALUE_BYTES,
    writesPerBatch: WRITES_PER_BATCH,
    nsPerOperation: {
      putAppendAndSeal: putNs,
      getReply: getNs,
      engineGetAlone: engineGetNs,
      multiGetRow: multiGetRowNs,
      scanRow: scanRowNs,
    },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

await main();
