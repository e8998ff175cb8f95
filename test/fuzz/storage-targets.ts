/**
 * The services behind the procedures: requests of every kind, decoded and carried out on a partition. What they
 * answer can be read, to its end, as what the procedure declares; a batch that a write makes can be read and applied.
 *
 * And the native engine, which is given batches and rules that may come from a damaged or hostile peer: it refuses
 * what is wrong, and reads back what it took.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RocksDbEngineFactory } from '../../src/adapters/rocksdb/factory.ts';
import type { SeededRandom } from '../../src/base/prng.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/base/utf8.ts';
import { type Engine, EngineStatus } from '../../src/env/engine.ts';
import { tableSettings } from '../../src/model/table-settings.ts';
import { BatchFormatError, batchRecords } from '../../src/storage/batch-records.ts';
import { LatestValues } from '../../src/storage/latest-value.ts';
import { PendingWrite } from '../../src/storage/pending-write.ts';
import { ReadOutcome } from '../../src/storage/read-outcome.ts';
import { WriteBatchBuilder } from '../../src/storage/write-batch.ts';
import { AppendOutcome } from '../../src/storage/write-outcome.ts';
import { WriteService } from '../../src/storage/write-service.ts';
import { RPCS, type RpcCode, type RpcInfo } from '../../src/wire/rpc-codes.ts';
import { Writer } from '../../src/wire/writer.ts';
import { CONTEXT, readerOf, StorageFixture } from '../conformance/storage-fixture.ts';
import { randomBlob, randomStruct, structNamed } from './schema-values.ts';
import { expect, type FuzzTarget } from './target.ts';
import { readValue, writeValue } from './wire-values.ts';

/** Then the partition is empty again. */
const RUNS_PER_PARTITION = 2_000;
const NO_HASH = { partitionHashHigh: 0, partitionHashLow: 0 };
const MICROSECONDS = 1_000_000;

function argumentOf(rpc: RpcInfo, random: SeededRandom): Uint8Array {
  const writer = new Writer();
  if (rpc.argument === 'blob') writer.writeBlob(randomBlob(random));
  else if (rpc.argument === 'i64') writer.writeI64Big(BigInt(random.below(100)));
  else writeValue(rpc.argument, writer, randomStruct(structNamed(rpc.argument), random));
  return writer.take();
}

/** The first byte of an input chooses the procedure, the second whether the engine's memory is cold. */
class ServiceTarget implements FuzzTarget {
  readonly name: string;
  readonly #kind: 'read' | 'write';
  readonly #rpcs: readonly RpcInfo[];
  #partition: Partition | null = null;
  #runs = 0;

  constructor(kind: 'read' | 'write') {
    this.name = `service of ${kind}s`;
    this.#kind = kind;
    this.#rpcs = RPCS.filter((rpc) => rpc.kind === kind);
  }

  /** Keys may be of no client: then the request is refused, however well-formed. So this makes no promise. */
  seed(random: SeededRandom): Uint8Array {
    const index = random.below(this.#rpcs.length);
    const argument = argumentOf(this.#rpcs[index]!, random);
    return new Uint8Array([index, random.below(2), ...argument]);
  }

  async run(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length < 2) return false;
    if (this.#partition === null || this.#runs % RUNS_PER_PARTITION === 0) {
      this.#partition = await Partition.open();
    }
    this.#runs += 1;
    const rpc = this.#rpcs[bytes[0]! % this.#rpcs.length]!;
    const isCold = bytes[1]! % 2 === 1;
    const argument = bytes.slice(2);
    if (this.#kind === 'read') await this.#partition.read(rpc, argument, isCold);
    else await this.#partition.write(rpc, argument, isCold);
    return true;
  }
}

class Partition {
  readonly #fixture: StorageFixture;
  readonly #writes: WriteService;
  readonly #builder = new WriteBatchBuilder();
  #decree = 0;

  private constructor(fixture: StorageFixture) {
    this.#fixture = fixture;
    const { engine } = fixture;
    const latest = new LatestValues({
      engine,
      appliedDecree: () => this.#decree,
      unapplied: () => [],
    });
    this.#writes = new WriteService(CONTEXT, tableSettings(8, new Map()), 1, latest);
  }

  static async open(): Promise<Partition> {
    const partition = new Partition(await StorageFixture.open());
    const fixture = partition.#fixture;
    for (const sortKey of ['', 's', '12']) fixture.put('h', sortKey, '12');
    fixture.put('', 's', 'v', 1);
    fixture.apply();
    partition.#decree = 1;
    return partition;
  }

  async read(rpc: RpcInfo, argument: Uint8Array, isCold: boolean): Promise<void> {
    const fixture = this.#fixture;
    fixture.mayBlock = () => isCold;
    let { outcome, result } = fixture.tryRead(rpc.code, argument);
    if (outcome === ReadOutcome.later) {
      ({ outcome, result } = await fixture.readLater(rpc.code, argument));
    }
    if (outcome !== ReadOutcome.done) {
      const { invalidParameters, noReply } = ReadOutcome;
      expect(outcome === invalidParameters || outcome === noReply, `a read ends with ${outcome}`);
      return;
    }
    readToEnd(rpc, result);
  }

  async write(rpc: RpcInfo, argument: Uint8Array, isCold: boolean): Promise<void> {
    const fixture = this.#fixture;
    fixture.mayBlock = () => isCold;
    const pending = new PendingWrite();
    let outcome = this.#append(rpc.code, argument, pending);
    if (outcome === AppendOutcome.blocked) {
      const isFetched = new Promise<boolean>((resolve) => this.#writes.fetch(resolve));
      expect(await fixture.time.run(isFetched), 'a value cannot be fetched');
      // What the replica layer does in the callback is done a turn later here.
      fixture.mayBlock = () => false;
      outcome = this.#append(rpc.code, argument, pending);
    }
    if (outcome !== AppendOutcome.appended) {
      expect(outcome === AppendOutcome.invalidParameters, `a write ends with ${outcome}`);
      return;
    }
    this.#decree += 1;
    const batch = this.#builder.seal(this.#decree);
    expect([...batchRecords(batch)].length > 0, 'a batch is empty');
    fixture.applyBatch(batch);
    const writer = new Writer();
    this.#writes.writeReply(pending, this.#decree, writer);
    readToEnd(rpc, writer.take());
  }

  #append(code: RpcCode, argument: Uint8Array, pending: PendingWrite): AppendOutcome {
    const timestampUs = MICROSECONDS + this.#decree;
    const reader = readerOf(argument);
    return this.#writes.append(code, reader, timestampUs, NO_HASH, this.#builder, pending);
  }
}

function readToEnd(rpc: RpcInfo, result: Uint8Array): void {
  const reader = readerOf(result);
  readValue(rpc.result, reader);
  expect(reader.remaining === 0, `an answer to ${rpc.name} has something behind it`);
}

/** A RocksDB of its own in a temporary folder, opened by the first run. */
abstract class NativeTarget implements FuzzTarget {
  abstract readonly name: string;
  #folder = '';
  #engine: Engine | null = null;

  abstract seed(random: SeededRandom): Uint8Array;
  abstract use(engine: Engine, bytes: Uint8Array): boolean;

  async run(bytes: Uint8Array): Promise<boolean> {
    if (this.#engine === null) {
      this.#folder = await mkdtemp(join(tmpdir(), 'pegasus-fuzz-'));
      this.#engine = await new RocksDbEngineFactory({ root: this.#folder }).open('engine');
    }
    return this.use(this.#engine, bytes);
  }

  async close(): Promise<void> {
    await this.#engine?.close({ flush: false });
    if (this.#folder !== '') await rm(this.#folder, { recursive: true });
  }
}

class NativeBatchTarget extends NativeTarget {
  readonly name = 'native write batch';

  seed(random: SeededRandom): Uint8Array {
    const builder = new WriteBatchBuilder();
    for (let count = random.below(6); count > 0; count--) {
      if (random.below(3) === 0) builder.delete(encodeUtf8('h'), randomBlob(random));
      else {
        const stamp = { expireSeconds: random.below(3), timestampUs: 1, tag: 2 };
        builder.put(encodeUtf8('h'), randomBlob(random), randomBlob(random), stamp);
      }
    }
    return builder.seal(1 + random.below(1000));
  }

  /** Both sides agree on what a batch is. */
  use(engine: Engine, bytes: Uint8Array): boolean {
    const before = bytes.slice();
    const status = engine.write(bytes);
    const { ok, invalid, wouldBlock } = EngineStatus;
    expect(status === ok || status === invalid || status === wouldBlock, 'a batch fails otherwise');
    expect(Buffer.compare(before, bytes) === 0, 'the engine changes a batch');
    if (status !== ok) return false;
    for (const _record of batchRecords(bytes)) {
      // Reading is the check.
    }
    return true;
  }
}

class NativeRulesTarget extends NativeTarget {
  readonly name = 'native compaction rules';

  seed(random: SeededRandom): Uint8Array {
    return encodeUtf8(RULES[random.below(RULES.length)]!);
  }

  use(engine: Engine, bytes: Uint8Array): boolean {
    engine.setCompactionRules({
      enabled: true,
      defaultTtlSeconds: 0,
      partitionVersion: 7,
      partitionIndex: 1,
      userRules: decodeUtf8(bytes),
    });
    return true;
  }
}

const HASH_RULE = JSON.stringify({ pattern: 'h', match_type: 'SMT_MATCH_PREFIX' });
const TTL_RULE = JSON.stringify({ start_ttl: 0, stop_ttl: 100 });
const RULES: readonly string[] = [
  JSON.stringify({
    ops: [
      {
        type: 'COT_DELETE',
        params: '',
        rules: [
          { type: 'FRT_HASHKEY_PATTERN', params: HASH_RULE },
          { type: 'FRT_TTL_RANGE', params: TTL_RULE },
        ],
      },
    ],
  }),
  JSON.stringify({
    ops: [
      {
        type: 'COT_UPDATE_TTL',
        params: JSON.stringify({ type: 'UTOT_FROM_NOW', value: 10_000 }),
        rules: [{ type: 'FRT_SORTKEY_PATTERN', params: HASH_RULE }],
      },
    ],
  }),
];

/** Batches as `batchRecords` reads them. */
class BatchTarget implements FuzzTarget {
  readonly name = 'write batch';
  readonly #native = new NativeBatchTarget();

  seed(random: SeededRandom): Uint8Array {
    return this.#native.seed(random);
  }

  run(bytes: Uint8Array): boolean {
    let size = 0;
    try {
      for (const { key, value } of batchRecords(bytes)) size += key.length + value.length;
    } catch (error) {
      if (error instanceof BatchFormatError) return false;
      throw error;
    }
    expect(size <= bytes.length, 'records are larger than their batch');
    return true;
  }
}

const NATIVE_MODULE = join(import.meta.dirname, '../../native/rocksdb/build/pegasus_rocksdb.node');

export function storageTargets(): readonly FuzzTarget[] {
  const services = [new ServiceTarget('read'), new ServiceTarget('write'), new BatchTarget()];
  if (!existsSync(NATIVE_MODULE)) return services;
  return [...services, new NativeBatchTarget(), new NativeRulesTarget()];
}
