/**
 * What a onebox is made of: its nodes, their addresses and folders, and the record of it in its
 * folder.
 *
 *   DIR/onebox.json               how it was made; its presence marks the folder as one that onebox may clear
 *   DIR/onebox.lock               held by the onebox command at work
 *   DIR/replica2/config.toml      written at every start
 *   DIR/replica2/data/            the server's own
 *   DIR/replica2/log/replica2.log
 *   DIR/replica2/process.json     which process it is
 *   DIR/replica2/ready            there while it serves
 *
 * Ports: with port base P, meta server n listens on P + n, replica server n on P + 200 + n, and the etcd or ZooKeeper
 * that several meta servers share on P + 101 (etcd for itself on P + 151). An address is a server's identity, so the
 * base of a onebox never changes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { assert } from '../../base/assert.ts';
import { UserError } from '../../base/user-error.ts';
import { type HostPort, hostPortText } from '../../model/identity.ts';

export type StoreKind = 'etcd' | 'zookeeper';
export type NodeKind = 'meta' | 'replica' | StoreKind;

export interface OneboxNode {
  readonly kind: NodeKind;
  /** From 1. */
  readonly index: number;
  /** `replica2` */
  readonly name: string;
  readonly address: HostPort;
  readonly folder: string;
}

export interface OneboxSettings {
  readonly metas: number;
  readonly metaStore: 'journal' | StoreKind;
  readonly replicas: number;
  readonly portBase: number;
  readonly durability: 'fsync' | 'os';
}

export interface Onebox extends OneboxSettings {
  /** Absolute. */
  readonly folder: string;
  readonly nodes: readonly OneboxNode[];
}

export const DEFAULT_SETTINGS: OneboxSettings = {
  metas: 1,
  metaStore: 'journal',
  replicas: 3,
  portBase: 34_600,
  durability: 'fsync',
};

export const METAS_MAX = 9;
export const REPLICAS_MAX = 32;
const STORE_PORT_OFFSET = 100;
const ETCD_PEER_PORT_OFFSET = 50;
const REPLICA_PORT_OFFSET = 200;
/** The last port of the last replica server still has to be one. */
export const PORT_BASE_MAX: number = 65_535 - REPLICA_PORT_OFFSET - REPLICAS_MAX;
const HOST = '127.0.0.1';
const RECORD = 'onebox.json';

export function metaAddresses(onebox: Onebox): string[] {
  return onebox.nodes
    .filter((node) => node.kind === 'meta')
    .map((node) => hostPortText(node.address));
}

/** Where the members of the etcd speak to each other. */
export function etcdPeer(node: OneboxNode): HostPort {
  assert(node.kind === 'etcd', 'an etcd has peers');
  return { host: HOST, port: node.address.port + ETCD_PEER_PORT_OFFSET };
}

export function nodeOf(onebox: Onebox, kind: NodeKind, index: number): OneboxNode {
  const found = onebox.nodes.find((node) => node.kind === kind && node.index === index);
  if (found !== undefined) return found;
  const count = onebox.nodes.filter((node) => node.kind === kind).length;
  throw new UserError(
    `There is no ${kind} ${index} in ${onebox.folder}.`,
    count === 0 ? `It has no ${kind}.` : `It has ${kind} 1${count > 1 ? ` to ${count}` : ''}.`,
  );
}

/** Null if there is none in that folder. */
export function findOnebox(folder: string): Onebox | null {
  const path = join(resolve(folder), RECORD);
  if (!existsSync(path)) return null;
  const record = JSON.parse(readFileSync(path, 'utf8')) as Partial<OneboxSettings>;
  return oneboxOf(folder, { ...DEFAULT_SETTINGS, ...record });
}

export function requireOnebox(folder: string): Onebox {
  const onebox = findOnebox(folder);
  if (onebox !== null) return onebox;
  throw new UserError(
    `There is no onebox in ${resolve(folder)}.`,
    'Start one with ./pegasus onebox start, or name its folder with --dir.',
  );
}

/** The one that is there with what may change about it changed, or a new one. */
export function makeOnebox(folder: string, wanted: Partial<OneboxSettings>): Onebox {
  const existing = findOnebox(folder);
  if (existing === null) assertFolderFree(resolve(folder));
  else assertCompatible(existing, wanted);
  const { metas, metaStore, replicas, portBase, durability } = {
    ...DEFAULT_SETTINGS,
    ...existing,
    ...wanted,
  };
  assertMetasShare(metas, metaStore);
  const settings = { metas, metaStore, replicas, portBase, durability };
  const onebox = oneboxOf(folder, settings);
  mkdirSync(onebox.folder, { recursive: true });
  writeFileSync(join(onebox.folder, RECORD), `${JSON.stringify(settings, null, 2)}\n`);
  return onebox;
}

function oneboxOf(folder: string, settings: OneboxSettings): Onebox {
  const absolute = resolve(folder);
  const nodes: OneboxNode[] = [];
  const add = (kind: NodeKind, count: number, firstPort: number): void => {
    for (let index = 1; index <= count; index++) {
      const name = `${kind}${index}`;
      const address = { host: HOST, port: firstPort + index };
      nodes.push({ kind, index, name, address, folder: join(absolute, name) });
    }
  };
  const { metaStore } = settings;
  if (metaStore !== 'journal') add(metaStore, 1, settings.portBase + STORE_PORT_OFFSET);
  add('meta', settings.metas, settings.portBase);
  add('replica', settings.replicas, settings.portBase + REPLICA_PORT_OFFSET);
  return { ...settings, folder: absolute, nodes };
}

/** For a new onebox. */
export function assertFolderFree(folder: string): void {
  // The lock of this very command may be there.
  const entries = existsSync(folder) ? readdirSync(folder) : [];
  if (entries.every((entry) => entry === 'onebox.lock')) return;
  throw new UserError(
    `${folder} is not empty and was not made by onebox.`,
    'Name a new or empty folder with --dir.',
  );
}

function assertMetasShare(metas: number, metaStore: OneboxSettings['metaStore']): void {
  if (metas === 1 || metaStore !== 'journal') return;
  throw new UserError(
    `${metas} meta servers need a store that they share.`,
    'Add --meta-store etcd or --meta-store zookeeper, or leave --metas out.',
  );
}

function assertCompatible(existing: Onebox, wanted: Partial<OneboxSettings>): void {
  const clear = `./pegasus onebox clear --dir ${existing.folder} removes it with its data.`;
  const { portBase = existing.portBase, replicas = existing.replicas } = wanted;
  const { metas = existing.metas, metaStore = existing.metaStore } = wanted;
  if (metas !== existing.metas || metaStore !== existing.metaStore) {
    throw new UserError(
      `The onebox in ${existing.folder} has ${existing.metas} meta servers with the store ${existing.metaStore}, which cannot change.`,
      `Leave --metas and --meta-store out, or use another --dir. ${clear}`,
    );
  }
  if (portBase !== existing.portBase) {
    throw new UserError(
      `The onebox in ${existing.folder} has port base ${existing.portBase}, which cannot change.`,
      `Leave --port-base out, or use another --dir. ${clear}`,
    );
  }
  if (replicas < existing.replicas) {
    throw new UserError(
      `The onebox in ${existing.folder} has ${existing.replicas} replica servers; it can only grow.`,
      `Leave --replicas out, or use another --dir. ${clear}`,
    );
  }
}

/** Where `name` of a node is. */
export function configPath(node: OneboxNode): string {
  return join(node.folder, 'config.toml');
}

export function logPath(node: OneboxNode): string {
  return join(node.folder, 'log', `${node.name}.log`);
}

export function dataPath(node: OneboxNode): string {
  return join(node.folder, 'data');
}

/** There while a server of ours serves. */
export function readyPath(node: OneboxNode): string {
  return join(node.folder, 'ready');
}

/** A service that meta servers share, not a server of ours. */
export function isStore(kind: NodeKind): kind is StoreKind {
  return kind === 'etcd' || kind === 'zookeeper';
}

/** Of servers of ours; the others are given flags, or have a form of their own. */
export function writeConfig(onebox: Onebox, node: OneboxNode): void {
  mkdirSync(join(node.folder, 'log'), { recursive: true });
  if (isStore(node.kind)) return;
  const lines = [
    '# Written at every start of the onebox. Other options: PEGASUS_… variables, docs/configuration.md.',
    '[cluster]',
    'name = "onebox"',
    ...(isAlone(onebox, node) ? [] : [`meta_servers = ${JSON.stringify(metaAddresses(onebox))}`]),
    '',
    `[${node.kind}]`,
    `listen = ${JSON.stringify(hostPortText(node.address))}`,
    `data_dir = ${JSON.stringify(dataPath(node))}`,
    ...(node.kind === 'meta' ? metaLines(onebox) : replicaLines(onebox)),
    '',
    '[process]',
    `ready_file = ${JSON.stringify(readyPath(node))}`,
    '',
  ];
  writeFileSync(configPath(node), lines.join('\n'));
}

function isAlone(onebox: Onebox, node: OneboxNode): boolean {
  return node.kind === 'meta' && onebox.metaStore === 'journal';
}

function metaLines({ metaStore, nodes }: Onebox): string[] {
  // It is made for servers to be killed and started.
  const always = ['max_succssive_unstable_restart = 0'];
  if (metaStore === 'journal') return always;
  const members = nodes.filter(({ kind }) => kind === metaStore);
  const endpoints = members.map(({ address }) => hostPortText(address));
  return [
    ...always,
    `store = ${JSON.stringify(metaStore)}`,
    `store_endpoints = ${JSON.stringify(endpoints)}`,
    // Its sessions are a second longer than the lead, and end with the next tick.
    ...(metaStore === 'zookeeper' ? ['lead_timeout_ms = "2s"'] : []),
  ];
}

function replicaLines({ durability }: Onebox): string[] {
  return [`durability = ${JSON.stringify(durability)}`];
}
