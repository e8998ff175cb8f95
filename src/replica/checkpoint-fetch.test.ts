/** A checkpoint is fetched in verified pieces, no faster than allowed, and goes on where it was interrupted. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { gpidOf } from '../model/identity.ts';
import type { FileRequest, LearnCheckpoint } from '../wire/generated/internal.ts';
import { makeFileChunk } from '../wire/generated/internal.ts';
import { Bandwidth } from './bandwidth.ts';
import { CheckpointFetch, FetchAbandoned } from './checkpoint-fetch.ts';
import { CHUNK_BYTES_MAX, checksumOf } from './checkpoint-source.ts';

const GPID = gpidOf(2, 1);
const BYTES = 3 * CHUNK_BYTES_MAX + 100;

function contentOf(seed: number): Uint8Array {
  return new Uint8Array(BYTES).map((_, index) => (index * 31 + seed) >>> 3);
}

class World {
  readonly time = new VirtualTime();
  readonly disk = new MemoryDisk({ timers: this.time });
  readonly requests: FileRequest[] = [];
  served = contentOf(1);
  /** Answers no more after so many pieces. */
  piecesMax = Number.POSITIVE_INFINITY;
  sentBytes = 0;

  fetch(learnId: number, bytesPerSecond = 1 << 30): CheckpointFetch {
    const offer: LearnCheckpoint = {
      gpid: GPID,
      learnId,
      checkpointId: String(learnId),
      decree: 7,
      fileNames: ['one.sst'],
      fileSizes: [this.served.length],
    };
    const bandwidth = new Bandwidth(this.time, this.time, bytesPerSecond);
    const environment = { clock: this.time, disk: this.disk };
    const fetch: CheckpointFetch = new CheckpointFetch(
      environment,
      offer,
      'data/learn',
      bandwidth,
      CHUNK_BYTES_MAX,
      (request) => {
        this.requests.push(request);
        if (this.requests.length > this.piecesMax) return;
        this.time.after(1, () => this.#answer(fetch, request));
      },
    );
    return fetch;
  }

  #answer(fetch: CheckpointFetch, request: FileRequest): void {
    const piece = this.served.subarray(request.offset, request.offset + request.length);
    const checksum = checksumOf(piece);
    const bytes = request.isHeld && request.heldChecksum === checksum ? new Uint8Array(0) : piece;
    this.sentBytes += bytes.length;
    fetch.onFileChunk({ ...makeFileChunk(), ...request, bytes, checksum, error: 'ERR_OK' });
  }

  async fetched(): Promise<Uint8Array> {
    return await this.time.run(this.disk.readFile('data/learn/one.sst'));
  }

  async interrupt(learnId: number, pieces: number): Promise<void> {
    this.piecesMax = pieces;
    const fetch = this.fetch(learnId);
    const ended = assert.rejects(fetch.run(), FetchAbandoned);
    await this.time.advance(1_000);
    fetch.abandon();
    await this.time.run(ended);
    this.piecesMax = Number.POSITIVE_INFINITY;
    this.requests.length = 0;
    this.sentBytes = 0;
  }
}

test('what an interrupted attempt has fetched is compared, not sent again', async () => {
  const world = new World();
  await world.interrupt(1, 2);
  await world.time.run(world.fetch(2).run());
  assert.equal(world.sentBytes, BYTES - 2 * CHUNK_BYTES_MAX);
  assert.deepEqual(
    world.requests.map((request) => request.isHeld),
    [true, true, false, false],
  );
  assert.deepEqual(await world.fetched(), world.served);
});

test('of another checkpoint only what is equal is kept', async () => {
  const world = new World();
  await world.interrupt(1, 3);
  world.served = world.served.slice();
  world.served[CHUNK_BYTES_MAX + 5]! ^= 1;
  await world.time.run(world.fetch(2).run());
  assert.equal(world.sentBytes, BYTES - CHUNK_BYTES_MAX);
  assert.deepEqual(await world.fetched(), world.served);
});

test('bits that rotted in what was fetched before are fetched again', async () => {
  const world = new World();
  await world.interrupt(1, 2);
  world.disk.flipBit('data/learn/one.sst', 17, 3);
  await world.time.run(world.fetch(2).run());
  assert.deepEqual(await world.fetched(), world.served);
});

test('files of no use to this checkpoint go, and one that is too long is cut', async () => {
  const world = new World();
  await world.time.run(world.fetch(1).run());
  await world.time.run(world.disk.replaceFile('data/learn/other.sst', new Uint8Array(3)));
  world.served = world.served.slice(0, CHUNK_BYTES_MAX);
  await world.time.run(world.fetch(2).run());
  assert.deepEqual(await world.fetched(), world.served);
  const left = await world.time.run(world.disk.list('data/learn'));
  assert.deepEqual(
    left.map((entry) => entry.name),
    ['one.sst'],
  );
});

test('pieces come no faster than the bandwidth allows', async () => {
  const world = new World();
  const beganAtMs = world.time.monotonicMs();
  await world.time.run(world.fetch(1, CHUNK_BYTES_MAX).run());
  const tookMs = world.time.monotonicMs() - beganAtMs;
  assert.ok(tookMs >= 3_000 && tookMs < 3_500, `${tookMs}`);
});
