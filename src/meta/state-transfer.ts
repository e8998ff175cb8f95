/**
 * Reads all that a shared store holds, and puts the state of another store into one, without being a meta server.
 *
 * Reading changes nothing and may be done beside a leader: it shows one moment.
 *
 * Filling needs the store for itself. So it stands for election and works only while it has the lead: a meta server
 * that runs keeps it out. The first write moves the head on, under a larger epoch than both states had, and says that
 * what stands under the keys is not whole; so a term that was begun before can write nothing more, and none
 * begins in between. The last write says that all is there. An attempt that breaks off is repeated as a whole.
 *
 * The embedded journal does the same by itself: `JournalStore.read` and `fill`, behind its lock.
 */
import { assert } from '../base/assert.ts';
import {
  CoordinationError,
  type CoordinationService,
  HEAD_ABSENT,
  type SharedState,
} from '../env/coordination.ts';
import { type StateEntry, StateStoreError } from '../env/state-store.ts';
import {
  decodeHead,
  decodeStaged,
  encodeHead,
  isStagedKey,
  SHARED_FORMAT,
  type SharedHead,
} from './shared-head.ts';
import type { StateContent } from './state-dump.ts';
import { splitByLimits } from './state-entries.ts';

/** Null if no meta server has ever led over it. Rejects with `StateStoreError`. */
export async function readShared(
  service: CoordinationService,
  clusterName: string,
): Promise<StateContent | null> {
  const found = await answered(() => service.readAll());
  const head = headOf(found, clusterName);
  if (head === null) return null;
  if (head.isPartial === true) throw corrupt('an import into it did not come to its end');
  const content = new Map(found.entries.map(({ key, value }) => [key, value]));
  const staged = head.stagedCount === 0 ? [] : decodeStaged(content, head.stagedCount);
  if (staged === null) throw corrupt('a change that was staged is not whole');
  for (const { key, value } of staged) content.set(key, value);
  const entries = [...content]
    .filter(([key]) => !isStagedKey(key))
    .map(([key, value]) => ({ key, value }));
  const { clusterId, epoch } = head;
  return { clusterName, clusterId, epoch, entries };
}

/**
 * `metaServers` are those that will use it, sorted, as `host:port`. What is there already goes only if `mayReplace`.
 * Rejects with `StateStoreError`.
 */
export async function fillShared(
  service: CoordinationService,
  content: StateContent,
  metaServers: readonly string[],
  mayReplace: boolean,
): Promise<void> {
  assert(metaServers.length > 0, 'somebody will use the store');
  await answered(async () => {
    try {
      await new Filling(service, content, metaServers).run(mayReplace);
    } finally {
      await service.resign();
    }
  });
}

/** Shown as the leader while it lasts; no address, so that nobody is sent there. */
const CANDIDATE = 'import';

class Filling {
  readonly #service: CoordinationService;
  readonly #content: StateContent;
  readonly #metaServers: readonly string[];
  #version: number = HEAD_ABSENT;

  constructor(service: CoordinationService, content: StateContent, metaServers: readonly string[]) {
    this.#service = service;
    this.#content = content;
    this.#metaServers = metaServers;
  }

  async run(mayReplace: boolean): Promise<void> {
    await this.#attend();
    const { clusterName, clusterId, entries } = this.#content;
    const found = await this.#service.readAll();
    const before = headOf(found, clusterName, mayReplace);
    const isEmpty = before === null ? found.entries.length === 0 : isUnused(found, before);
    if (!isEmpty && !mayReplace) throw occupied();
    this.#version = found.head?.version ?? HEAD_ABSENT;
    const head: SharedHead = {
      format: SHARED_FORMAT,
      clusterName,
      clusterId,
      epoch: Math.max(this.#content.epoch, before?.epoch ?? 0) + 1,
      metaServers: this.#metaServers,
      sequence: 0,
      stagedCount: 0,
    };
    await this.#write({ ...head, isPartial: true }, [], []);
    const kept = new Set(entries.map(({ key }) => key));
    const removals = found.entries.map(({ key }) => key).filter((key) => !kept.has(key));
    const { changesMax } = this.#service.limits;
    for (let start = 0; start < removals.length; start += changesMax) {
      await this.#write(null, [], removals.slice(start, start + changesMax));
    }
    for (const puts of splitByLimits(entries, this.#service.limits)) {
      await this.#write(null, puts, []);
    }
    await this.#write({ ...head, sequence: 1 }, [], []);
  }

  async #attend(): Promise<void> {
    const { isSelf, leader } = await this.#service.attend(CANDIDATE);
    if (isSelf) return;
    throw new StateStoreError(
      'locked',
      `The shared store is in use${leader === null ? '' : ` by ${leader}`}.`,
      'Stop all meta servers of this cluster first.',
    );
  }

  /** Each write is done once or not at all: after a lost answer the import is begun anew. */
  async #write(
    head: SharedHead | null,
    puts: readonly StateEntry[],
    removals: readonly string[],
  ): Promise<void> {
    await this.#attend();
    const bytes = head === null ? null : encodeHead(head);
    const version = await this.#service.write({
      fence: this.#version,
      head: bytes,
      puts,
      removals,
    });
    if (version === null) throw unavailable('somebody else writes to it');
    this.#version = version;
  }
}

/** What a first term leaves before anything was decided. */
function isUnused(found: SharedState, head: SharedHead): boolean {
  return found.entries.length === 0 && head.isPartial !== true;
}

/** Null when there is none, or when it may be replaced whatever it is. Throws `StateStoreError`. */
function headOf(found: SharedState, clusterName: string, mayBeDamaged = false): SharedHead | null {
  if (found.head === null) {
    if (found.entries.length === 0 || mayBeDamaged) return null;
    throw corrupt('there are entries but no head that says whose they are');
  }
  const head = decodeHead(found.head.value);
  if (head === null) {
    if (mayBeDamaged) return null;
    throw corrupt('the head cannot be read');
  }
  if (head.format > SHARED_FORMAT) {
    throw new StateStoreError(
      'newerFormat',
      `The shared store has format ${head.format}; this program reads formats up to ${SHARED_FORMAT}.`,
      'Use the version of the program that wrote it, or a later one.',
    );
  }
  if (head.clusterName !== clusterName) {
    throw new StateStoreError(
      'foreignCluster',
      `The shared store belongs to cluster "${head.clusterName}", not to "${clusterName}".`,
      'Set cluster.name to the name of the cluster.',
    );
  }
  return head;
}

async function answered<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof CoordinationError) throw unavailable(error.message);
    throw error;
  }
}

function occupied(): StateStoreError {
  return new StateStoreError(
    'occupied',
    'The shared store holds the state of a cluster already.',
    'Choose another cluster.name or another service, or say --replace to lose what is there.',
  );
}

function corrupt(what: string): StateStoreError {
  return new StateStoreError(
    'corrupt',
    `The shared store is damaged: ${what}.`,
    'Import a dump with --replace, or restore the service from a backup.',
  );
}

function unavailable(what: string): StateStoreError {
  return new StateStoreError(
    'unavailable',
    `The shared store cannot be used: ${what}.`,
    'Check that the service runs and has a quorum, and do it again: it begins anew.',
  );
}
