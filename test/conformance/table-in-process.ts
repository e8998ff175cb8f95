/**
 * A table of several partitions without servers: for each partition the read and the write service
 * over the in-memory engine, and one write at a time is one mutation.
 */

import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../../src/adapters/memory/engine.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import type { Clock, Timers } from '../../src/env/clock.ts';
import { type Engine, EngineStatus } from '../../src/env/engine.ts';
import { tableSettings } from '../../src/model/table-settings.ts';
import { LatestValues } from '../../src/storage/latest-value.ts';
import type { WriteHeader } from '../../src/storage/own-keys.ts';
import { PendingWrite } from '../../src/storage/pending-write.ts';
import { ReadOutcome } from '../../src/storage/read-outcome.ts';
import { ReadService } from '../../src/storage/read-service.ts';
import { WriteBatchBuilder } from '../../src/storage/write-batch.ts';
import { AppendOutcome } from '../../src/storage/write-outcome.ts';
import { WriteService } from '../../src/storage/write-service.ts';
import { Reader } from '../../src/wire/reader.ts';
import { RPCS, type RpcCode } from '../../src/wire/rpc-codes.ts';
import { Writer } from '../../src/wire/writer.ts';

const CLUSTER_ID = 1;

export interface Answer {
  /** As in replies; null = no reply at all. */
  readonly frameError: string | null;
  /** Empty unless the frame error is ERR_OK. */
  readonly result: Uint8Array;
}

const NO_RESULT = new Uint8Array(0);

export class PartitionInProcess {
  readonly engine: Engine;
  private readonly reads: ReadService;
  private readonly writes: WriteService;
  private readonly clock: Clock;
  private readonly builder: WriteBatchBuilder;
  private decree: number;

  constructor(engine: Engine, index: number, appId: number, count: number, clock: Clock) {
    const context = { appId, partitionIndex: index, server: '127.0.0.1:34801' };
    const settings = tableSettings(count, new Map());
    this.engine = engine;
    this.clock = clock;
    this.reads = new ReadService(engine, context, settings, clock, new SeededRandom(index + 1));
    const latest = new LatestValues({
      engine,
      appliedDecree: () => this.decree,
      unapplied: () => [],
    });
    this.writes = new WriteService(context, settings, CLUSTER_ID, latest);
    this.builder = new WriteBatchBuilder();
    this.decree = 0;
  }

  async request(code: RpcCode, header: WriteHeader, argument: Uint8Array): Promise<Answer> {
    const reader = new Reader();
    reader.reset(argument, 0, argument.length);
    return RPCS[code]!.kind === 'write'
      ? await this.write(code, header, reader)
      : await this.read(code, reader, argument);
  }

  async close(): Promise<void> {
    this.reads.close();
    await this.engine.close({ flush: false });
  }

  private async write(code: RpcCode, header: WriteHeader, reader: Reader): Promise<Answer> {
    const pending = new PendingWrite();
    const timestampUs = Math.round(this.clock.wallMs() * 1000) + this.decree;
    const argumentAt = reader.position;
    const append = (): AppendOutcome =>
      this.writes.append(code, reader, timestampUs, header, this.builder, pending);
    let outcome = append();
    if (outcome === AppendOutcome.blocked) {
      outcome = await new Promise<AppendOutcome>((resolve) => {
        this.writes.fetch(() => {
          reader.position = argumentAt;
          resolve(append());
        });
      });
    }
    if (outcome !== AppendOutcome.appended) {
      return { frameError: 'ERR_INVALID_PARAMETERS', result: NO_RESULT };
    }
    this.decree++;
    const batch = this.builder.seal(this.decree);
    let status = this.engine.write(batch);
    if (status === EngineStatus.wouldBlock) {
      status = await new Promise((resolve) => this.engine.writeLater(batch, resolve));
    }
    if (status !== EngineStatus.ok) throw new Error(`the engine refuses a batch: ${status}`);
    const writer = new Writer();
    this.writes.writeReply(pending, this.decree, writer);
    return { frameError: 'ERR_OK', result: writer.take() };
  }

  private async read(code: RpcCode, reader: Reader, argument: Uint8Array): Promise<Answer> {
    const writer = new Writer();
    const outcome = this.reads.tryRead(code, reader, writer);
    if (outcome !== ReadOutcome.later) return answerOf(outcome, writer.take());
    return await new Promise((resolve) => {
      this.reads.readLater(code, argument, (late, result) => resolve(answerOf(late, result)));
    });
  }
}

function answerOf(outcome: ReadOutcome, result: Uint8Array): Answer {
  if (outcome === ReadOutcome.done) return { frameError: 'ERR_OK', result };
  if (outcome === ReadOutcome.noReply) return { frameError: null, result: NO_RESULT };
  if (outcome === ReadOutcome.invalidParameters) {
    return { frameError: 'ERR_INVALID_PARAMETERS', result: NO_RESULT };
  }
  throw new Error('the engine has failed');
}

export class TableInProcess {
  readonly appId: number;
  readonly partitions: readonly PartitionInProcess[];

  constructor(appId: number, partitions: readonly PartitionInProcess[]) {
    this.appId = appId;
    this.partitions = partitions;
  }

  async close(): Promise<void> {
    for (const partition of this.partitions) await partition.close();
  }
}

/** `mayBlock` as in `MemoryEngineFactory`: true answers a synchronous call with "would block". */
export async function openTable(
  appId: number,
  partitionCount: number,
  time: Clock & Timers,
  mayBlock: (() => boolean) | null,
): Promise<TableInProcess> {
  const disk = new MemoryDisk();
  const factory = new MemoryEngineFactory({ disk, timers: time, clock: time, mayBlock });
  const partitions: PartitionInProcess[] = [];
  for (let index = 0; index < partitionCount; index++) {
    const engine = await factory.open(`${appId}.${index}`);
    partitions.push(new PartitionInProcess(engine, index, appId, partitionCount, time));
  }
  return new TableInProcess(appId, partitions);
}
