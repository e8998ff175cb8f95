/**
 * A state of the whole model, and what may happen in it.
 *
 * A world is a value: `Stage.apply` makes the next one and copies only what it changes. Messages between two servers
 * travel in order, on a link of their own; a bounded number of them is lost, doubled or overtaken.
 *
 * Actions are numbers. Those below `GLOBAL_FROM` touch one server (and add to the ends of links), so two of them on
 * different servers lead to the same world in either order; the search makes use of that (search.ts). The others are
 * treated as if they touched everything.
 */
import type { NodeId } from '../../src/model/identity.ts';
import type { GroupCheck, Prepare } from '../../src/wire/generated/internal.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import type { ManagerState, NodeView } from './manager.ts';
import type { ModelReplica } from './replica.ts';

export const NAMES: readonly NodeId[] = ['a:1' as NodeId, 'b:1' as NodeId, 'c:1' as NodeId];
export const NODES: number = 3;
/** The manager's place among the ends of links. */
export const META: number = NODES;
export const ENDS: number = NODES + 1;
export const LINKS: number = ENDS * ENDS;

export interface Envelope {
  readonly type: InternalMessage;
  readonly message: object;
  /** Number of its content, see `Texts`. */
  readonly id: number;
}

export interface Queue {
  readonly envelopes: readonly Envelope[];
  readonly id: number;
}

/** How often each of these may still happen. */
export const BUDGETS = [
  'writes',
  'crashes',
  'expiries',
  'givenUp',
  'resends',
  'drops',
  'duplicates',
  'overtakings',
] as const;
export type Budget = (typeof BUDGETS)[number];
export type Budgets = Readonly<Record<Budget, number>>;

export interface World {
  readonly nodes: ModelReplica[];
  /** Number of each server's content. */
  readonly nodeIds: number[];
  readonly links: Queue[];
  manager: ManagerState;
  left: readonly number[];
  /** What was ever committed anywhere: digest by decree. */
  history: readonly number[];
  /** Who led under each ballot. */
  leaders: readonly (number | undefined)[];
}

export interface ActionKind {
  readonly name: string;
  readonly from: number;
  readonly count: number;
  readonly budget: Budget | null;
}

const kinds: ActionKind[] = [];

function kind(name: string, count: number, budget: Budget | null): ActionKind {
  const last = kinds.at(-1);
  const made = { name, from: last === undefined ? 0 : last.from + last.count, count, budget };
  kinds.push(made);
  return made;
}

export const DELIVER: ActionKind = kind('deliver', LINKS, null);
export const SYNC: ActionKind = kind('sync', NODES, null);
export const STORE: ActionKind = kind('store', NODES, null);
export const WORK: ActionKind = kind('work', NODES, null);
export const REPORT: ActionKind = kind('report', NODES, null);
export const WRITE: ActionKind = kind('write', NODES, 'writes');
export const CRASH: ActionKind = kind('crash', NODES, 'crashes');
export const RESTART: ActionKind = kind('restart', NODES, null);
export const ENDED: ActionKind = kind('ended', NODES, null);
export const EXPIRE: ActionKind = kind('expire', NODES, 'expiries');
export const GIVE_UP: ActionKind = kind('giveUp', NODES, 'givenUp');
export const RESEND: ActionKind = kind('resend', NODES, 'resends');
export const DROP: ActionKind = kind('drop', LINKS, 'drops');
export const DUPLICATE: ActionKind = kind('duplicate', LINKS, 'duplicates');
export const OVERTAKE: ActionKind = kind('overtake', LINKS, 'overtakings');

export const GLOBAL_FROM: number = CRASH.from;

export function kindOf(action: number): ActionKind {
  return kinds.find(({ from, count }) => action >= from && action < from + count)!;
}

/** Servers that a local action reads or changes, as bits; writes share their budget, hence the fifth bit. */
function touched(action: number): number {
  const { from } = kindOf(action);
  const index = action - from;
  switch (from) {
    case DELIVER.from:
      return 1 << (index % ENDS);
    case REPORT.from:
      return (1 << index) | (1 << META);
    case WRITE.from:
      return (1 << index) | (1 << ENDS);
    default:
      return 1 << index;
  }
}

/** Local actions that are independent of each local action, as bits. */
export const INDEPENDENT: readonly number[] = Array.from({ length: GLOBAL_FROM }, (_, action) => {
  let bits = 0;
  for (let other = 0; other < GLOBAL_FROM; other++) {
    if ((touched(action) & touched(other)) === 0) bits |= 1 << other;
  }
  return bits;
});

export function linkOf(from: number, to: number): number {
  return from * ENDS + to;
}

export function actionText(action: number, world: World): string {
  const { name, from, count } = kindOf(action);
  const index = action - from;
  if (count === NODES) return `${name} ${NAMES[index]![0]}`;
  const end = (place: number): string => NAMES[place]?.[0] ?? 'meta';
  const place = `${end(Math.floor(index / ENDS))}>${end(index % ENDS)}`;
  const { envelopes } = world.links[index]!;
  const envelope = envelopes[from === OVERTAKE.from ? 1 : 0];
  return `${name} ${place} ${envelope === undefined ? '' : envelopeText(envelope)}`;
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(InternalMessage).map(([name, type]) => [type, name]),
);

function envelopeText({ type, message }: Envelope): string {
  return `${TYPE_NAMES.get(type)} ${messageText(message, true)}`;
}

/** What is equal for all messages or covered by a digest is left out. */
const SILENT: ReadonlySet<string> = new Set([
  'table',
  'gpid',
  'appId',
  'partitionIndex',
  'timestampUs',
  'body',
  'metaEpoch',
  'maxReplicaCount',
  'reason',
]);

export function messageText(message: object, named = false): string {
  let text = '';
  for (const [key, value] of Object.entries(message) as [string, unknown][]) {
    if (SILENT.has(key)) continue;
    const name = named ? `${key}=` : '';
    if (typeof value !== 'object' || value === null) text += `${name}${String(value)} `;
    else if (value instanceof Uint8Array) text += `${value.join('.')} `;
    else text += `${name}{${messageText(value, named)}} `;
  }
  return text;
}

/** Numbers for texts, so that a world's key is short and yet exact. */
export class Texts {
  readonly #ids = new Map<string, number>();

  idOf(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(text, id);
    return id;
  }

  get size(): number {
    return this.#ids.size;
  }
}

export function emptyLinks(): Queue[] {
  return Array.from({ length: LINKS }, () => EMPTY);
}

export const EMPTY: Queue = { envelopes: [], id: 0 };

/** What may happen next, within the budgets. */
export function enabledActions(world: World): number[] {
  const actions: number[] = [];
  const { links, nodes, manager, left } = world;
  const may = (kind: ActionKind): boolean => left[BUDGETS.indexOf(kind.budget!)]! > 0;
  for (let link = 0; link < LINKS; link++) {
    const { length } = links[link]!.envelopes;
    if (length === 0) continue;
    actions.push(DELIVER.from + link);
    if (may(DROP)) actions.push(DROP.from + link);
    if (may(DUPLICATE)) actions.push(DUPLICATE.from + link);
    if (length > 1 && may(OVERTAKE)) actions.push(OVERTAKE.from + link);
  }
  for (let index = 0; index < NODES; index++) {
    const replica = nodes[index]!;
    const seen = manager.nodes[index]!;
    const { core } = replica;
    if (seen.usable && may(EXPIRE)) actions.push(EXPIRE.from + index);
    if (core === null) {
      actions.push(RESTART.from + index);
      if (seen.usable && seen.incarnation < replica.incarnation) actions.push(ENDED.from + index);
      continue;
    }
    if (may(CRASH)) actions.push(CRASH.from + index);
    if (replica.appends.length > 0) actions.push(SYNC.from + index);
    if (replica.storing !== null) actions.push(STORE.from + index);
    if (replica.tasks.length > 0) actions.push(WORK.from + index);
    if (isReportDue(replica, seen)) actions.push(REPORT.from + index);
    const { leading } = core;
    if (leading?.canPropose() && leading.hasWriteQuorum() && may(WRITE)) {
      actions.push(WRITE.from + index);
    }
    if (may(GIVE_UP) && replica.isWaiting) actions.push(GIVE_UP.from + index);
    if (may(RESEND) && replica.isWaiting && isSilent(links, index)) {
      actions.push(RESEND.from + index);
    }
  }
  return actions;
}

/** The manager has not heard of this life, ballot or role, or believes that the server is dead. */
export function isReportDue(replica: ModelReplica, seen: NodeView): boolean {
  const { state } = replica.core!;
  if (!seen.usable || seen.incarnation !== replica.incarnation) return true;
  return seen.ballot !== state.config.ballot || seen.status !== state.status;
}

/** Of the configuration that it was sent under; infinite where it does not say. */
export function ballotOf({ type, message }: Envelope): number {
  switch (type) {
    case InternalMessage.prepare:
    case InternalMessage.prepareAck:
    case InternalMessage.groupCheckAck:
      return (message as Prepare).ballot;
    case InternalMessage.groupCheck:
    case InternalMessage.configurationPush:
      return (message as GroupCheck).configuration.ballot;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Nothing is on its way to or from the server: what is said again then is no duplicate. */
function isSilent(links: readonly Queue[], index: number): boolean {
  for (let other = 0; other < ENDS; other++) {
    if (links[linkOf(index, other)]!.envelopes.length > 0) return false;
    if (links[linkOf(other, index)]!.envelopes.length > 0) return false;
  }
  return true;
}
