/** For tests of engines: batches from text, and reads that go to the disk when they have to. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { EMPTY_BYTES } from '../base/bytes.ts';
import type { Disk } from '../env/disk.ts';
import {
  type Engine,
  type EngineFactory,
  type EngineIterator,
  EngineStatus,
  type IterateOptions,
  type RowBlock,
  type ValueView,
} from '../env/engine.ts';

/** An engine under test and the disk on which it lies. */
export interface EngineRig {
  readonly engines: EngineFactory;
  /** Same root as the engines. */
  readonly disk: Disk;
  dispose(): Promise<void>;
}

/** One rig and one open engine per test. */
export class Bench {
  readonly #makeRig: () => Promise<EngineRig>;
  rig!: EngineRig;
  engine!: Engine;

  constructor(makeRig: () => Promise<EngineRig>) {
    this.#makeRig = makeRig;
  }

  use(): void {
    beforeEach(async () => {
      this.rig = await this.#makeRig();
      this.engine = await this.rig.engines.open('db');
    });
    afterEach(async () => {
      await this.engine.close({ flush: false });
      await this.rig.dispose();
    });
  }

  /** As after a crash, if not flushed. */
  async reopen(flush: boolean): Promise<void> {
    await this.engine.close({ flush });
    this.engine = await this.rig.engines.open('db');
  }
}

/** Null deletes the key. */
export type BatchRecord = readonly [key: Uint8Array, value: Uint8Array | null];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

const BATCH_HEADER_BYTES = 12;

export function encodeBatch(records: readonly BatchRecord[]): Uint8Array {
  const bytes: number[] = new Array<number>(BATCH_HEADER_BYTES).fill(0);
  for (let index = 0; index < 4; index++) bytes[8 + index] = (records.length >>> (8 * index)) & 255;
  const parts: Uint8Array[] = [Uint8Array.from(bytes)];
  for (const [key, value] of records) {
    parts.push(Uint8Array.of(value === null ? 0 : 1, ...varint(key.length)), key);
    if (value !== null) parts.push(Uint8Array.from(varint(value.length)), value);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

export function textBatch(rows: Readonly<Record<string, string | null>>): Uint8Array {
  const records = Object.entries(rows).map(
    ([key, value]): BatchRecord => [utf8(key), value === null ? null : utf8(value)],
  );
  return encodeBatch(records);
}

export function emptyView(): ValueView {
  return { bytes: EMPTY_BYTES, start: 0, end: 0 };
}

export function emptyBlock(): RowBlock {
  return { bytes: EMPTY_BYTES, offsets: new Uint32Array(0), count: 0, exhausted: false };
}

/** Applies a batch, waiting if the engine asks for it. */
export async function write(engine: Engine, batch: Uint8Array): Promise<EngineStatus> {
  const status = engine.write(batch);
  if (status !== EngineStatus.wouldBlock) return status;
  return new Promise((resolve) => engine.writeLater(batch, resolve));
}

export async function writeText(
  engine: Engine,
  rows: Readonly<Record<string, string | null>>,
): Promise<void> {
  assert.equal(await write(engine, textBatch(rows)), EngineStatus.ok);
}

/** A copy of the value, or null. */
export async function read(engine: Engine, key: Uint8Array): Promise<Uint8Array | null> {
  const view = emptyView();
  let copy: Uint8Array | null = null;
  const take = (status: EngineStatus): EngineStatus => {
    if (status === EngineStatus.ok) copy = view.bytes.slice(view.start, view.end);
    return status;
  };
  let status = take(engine.get(key, view));
  if (status === EngineStatus.wouldBlock) {
    status = await new Promise((resolve) => {
      engine.getLater(key, view, (later) => resolve(take(later)));
    });
  }
  assert.ok(status === EngineStatus.ok || status === EngineStatus.notFound, `status ${status}`);
  return copy;
}

export async function readText(engine: Engine, key: string): Promise<string | null> {
  const value = await read(engine, utf8(key));
  return value === null ? null : decoder.decode(value);
}

/** Copies of the values, null for absent ones. */
export async function readMany(
  engine: Engine,
  keys: readonly Uint8Array[],
): Promise<(Uint8Array | null)[]> {
  const block = emptyBlock();
  let values: (Uint8Array | null)[] = [];
  const take = (status: EngineStatus): EngineStatus => {
    if (status === EngineStatus.ok) values = valuesOf(block);
    return status;
  };
  let status = take(engine.multiGet(keys, block));
  if (status === EngineStatus.wouldBlock) {
    status = await new Promise((resolve) => {
      engine.multiGetLater(keys, block, (later) => resolve(take(later)));
    });
  }
  assert.equal(status, EngineStatus.ok);
  assert.equal(values.length, keys.length);
  return values;
}

function valuesOf(block: RowBlock): (Uint8Array | null)[] {
  const values: (Uint8Array | null)[] = [];
  for (let row = 0; row < block.count; row++) {
    const start = block.offsets[4 * row + 2]!;
    const end = block.offsets[4 * row + 3]!;
    values.push(start === 0xffff_ffff ? null : block.bytes.slice(start, end));
  }
  return values;
}

export interface ScannedBlock {
  readonly keys: Uint8Array[];
  readonly values: Uint8Array[];
  readonly exhausted: boolean;
}

/** The next block of an iterator, copied. */
export async function nextBlock(
  iterator: EngineIterator,
  rowsMax: number,
  bytesMax: number,
): Promise<ScannedBlock> {
  const block = emptyBlock();
  let copy: ScannedBlock | null = null;
  const take = (status: EngineStatus): EngineStatus => {
    if (status === EngineStatus.ok) copy = copyBlock(block);
    return status;
  };
  let status = take(iterator.next(rowsMax, bytesMax, block));
  if (status === EngineStatus.wouldBlock) {
    status = await new Promise((resolve) => {
      iterator.nextLater(rowsMax, bytesMax, block, (later) => resolve(take(later)));
    });
  }
  assert.equal(status, EngineStatus.ok);
  assert.ok(copy !== null);
  return copy;
}

function copyBlock(block: RowBlock): ScannedBlock {
  const keys: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  for (let row = 0; row < block.count; row++) {
    const [keyStart, keyEnd, start, end] = block.offsets.subarray(4 * row, 4 * row + 4);
    keys.push(block.bytes.slice(keyStart, keyEnd));
    values.push(block.bytes.slice(start, end));
  }
  return { keys, values, exhausted: block.exhausted };
}

export const WHOLE_RANGE: IterateOptions = {
  lower: EMPTY_BYTES,
  upper: EMPTY_BYTES,
  reverse: false,
  keysOnly: false,
  fillCache: true,
};

/** All rows of a range, in blocks of that size. */
export async function scan(
  engine: Engine,
  options: Partial<IterateOptions> = {},
  rowsMax: number = 100,
  bytesMax: number = 65_536,
): Promise<[Uint8Array, Uint8Array][]> {
  const iterator = engine.iterate({ ...WHOLE_RANGE, ...options });
  try {
    return await drain(iterator, rowsMax, bytesMax);
  } finally {
    iterator.close();
  }
}

export async function drain(
  iterator: EngineIterator,
  rowsMax: number,
  bytesMax: number,
): Promise<[Uint8Array, Uint8Array][]> {
  const rows: [Uint8Array, Uint8Array][] = [];
  for (;;) {
    const block = await nextBlock(iterator, rowsMax, bytesMax);
    assert.ok(block.keys.length <= rowsMax, 'a block keeps to its rows');
    assert.ok(block.keys.length > 0 || block.exhausted, 'a block has a row unless it is the last');
    block.keys.forEach((key, index) => {
      rows.push([key, block.values[index]!]);
    });
    if (block.exhausted) return rows;
  }
}

export async function scanText(
  engine: Engine,
  options: Partial<IterateOptions> = {},
  rowsMax?: number,
): Promise<string[]> {
  const rows = await scan(engine, options, rowsMax);
  return rows.map(([key, value]) => `${decoder.decode(key)}=${decoder.decode(value)}`);
}

/** Fails, or the error's status. */
export async function statusOfRejection(promise: Promise<unknown>): Promise<EngineStatus> {
  const error = await promise.then(
    () => assert.fail('it should have been rejected'),
    (reason: unknown) => reason,
  );
  assert.equal((error as Error).name, 'EngineError', String(error));
  return (error as { status: EngineStatus }).status;
}
