/**
 * Copies of protocol cores, and their description as text: what a search over states needs and production code does
 * not. Both walk the object graph of a core.
 *
 *  1. An object of a class that is not listed here ends the search at once: state that is shared by two copies would
 *     make it lie. So a new class of the protocol has to be added to `STATEFUL`.
 *  2. What never changes in place is shared: options, effects, configurations, tables, messages, bodies.
 *  3. Points in time are described only as "set" or "not set". The model moves clocks in steps that are longer than
 *     all shorter time-outs together (`world.ts`), so nothing else of them matters.
 */
import { assert } from '../../src/base/assert.ts';
import { ChangeRequest } from '../../src/consensus/change-request.ts';
import { FollowerRole } from '../../src/consensus/follower-role.ts';
import { LearnerRole } from '../../src/consensus/learner-role.ts';
import { LearnerSession } from '../../src/consensus/learner-session.ts';
import { Mutation } from '../../src/consensus/mutation.ts';
import { Peer } from '../../src/consensus/peer.ts';
import { PrepareList } from '../../src/consensus/prepare-list.ts';
import { PrimaryRole } from '../../src/consensus/primary-role.ts';
import { ReplicaCore } from '../../src/consensus/replica-core.ts';
import { ReplicaState } from '../../src/consensus/replica-state.ts';
import type { PartitionConfiguration } from '../../src/model/configuration.ts';

type Fields = Record<string, unknown>;

const STATEFUL: ReadonlySet<unknown> = new Set([
  ReplicaCore,
  ReplicaState,
  PrepareList,
  PrimaryRole,
  ChangeRequest,
  Peer,
  LearnerSession,
  FollowerRole,
  LearnerRole,
  Mutation,
]);

/** Fields whose value is never changed in place, whatever it is. */
const SHARED: ReadonlySet<string> = new Set([
  'effects',
  'options',
  'table',
  'config',
  'gpid',
  'limits',
  'request',
  'checkpoint',
  'body',
  'nextLearnId',
  // These only measure: nothing hangs on them while `slowFactor` is 0.
  'lag',
  'ownLag',
  'slowMembers',
  // Written when histories differ, which ends the search (stage.ts).
  'court',
]);

/** Fields that say nothing about what may happen next, or that are described by others. */
const SILENT: ReadonlySet<string> = new Set([
  'effects',
  'options',
  'table',
  'gpid',
  'limits',
  'body',
  'nextLearnId',
  'self',
  'node',
  'mask',
  'tailBytes',
  'timestampUs',
  'lastTimestampUs',
  'previousDigest',
  'reason',
  'lag',
  'ownLag',
  'slowMembers',
  'court',
]);

/** Objects that are copied already, so that two references to one object stay so. */
export type Copies = Map<object, object>;

export function copyGraph<T>(value: T, copies: Copies): T {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known as T;
  if (Array.isArray(value)) {
    const array: unknown[] = value.map((item: unknown) => copyGraph(item, copies));
    copies.set(value, array);
    return array as T;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype;
  assert(isPlain || STATEFUL.has(value.constructor), 'a class of the protocol that is not listed');
  const copy = Object.create(prototype as object) as Fields;
  copies.set(value, copy);
  const source = value as Fields;
  for (const key of Object.keys(source)) {
    const field = source[key];
    if (typeof field !== 'object' || field === null || SHARED.has(key)) copy[key] = field;
    else if (key === 'ring') copy[key] = copyRing(value as unknown as PrepareList, copies);
    else copy[key] = copyGraph(field, copies);
  }
  return copy as T;
}

/** Almost all of a ring is empty. */
function copyRing(list: PrepareList, copies: Copies): (Mutation | null)[] {
  const { ring, mask } = list as unknown as { ring: (Mutation | null)[]; mask: number };
  const copy = ring.slice();
  for (let decree: number = list.oldestInMemory; decree <= list.lastPrepared; decree++) {
    copy[decree & mask] = copyGraph(copy[decree & mask]!, copies);
  }
  return copy;
}

/** Equal texts mean: the same events lead to the same effects from here on. */
export function describeGraph(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value !== 'object' || value === null) return '-';
  if (value instanceof Uint8Array) return `#${value.length}`;
  if (Array.isArray(value)) return `[${value.map(describeGraph).join()}]`;
  const source = value as Fields;
  let text = '{';
  for (const key of Object.keys(source)) {
    if (key === 'ring') text += `${describeRing(value as unknown as PrepareList)};`;
    else if (key === 'config')
      text += `${describeConfiguration(source[key] as PartitionConfiguration)};`;
    else if (key === 'state' && !(value instanceof ReplicaCore)) continue;
    else if (key.endsWith('Ms')) text += Number.isNaN(source[key]) ? 'n' : 's';
    else if (!SILENT.has(key)) text += `${describeGraph(source[key])};`;
  }
  return `${text}}`;
}

function describeConfiguration(config: PartitionConfiguration): string {
  return `${config.ballot}/${config.primary}/${config.secondaries.join()}/${config.learner}`;
}

function describeRing(list: PrepareList): string {
  let text = '';
  for (let decree: number = list.oldestInMemory; decree <= list.lastPrepared; decree++) {
    text += describeMutation(list.get(decree)!);
  }
  return text;
}

export function describeMutation(mutation: Mutation): string {
  const { ballot, decree, digest, lastCommittedDecree, logged } = mutation;
  return `(${ballot},${decree},${digest},${lastCommittedDecree},${logged ? 't' : 'f'})`;
}
