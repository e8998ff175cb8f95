/** One partition with its services over an in-memory engine, as the unit tests of src/storage use it. */
import { VirtualTime } from '../../src/adapters/memory/clock.ts';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../../src/adapters/memory/engine.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import type { Clock } from '../../src/env/clock.ts';
import { type Engine, EngineStatus } from '../../src/env/engine.ts';
import { type TableSettings, tableSettings } from '../../src/model/table-settings.ts';
import { ttlNow } from '../../src/model/ttl.ts';
import { ReadMeter } from '../../src/storage/read-meter.ts';
import { ReadOutcome } from '../../src/storage/read-outcome.ts';
import { ReadPool, type ReadPoolLimits } from '../../src/storage/read-pool.ts';
import { ReadService } from '../../src/storage/read-service.ts';
import {
  type ReplicaContext,
  STORAGE_LIMITS,
  type StorageLimits,
} from '../../src/storage/table-context.ts';
import { WriteBatchBuilder } from '../../src/storage/write-batch.ts';
import {
  type GetScannerRequest,
  type MultiGetRequest,
  type MultiGetResponse,
  makeGetScannerRequest,
  makeMultiGetRequest,
  makeScanRequest,
  readMultiGetResponse,
  readScanResponse,
  type ScanResponse,
  writeGetScannerRequest,
  writeMultiGetRequest,
  writeScanRequest,
} from '../../src/wire/generated/rrdb.ts';
import { Reader } from '../../src/wire/reader.ts';
import { RpcCode } from '../../src/wire/rpc-codes.ts';
import { Writer } from '../../src/wire/writer.ts';

export const CONTEXT: ReplicaContext = { appId: 2, partitionIndex: 0, server: '127.0.0.1:34801' };

export interface FixtureOptions {
  readonly limits?: Partial<StorageLimits>;
  readonly settings?: Partial<TableSettings>;
  readonly pool?: ReadPoolLimits;
  readonly seed?: number;
  /** The services see this much time pass whenever they look at the clock. */
  readonly stepMs?: number;
}

/** A machine that is slow: every look at the clock takes time. */
class SlowClock implements Clock {
  private readonly time: Clock;
  private readonly stepMs: number;
  private lateMs: number;

  constructor(time: Clock, stepMs: number) {
    this.time = time;
    this.stepMs = stepMs;
    this.lateMs = 0;
  }

  monotonicMs(): number {
    this.lateMs += this.stepMs;
    return this.time.monotonicMs() + this.lateMs;
  }

  wallMs(): number {
    return this.time.wallMs();
  }
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1');
}

export class StorageFixture {
  readonly time: VirtualTime;
  readonly engine: Engine;
  readonly reads: ReadService;
  readonly meter: ReadMeter = new ReadMeter();
  readonly pool: ReadPool;
  /** Asked for each synchronous call to the engine. */
  mayBlock: () => boolean;
  private readonly builder: WriteBatchBuilder;
  private decree: number;

  private constructor(time: VirtualTime, engine: Engine, options: FixtureOptions) {
    this.time = time;
    this.engine = engine;
    this.mayBlock = (): boolean => false;
    this.builder = new WriteBatchBuilder();
    this.decree = 0;
    const settings = { ...tableSettings(8, new Map()), ...options.settings };
    const limits = { ...STORAGE_LIMITS, ...options.limits };
    const random = new SeededRandom(options.seed ?? 1);
    const clock = new SlowClock(time, options.stepMs ?? 0);
    this.pool = new ReadPool(clock, options.pool);
    const parts = { limits, meter: this.meter, pool: this.pool };
    this.reads = new ReadService(engine, CONTEXT, settings, clock, random, parts);
  }

  static async open(options: FixtureOptions = {}): Promise<StorageFixture> {
    const time = new VirtualTime();
    let fixture: StorageFixture | null = null;
    const mayBlock = (): boolean => fixture?.mayBlock() ?? false;
    const disk = new MemoryDisk();
    const factory = new MemoryEngineFactory({ disk, timers: time, clock: time, mayBlock });
    fixture = new StorageFixture(time, await factory.open('engine'), options);
    return fixture;
  }

  get nowSeconds(): number {
    return ttlNow(this.time.wallMs());
  }

  put(hashKey: string, sortKey: string, value: string, expireSeconds = 0): void {
    const stamp = { expireSeconds, timestampUs: 1, tag: 2 };
    this.builder.put(bytes(hashKey), bytes(sortKey), bytes(value), stamp);
  }

  remove(hashKey: string, sortKey: string): void {
    this.builder.delete(bytes(hashKey), bytes(sortKey));
  }

  /** Applies what was put and removed since the last call. */
  apply(): void {
    this.decree++;
    this.applyBatch(this.builder.seal(this.decree));
  }

  applyBatch(batch: Uint8Array): void {
    const { mayBlock } = this;
    this.mayBlock = (): boolean => false;
    const status = this.engine.write(batch);
    this.mayBlock = mayBlock;
    if (status !== EngineStatus.ok) throw new Error(`the engine refuses a batch: ${status}`);
  }

  /** The outcome of `tryRead`, and the result's bytes. */
  tryRead(code: RpcCode, argument: Uint8Array): { outcome: ReadOutcome; result: Uint8Array } {
    const reader = readerOf(argument);
    const writer = new Writer();
    const outcome = this.reads.tryRead(code, reader, writer);
    return { outcome, result: writer.take() };
  }

  async readLater(
    code: RpcCode,
    argument: Uint8Array,
  ): Promise<{ outcome: ReadOutcome; result: Uint8Array }> {
    return await this.time.run(
      new Promise((resolve) => {
        this.reads.readLater(code, argument, (outcome, result) =>
          resolve({ outcome, result: result.slice() }),
        );
      }),
    );
  }

  /** The result, from memory or later; anything but a result is an error. */
  async read(code: RpcCode, argument: Uint8Array): Promise<Reader> {
    let { outcome, result } = this.tryRead(code, argument);
    if (outcome === ReadOutcome.later) {
      ({ outcome, result } = await this.readLater(code, argument));
    }
    if (outcome !== ReadOutcome.done) throw new Error(`no result: outcome ${outcome}`);
    return readerOf(result);
  }

  async multiGet(request: Partial<MultiGetRequest>): Promise<MultiGetResponse> {
    const argument = multiGetArgument(request);
    return readMultiGetResponse(await this.read(RpcCode.multiGet, argument));
  }

  async getScanner(request: Partial<GetScannerRequest>): Promise<ScanResponse> {
    return readScanResponse(await this.read(RpcCode.getScanner, scannerArgument(request)));
  }

  async scan(contextId: bigint): Promise<ScanResponse> {
    return readScanResponse(await this.read(RpcCode.scan, scanArgument(contextId)));
  }
}

export function readerOf(value: Uint8Array): Reader {
  const reader = new Reader();
  reader.reset(value, 0, value.length);
  return reader;
}

export function blobArgument(value: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.writeBlob(value);
  return writer.take();
}

export function multiGetArgument(request: Partial<MultiGetRequest>): Uint8Array {
  const writer = new Writer();
  writeMultiGetRequest(writer, { ...makeMultiGetRequest(), startInclusive: true, ...request });
  return writer.take();
}

/** The whole partition unless the request says otherwise. */
export function scannerArgument(request: Partial<GetScannerRequest>): Uint8Array {
  const whole = {
    ...makeGetScannerRequest(),
    startKey: new Uint8Array([0, 0]),
    stopKey: new Uint8Array([0xff, 0xff]),
    startInclusive: true,
  };
  const writer = new Writer();
  writeGetScannerRequest(writer, { ...whole, ...request });
  return writer.take();
}

export function scanArgument(contextId: bigint): Uint8Array {
  const writer = new Writer();
  writeScanRequest(writer, { ...makeScanRequest(), contextId });
  return writer.take();
}
