/**
 * The mutation log after a start: one segment is damaged, the manifest is whole. Whatever the segment holds, recovery
 * ends, tells what is missing, and delivers mutations of partitions that there can be, with numbers. (That their bodies
 * are those that were written is the checksums' business, which are made to hold here.)
 */
import { crc32c } from '../../src/base/crc32c.ts';
import type { Decree } from '../../src/model/identity.ts';
import { BLOCK_HEADER_BYTES, RECORD_HEADER_BYTES } from '../../src/storage/log/log-format.ts';
import { DIRECTORY, LogWorld, Partition } from '../log/log-world.ts';
import { expect, type FuzzTarget } from './target.ts';

const BLOCK_MAGIC = 0xb10c9e57;

interface WrittenLog {
  readonly manifest: Uint8Array;
  readonly segments: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

/** Two partitions, several blocks, and one segment or three. */
async function writeLog(segmentBytesMax: number): Promise<WrittenLog> {
  const world = new LogWorld(1, { segmentBytesMax });
  await world.replay();
  const partitions = [new Partition(1, 0), new Partition(2, 7)] as const;
  for (let round = 0; round < 4; round++) {
    for (const partition of partitions) await world.append(partition, 2, round % 2 === 0);
  }
  world.log.appendTruncated(partitions[0].gpid, 6 as Decree, true);
  await world.time.run(world.log.close());
  const read = (path: string): Promise<Uint8Array> => world.time.run(world.disk.readFile(path));
  const segments: { path: string; bytes: Uint8Array }[] = [];
  for (const { path } of await world.segmentFiles()) {
    segments.push({ path, bytes: await read(path) });
  }
  return { manifest: await read(`${DIRECTORY}/MANIFEST`), segments };
}

export class LogTarget implements FuzzTarget {
  readonly name: string;
  readonly #segmentBytesMax: number;
  /** Which segment is damaged, as `Array.at` counts. */
  readonly #place: number;
  #log: WrittenLog | null = null;

  constructor(name: string, segmentBytesMax: number, place: number) {
    this.name = name;
    this.#segmentBytesMax = segmentBytesMax;
    this.#place = place;
  }

  /** Made by the first run: it takes a disk. */
  seed(): Uint8Array {
    return this.#log?.segments.at(this.#place)?.bytes.slice() ?? new Uint8Array(0);
  }

  async run(bytes: Uint8Array): Promise<boolean> {
    if (this.#log === null) {
      this.#log = await writeLog(this.#segmentBytesMax);
      return true;
    }
    const { manifest, segments } = this.#log;
    const world = new LogWorld(1);
    const put = (path: string, content: Uint8Array): Promise<void> =>
      world.time.run(world.disk.replaceFile(path, content));
    await world.time.run(world.disk.makeDirectory(DIRECTORY));
    await put(`${DIRECTORY}/MANIFEST`, manifest);
    const damaged = segments.at(this.#place);
    for (const segment of segments) {
      await put(segment.path, segment === damaged ? bytes : segment.bytes);
    }
    const { report, mutations } = await world.replay();
    for (const mutation of mutations) {
      for (const number of [mutation.decree, mutation.ballot, mutation.lastCommittedDecree]) {
        expect(Number.isSafeInteger(number), 'a mutation that is delivered has no numbers');
      }
    }
    for (const gpid of world.log.partitions()) {
      await world.time.run(world.log.read(gpid, 1 as Decree, 1 << 20));
    }
    await world.time.run(world.log.close());
    return report.damages.length === 0;
  }

  /** Of records, payloads and blocks, from the inside out. */
  repair(bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + BLOCK_HEADER_BYTES <= bytes.length; at++) {
      if (view.getUint32(at, true) !== BLOCK_MAGIC) continue;
      const start = at + BLOCK_HEADER_BYTES;
      const end = Math.min(start + view.getUint32(at + 4, true), bytes.length);
      for (let record = start; record + RECORD_HEADER_BYTES <= end; ) {
        view.setUint32(record + 56, crc32c(bytes, record, record + 56), true);
        record += RECORD_HEADER_BYTES + view.getUint32(record + 4, true);
      }
      view.setUint32(at + 12, crc32c(bytes, start, end), true);
      view.setUint32(at + 44, crc32c(bytes, at, at + 44), true);
    }
    return bytes;
  }
}

export function logTargets(): readonly FuzzTarget[] {
  return [
    new LogTarget('log of one segment', 1 << 20, -1),
    new LogTarget('last segment of a log', 512, -1),
    new LogTarget('first segment of a log', 512, 0),
  ];
}
