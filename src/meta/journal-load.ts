/**
 * Reads the folder of the embedded journal back: which generation counts, whose it is, what is torn
 * and what is damaged. Changes nothing, so that whatever is wrong can still be looked at.
 */
import type { Disk } from '../env/disk.ts';
import { StateStoreError } from '../env/state-store.ts';
import {
  decodeEntries,
  decodeHeader,
  type Frame,
  findFrameAfter,
  JOURNAL_FORMAT,
  type JournalHeader,
  readFrame,
} from './journal-format.ts';

export interface JournalContent {
  readonly clusterId: string;
  readonly epoch: number;
  readonly generation: number;
  readonly entries: Map<string, Uint8Array>;
  /** Bytes of an append that a crash interrupted. */
  readonly tornBytes: number;
}

/** Null for a folder in which no store was ever made. Rejects with `StateStoreError`. */
export async function loadJournal(
  disk: Disk,
  path: string,
  clusterName: string,
): Promise<JournalContent | null> {
  const names = await refuseForeign(disk, path);
  const generations = generationsOf(names);
  if (generations.length === 0) return null;
  const generation = Math.max(...generations);
  const digits = String(generation).padStart(12, '0');
  const snapshotPath = `${path}/snapshot-${digits}`;
  const entries = new Map<string, Uint8Array>();
  const snapshot = await disk.readFile(snapshotPath);
  const header = readSnapshot(snapshotPath, snapshot, clusterName, entries);
  const journalPath = `${path}/journal-${digits}`;
  const journal = names.includes(`journal-${digits}`) ? await disk.readFile(journalPath) : null;
  const tornBytes = journal === null ? 0 : readJournal(journalPath, journal, header, entries);
  return { clusterId: header.clusterId, epoch: header.epoch, generation, entries, tornBytes };
}

/**
 * Answers with the names in the folder. A crash before the first snapshot was there may have left
 * its beginnings; anything else is somebody's. Rejects with `StateStoreError`.
 */
export async function refuseForeign(disk: Disk, path: string): Promise<readonly string[]> {
  const names = (await disk.list(path)).map((entry) => entry.name);
  if (generationsOf(names).length > 0) return names;
  const foreign = names.find((name) => name !== 'LOCK' && !/^\.?snapshot-/.test(name));
  if (foreign === undefined) return names;
  throw new StateStoreError(
    'foreignFolder',
    `The folder ${path} holds no journal of a meta server but other files, such as ${foreign}.`,
    'Give the meta server an empty folder of its own (meta.data_dir).',
  );
}

function generationsOf(names: readonly string[]): number[] {
  return names.flatMap((name) => {
    const match = /^snapshot-(\d{12})$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

function readSnapshot(
  path: string,
  bytes: Uint8Array,
  clusterName: string,
  entries: Map<string, Uint8Array>,
): JournalHeader {
  const first = readFrame(bytes, 0);
  const header = first === null ? null : decodeHeader(first.payload);
  if (first === null || header === null) throw corrupt(path, 0);
  assertReadable(path, header, clusterName);
  if (header.kind !== 'snapshot') throw corrupt(path, 0);
  let at = first.end;
  for (let sequence = 1; ; sequence++) {
    const frame = readFrame(bytes, at);
    if (frame === null || frame.sequence !== sequence) throw corrupt(path, at);
    const count = takeEntries(path, frame, at, entries);
    at = frame.end;
    if (count > 0) continue;
    if (at !== bytes.length) throw corrupt(path, at);
    return header;
  }
}

/** Returns how many bytes at the end are torn. */
function readJournal(
  path: string,
  bytes: Uint8Array,
  snapshot: JournalHeader,
  entries: Map<string, Uint8Array>,
): number {
  let at = 0;
  for (let sequence = 0; at < bytes.length; sequence++) {
    const frame = readFrame(bytes, at);
    if (frame === null) {
      if (findFrameAfter(bytes, at + 1, sequence) >= 0) throw corrupt(path, at);
      return bytes.length - at;
    }
    if (frame.sequence !== sequence) throw corrupt(path, at);
    if (sequence === 0) {
      const header = decodeHeader(frame.payload);
      if (header === null) throw corrupt(path, at);
      assertReadable(path, header, snapshot.clusterName);
      if (header.clusterId !== snapshot.clusterId || header.generation !== snapshot.generation) {
        throw foreign(path, header.clusterName, snapshot.clusterName);
      }
    } else {
      takeEntries(path, frame, at, entries);
    }
    at = frame.end;
  }
  return 0;
}

function takeEntries(
  path: string,
  frame: Frame,
  at: number,
  entries: Map<string, Uint8Array>,
): number {
  const some = decodeEntries(frame.payload);
  if (some === null) throw corrupt(path, at);
  for (const { key, value } of some) entries.set(key, value);
  return some.length;
}

function assertReadable(path: string, header: JournalHeader, clusterName: string): void {
  if (header.format > JOURNAL_FORMAT) {
    throw new StateStoreError(
      'newerFormat',
      `${path} has format ${header.format}; this program reads formats up to ${JOURNAL_FORMAT}.`,
      'Start the version of the program that wrote it, or a later one.',
    );
  }
  if (header.clusterName !== clusterName) throw foreign(path, header.clusterName, clusterName);
}

function foreign(path: string, found: string, wanted: string): StateStoreError {
  return new StateStoreError(
    'foreignCluster',
    `${path} belongs to cluster "${found}", not to "${wanted}".`,
    'Set cluster.name to the name of the cluster, or give the meta server another folder.',
  );
}

function corrupt(path: string, offset: number): StateStoreError {
  return new StateStoreError(
    'corrupt',
    `${path} is damaged at byte ${offset}: changes that were acknowledged cannot be read.`,
    'Keep the folder, check the disk, and restore the folder from a copy.',
  );
}
