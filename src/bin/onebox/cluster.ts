/**
 * What a onebox is made of: its nodes, their addresses and folders, and the record of it in its
 * folder.
 *
 *   DIR/onebox.json               how it was made; its presence marks the folder as one that onebox
 *   may clear DIR/onebox.lock               held by the onebox command at work
 *   DIR/replica2/config.toml      written at every start
 *   DIR/replica2/data/            the server's own
 *   DIR/replica2/log/replica2.log
 *   DIR/replica2/process.json     which process it is
 *   DIR/replica2/ready            there while it serves
 *
 * Ports: with port base P, meta server n listens on P + n and replica server n on P + 200 + n. An
 * address is a server's identity, so the base of a onebox never changes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../../base/user-error.ts';
import { type HostPort, hostPortText } from '../../model/identity.ts';

export type NodeKind = 'meta' | 'replica';

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
  replicas: 3,
  portBase: 34_600,
  durability: 'fsync',
};

export const REPLICAS_MAX = 32;
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

export function nodeOf(onebox: Onebox, kind: NodeKind, index: number): OneboxNode {
  const found = onebox.nodes.find((node) => node.kind === kind && node.index === index);
  if (found !== undefined) return found;
  const count = kind === 'meta' ? onebox.metas : onebox.replicas;
  throw new UserError(
    `There is no ${kind} ${index} in ${onebox.folder}.`,
    `It has ${kind} 1${count > 1 ? ` to ${count}` : ''}.`,
  );
}

/** Null if there is none in that folder. */
export function findOnebox(folder: string): Onebox | null {
  const path = join(resolve(folder), RECORD);
  if (!existsSync(path)) return null;
  const record = JSON.parse(readFileSync(path, 'utf8')) as OneboxSettings;
  return oneboxOf(folder, record);
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
  const { metas, replicas, portBase, durability } = {
    ...DEFAULT_SETTINGS,
    ...existing,
    ...wanted,
  };
  const settings = { metas, replicas, portBase, durability };
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

function assertCompatible(existing: Onebox, wanted: Partial<OneboxSettings>): void {
  const clear = `./pegasus onebox clear --dir ${existing.folder} removes it with its data.`;
  const { portBase = existing.portBase, replicas = existing.replicas } = wanted;
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

/** There while the server serves. */
export function readyPath(node: OneboxNode): string {
  return join(node.folder, 'ready');
}

export function writeConfig(onebox: Onebox, node: OneboxNode): void {
  mkdirSync(join(node.folder, 'log'), { recursive: true });
  const listen = hostPortText(node.address);
  const dataPath = join(node.folder, 'data');
  const own = node.kind === 'meta' ? [] : [`durability = ${JSON.stringify(onebox.durability)}`];
  const lines = [
    '# Written at every start of the onebox. Other options: PEGASUS_… variables, docs/configuration.md.',
    '[cluster]',
    'name = "onebox"',
    ...(node.kind === 'meta' ? [] : [`meta_servers = ${JSON.stringify(metaAddresses(onebox))}`]),
    '',
    `[${node.kind}]`,
    `listen = ${JSON.stringify(listen)}`,
    `data_dir = ${JSON.stringify(dataPath)}`,
    ...own,
    '',
    '[process]',
    `ready_file = ${JSON.stringify(readyPath(node))}`,
    '',
  ];
  writeFileSync(configPath(node), lines.join('\n'));
}
