/**
 * An etcd of one member or several on the loopback, for tests and for trying things out: whatever `etcd` is on the
 * path, or that of Debian's package `etcd-server`.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CoordinationError } from '../../env/coordination.ts';
import { type HostPort, hostPortText } from '../../model/identity.ts';
import {
  apt,
  freePorts,
  LOOPBACK,
  runs,
  type ServiceCommand,
  ServiceProcess,
} from '../service-process.ts';
import { EtcdGateway } from './gateway.ts';

const PACKAGE = 'etcd-server';
const ANSWER_LIMIT_MS = 1_000;

/**
 * The program: the one on the path, or else that of Debian's package, unpacked into `cacheFolder` (nothing is
 * installed and no service started, so nobody has to be root). Null where it cannot be had. `say` hears what
 * takes long.
 */
export function findEtcd(
  cacheFolder: string,
  say: (words: string) => void = () => {},
): string | null {
  if (runs('etcd', ['--version'])) return 'etcd';
  const program = join(cacheFolder, 'usr/bin/etcd');
  if (runs(program, ['--version'])) return program;
  mkdirSync(cacheFolder, { recursive: true });
  say(`fetching the Debian package ${PACKAGE} into ${cacheFolder}`);
  if (!apt(['download', PACKAGE], cacheFolder)) return null;
  for (const name of readdirSync(cacheFolder)) {
    if (name.endsWith('.deb')) runs('dpkg-deb', ['-x', name, '.'], cacheFolder);
  }
  return runs(program, ['--version']) ? program : null;
}

export interface EtcdMember {
  readonly name: string;
  readonly folder: string;
  /** Where its clients reach it. */
  readonly address: HostPort;
  /** Where the other members do. */
  readonly peer: HostPort;
}

/** What starts one of `all` members. */
export function etcdCommand(
  program: string,
  member: EtcdMember,
  all: readonly EtcdMember[],
): ServiceCommand {
  const url = `http://${hostPortText(member.address)}`;
  const peerUrl = peerUrlOf(member);
  const args = [
    ['--name', member.name],
    ['--data-dir', member.folder],
    ['--listen-client-urls', url],
    ['--advertise-client-urls', url],
    ['--listen-peer-urls', peerUrl],
    ['--initial-advertise-peer-urls', peerUrl],
    ['--initial-cluster', all.map((one) => `${one.name}=${peerUrlOf(one)}`).join(',')],
    ['--logger', 'zap'],
    ['--log-outputs', 'stderr'],
  ].flat();
  return { program, args };
}

function peerUrlOf({ peer }: EtcdMember): string {
  return `http://${hostPortText(peer)}`;
}

/** It answers, which takes a majority. */
export async function etcdServes(address: HostPort): Promise<boolean> {
  const gateway = new EtcdGateway([address]);
  try {
    await gateway.call('kv/range', { key: 'AA==' }, ANSWER_LIMIT_MS);
    return true;
  } catch (error) {
    if (error instanceof CoordinationError) return false;
    throw error;
  } finally {
    gateway.close();
  }
}

/** A cluster that keeps its data below `folder`. Resolves when all of them serve. */
export async function startEtcd(
  program: string,
  folder: string,
  count: number,
): Promise<ServiceProcess[]> {
  const ports = await freePorts(2 * count);
  const members = Array.from({ length: count }, (_, index) => ({
    name: `etcd${index}`,
    folder: join(folder, `etcd${index}`),
    address: { host: LOOPBACK, port: ports[2 * index]! },
    peer: { host: LOOPBACK, port: ports[2 * index + 1]! },
  }));
  const servers = members.map(
    (member) =>
      new ServiceProcess({
        name: member.name,
        address: member.address,
        command: () => etcdCommand(program, member, members),
        serves: () => etcdServes(member.address),
      }),
  );
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}
