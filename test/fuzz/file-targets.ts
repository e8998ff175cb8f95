/**
 * Files and records that servers keep: journal and snapshot of a meta server, its records, the head of a shared
 * store, what a replica server writes of itself and of its replicas, the mutation log. Checksums are made to hold
 * again after most of the damage, so that what is behind them is met as well.
 *
 * Damage is told (null, or the error that is meant for it); what is read can be written, and reads the same then.
 */
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { crc32c } from '../../src/base/crc32c.ts';
import type { SeededRandom } from '../../src/base/prng.ts';
import { UserError } from '../../src/base/user-error.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/base/utf8.ts';
import { decodeRecord, encodeRecord, StateFormatError } from '../../src/cluster/records.ts';
import { unpackMutation } from '../../src/consensus/mutation-wire.ts';
import { DiskError } from '../../src/env/disk.ts';
import { StateStoreError } from '../../src/env/state-store.ts';
import {
  encodeEntries,
  encodeFrame,
  encodeHeader,
  FRAME_HEADER_BYTES,
} from '../../src/meta/journal-format.ts';
import { loadJournal } from '../../src/meta/journal-load.ts';
import { decodeHead, encodeHead } from '../../src/meta/shared-head.ts';
import { AppStatus } from '../../src/model/configuration.ts';
import { type AppId, gpidOf, type NodeId, toBallot } from '../../src/model/identity.ts';
import { ReplicaFolder } from '../../src/replica/replica-folder.ts';
import { readServerRecord, writeServerRecord } from '../../src/replica/server-file.ts';
import { decodeManifest, encodeManifest } from '../../src/storage/log/log-manifest.ts';
import { writePrepare } from '../../src/wire/generated/internal.ts';
import { Reader } from '../../src/wire/reader.ts';
import { WireError } from '../../src/wire/types.ts';
import { Writer } from '../../src/wire/writer.ts';
import { damageJson } from './json-damage.ts';
import { isSame, randomStruct, structNamed } from './schema-values.ts';
import { expect, type FuzzTarget } from './target.ts';

const GENERATION = 1;
const JOURNAL_HEADER = {
  format: 1,
  clusterName: 'c',
  clusterId: 'id',
  generation: GENERATION,
  epoch: 1,
} as const;
const NODES: readonly NodeId[] = ['a:1', 'b:1', 'c:1'] as NodeId[];
const FOLDER = 'data';

const TABLE = {
  appId: 1 as AppId,
  appName: 'temp',
  appType: 'pegasus',
  status: AppStatus.available,
  partitionCount: 8,
  maxReplicaCount: 3,
  envs: new Map([['default_ttl', '10']]),
  createSeconds: 1,
  dropSeconds: 0,
  expireSeconds: 0,
  atomicIdempotent: false,
  revision: 1,
};
const CONFIGURATION = {
  gpid: gpidOf(1, 0),
  ballot: toBallot(3),
  maxReplicaCount: 3,
  primary: NODES[0]!,
  secondaries: NODES.slice(1),
  learner: null,
};

const RECORDS = [
  { kind: 'table', app: TABLE },
  {
    kind: 'partition',
    config: CONFIGURATION,
    seats: [{ node: NODES[0]!, incarnation: 2 }],
    materialised: NODES,
    drops: NODES.slice(2),
    dormant: [],
    committedDecree: 7,
  },
  {
    kind: 'node',
    node: NODES[0]!,
    address: { host: 'a', port: 1 },
    incarnation: 2,
    lifeId: 5,
    labels: { zone: 'z', rack: 'r', host: 'a' },
  },
] as const;

// ---- the journal of a meta server ----

function randomEntries(random: SeededRandom): Uint8Array {
  const entries = RECORDS.slice(0, 1 + random.below(RECORDS.length)).map(encodeRecord);
  return encodeEntries(entries);
}

/** The snapshot or the journal is damaged, the other one is whole. */
class JournalTarget implements FuzzTarget {
  readonly name: string;
  readonly #kind: 'snapshot' | 'journal';

  constructor(kind: 'snapshot' | 'journal') {
    this.name = `${kind} of a meta server`;
    this.#kind = kind;
  }

  seed(random: SeededRandom): Uint8Array {
    return journalFile(this.#kind, random.below(4), random);
  }

  async run(bytes: Uint8Array, random: SeededRandom): Promise<boolean> {
    const disk = new MemoryDisk();
    const other = this.#kind === 'snapshot' ? 'journal' : 'snapshot';
    await disk.makeDirectory(FOLDER);
    await disk.replaceFile(fileOf(this.#kind), bytes);
    await disk.replaceFile(fileOf(other), journalFile(other, 2, random));
    try {
      const content = await loadJournal(disk, FOLDER, 'c');
      expect(content !== null, 'a store is taken for none');
      expect(content.tornBytes <= bytes.length, 'more is torn than there is');
      return content.tornBytes === 0;
    } catch (error) {
      if (error instanceof StateStoreError) return false;
      throw error;
    }
  }

  repair(bytes: Uint8Array): Uint8Array {
    return repairFrames(bytes);
  }
}

function fileOf(kind: 'snapshot' | 'journal'): string {
  return `${FOLDER}/${kind}-${String(GENERATION).padStart(12, '0')}`;
}

function journalFile(
  kind: 'snapshot' | 'journal',
  count: number,
  random: SeededRandom,
): Uint8Array {
  const frames = [encodeFrame(0, encodeHeader({ ...JOURNAL_HEADER, kind }))];
  for (let index = 1; index <= count; index++) {
    frames.push(encodeFrame(index, randomEntries(random)));
  }
  // A snapshot ends with a frame of nothing.
  if (kind === 'snapshot') frames.push(encodeFrame(count + 1, encodeEntries([])));
  return new Uint8Array(Buffer.concat(frames));
}

/** Both checksums of each frame, where there still is one. */
function repairFrames(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length; at++) {
    if (view.getUint32(at) !== 0x504d4a31) continue;
    const start = at + FRAME_HEADER_BYTES;
    const end = Math.min(start + view.getUint32(at + 4), bytes.length);
    view.setUint32(at + 16, crc32c(bytes, start, end));
    view.setUint32(at + 20, crc32c(bytes, at, at + 20));
  }
  return bytes;
}

/** The value of a record; its key is that of the whole one. */
class RecordTarget implements FuzzTarget {
  readonly name: string;
  readonly #index: number;

  constructor(index: number) {
    this.#index = index;
    this.name = `record of a ${RECORDS[index]!.kind}`;
  }

  seed(): Uint8Array {
    return encodeRecord(RECORDS[this.#index]!).value;
  }

  run(bytes: Uint8Array): boolean {
    const { key } = encodeRecord(RECORDS[this.#index]!);
    try {
      const record = decodeRecord({ key, value: bytes });
      expect(record !== null, 'a record is taken for none');
      const entry = encodeRecord(record);
      expect(entry.key === key, 'a record moves to another key');
      expect(isSame(decodeRecord(entry), record), 'a record is another one when read again');
      return true;
    } catch (error) {
      if (error instanceof StateFormatError) return false;
      throw error;
    }
  }

  damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
    return damageJson(bytes, random);
  }
}

class SharedHeadTarget implements FuzzTarget {
  readonly name = 'head of a shared store';

  seed(random: SeededRandom): Uint8Array {
    const { format, clusterName, clusterId, epoch } = JOURNAL_HEADER;
    const sequence = random.below(10);
    const metaServers = ['a:1', 'b:1'];
    const head = { format, clusterName, clusterId, epoch, sequence, stagedCount: 1, metaServers };
    return encodeHead(head);
  }

  run(bytes: Uint8Array): boolean {
    const head = decodeHead(bytes);
    if (head === null) return false;
    expect(isSame(decodeHead(encodeHead(head)), head), 'a head is another one when read again');
    return true;
  }

  damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
    return damageJson(bytes, random);
  }
}

// ---- files of a replica server ----

/** `{format, checksum, content}` in JSON, with the checksum of `prefix` and the content. */
function repairChecked(bytes: Uint8Array, prefix: string): Uint8Array {
  try {
    const file = JSON.parse(decodeUtf8(bytes)) as { content?: unknown } | null;
    if (typeof file !== 'object' || file === null) return bytes;
    const content = encodeUtf8(`${prefix}${JSON.stringify(file.content)}`);
    const checksum = crc32c(content, 0, content.length);
    return encodeUtf8(JSON.stringify({ ...file, checksum }));
  } catch {
    return bytes;
  }
}

class ReplicaFileTarget implements FuzzTarget {
  readonly name = 'replica.json';
  readonly #disk = new MemoryDisk();
  readonly #folder = new ReplicaFolder(this.#disk, FOLDER, CONFIGURATION.gpid);
  #whole: Uint8Array | null = null;

  /** Written by the first run: making it takes a disk. */
  seed(): Uint8Array {
    return this.#whole ?? new Uint8Array(0);
  }

  async run(bytes: Uint8Array): Promise<boolean> {
    const path = `${this.#folder.path}/replica.json`;
    if (this.#whole === null) {
      const stored = { config: CONFIGURATION, table: TABLE, tailUnproven: false, copy: 1 };
      await this.#folder.create(stored);
      this.#whole = await this.#disk.readFile(path);
      return true;
    }
    await this.#disk.replaceFile(path, bytes);
    const stored = await this.#folder.read();
    if (stored === null) return false;
    await this.#folder.write(stored);
    const again = await this.#folder.read();
    expect(isSame(again, stored), 'replica.json is another one when it is read again');
    return true;
  }

  damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
    return damageJson(bytes, random);
  }

  repair(bytes: Uint8Array): Uint8Array {
    return repairChecked(bytes, '');
  }
}

class ServerFileTarget implements FuzzTarget {
  readonly name = 'server.json';
  readonly #disk = new MemoryDisk();
  #whole: Uint8Array | null = null;

  seed(): Uint8Array {
    return this.#whole ?? new Uint8Array(0);
  }

  async run(bytes: Uint8Array): Promise<boolean> {
    const path = `${FOLDER}/server.json`;
    if (this.#whole === null) {
      await this.#disk.makeDirectory(FOLDER);
      const record = { clusterName: 'c', nodeId: 'a:1', incarnation: 4, bootId: 'b' };
      await writeServerRecord(this.#disk, FOLDER, {
        ...record,
        durability: 'fsync',
        tailAtRisk: false,
      });
      this.#whole = await this.#disk.readFile(path);
      await this.#disk.remove(`${FOLDER}/server.copy.json`);
      return true;
    }
    await this.#disk.replaceFile(path, bytes);
    try {
      const record = await readServerRecord(this.#disk, FOLDER);
      expect(record !== null, 'server.json is taken for missing');
      expect(Number.isSafeInteger(record.incarnation), 'an incarnation is no number');
      return true;
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  }

  damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
    return damageJson(bytes, random);
  }

  repair(bytes: Uint8Array): Uint8Array {
    return repairChecked(bytes, '2 ');
  }
}

class ManifestTarget implements FuzzTarget {
  readonly name = 'manifest of the log';

  seed(random: SeededRandom): Uint8Array {
    return encodeManifest({
      logId: { high: random.u32(), low: random.u32() },
      firstSegment: 1 + random.below(5),
      firstSequence: random.below(100),
      lastSegment: 6 + random.below(5),
      lastSequence: 100 + random.below(100),
      durableSequence: random.below(200),
      isClosed: random.below(2) === 0,
    });
  }

  run(bytes: Uint8Array): boolean {
    try {
      const manifest = decodeManifest(bytes, 'MANIFEST');
      if (manifest === null) return false;
      const again = decodeManifest(encodeManifest(manifest), 'MANIFEST');
      expect(isSame(again, manifest), 'a manifest is another one when it is read again');
      return true;
    } catch (error) {
      if (error instanceof DiskError) return false;
      throw error;
    }
  }

  repair(bytes: Uint8Array): Uint8Array {
    if (bytes.length !== 60) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    view.setUint32(56, crc32c(bytes, 0, 56), true);
    return bytes;
  }
}

/** As a learner is sent them. */
class MutationTarget implements FuzzTarget {
  readonly name = 'packed mutation';
  readonly #reader = new Reader();

  seed(random: SeededRandom): Uint8Array {
    const fixed = { appId: 1, partitionIndex: 2, ballot: 1, decree: 7, lastCommittedDecree: 6 };
    const writer = new Writer();
    writePrepare(writer, {
      ...(randomStruct(structNamed('Prepare'), random) as Parameters<typeof writePrepare>[1]),
      ...fixed,
    });
    return writer.take();
  }

  run(bytes: Uint8Array): boolean {
    try {
      const { body } = unpackMutation(bytes, this.#reader);
      expect(body.length <= bytes.length, 'a body is larger than its bytes');
      return true;
    } catch (error) {
      if (error instanceof WireError) return false;
      throw error;
    }
  }
}

export function fileTargets(): readonly FuzzTarget[] {
  return [
    new JournalTarget('snapshot'),
    new JournalTarget('journal'),
    ...RECORDS.map((_record, index) => new RecordTarget(index)),
    new SharedHeadTarget(),
    new ReplicaFileTarget(),
    new ServerFileTarget(),
    new ManifestTarget(),
    new MutationTarget(),
  ];
}
