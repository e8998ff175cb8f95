/**
 * A ZooKeeper of one server on the loopback, for tests and for trying things out: that of Debian's package
 * `zookeeper`, which root can have installed (nothing is started by that), and a Java.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPort } from '../../model/identity.ts';
import {
  apt,
  freePorts,
  LOOPBACK,
  runs,
  type ServiceCommand,
  ServiceProcess,
} from '../service-process.ts';
import { NO_SESSION, ZooKeeperConnection } from './connection.ts';

const PACKAGE = 'zookeeper';
const JAR = '/usr/share/java/zookeeper.jar';
const MAIN = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
const ANSWER_LIMIT_MS = 1_000;
const HEAP = '-Xmx128m';

/** Whether it can be started, after what can be done about it. `say` hears what takes long. */
export function haveZooKeeper(say: (words: string) => void = () => {}): boolean {
  if (isThere()) return true;
  if (process.getuid?.() !== 0) return false;
  say(`installing the Debian package ${PACKAGE}`);
  return apt(['install', '-y', '--no-install-recommends', PACKAGE]) && isThere();
}

function isThere(): boolean {
  return existsSync(JAR) && runs('java', ['-version']);
}

/**
 * What starts a server at `address` that keeps its data below `folder`. Ticks of half a second: sessions may be as
 * short as one second and as long as ten.
 */
export function zooKeeperCommand(folder: string, address: HostPort): ServiceCommand {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'zoo.cfg');
  const lines = [
    'tickTime=500',
    `dataDir=${join(folder, 'zookeeper')}`,
    `clientPortAddress=${address.host}`,
    `clientPort=${address.port}`,
    'admin.enableServer=false',
    'autopurge.purgeInterval=1',
    '',
  ];
  writeFileSync(config, lines.join('\n'));
  return { program: 'java', args: [HEAP, '-cp', JAR, MAIN, config] };
}

export async function zooKeeperServes(address: HostPort): Promise<boolean> {
  const timeouts = { requestMs: ANSWER_LIMIT_MS, sessionMs: ANSWER_LIMIT_MS };
  try {
    (await ZooKeeperConnection.open(address, NO_SESSION, timeouts)).close();
    return true;
  } catch {
    return false;
  }
}

/** Resolves when it serves. */
export async function startZooKeeper(folder: string): Promise<ServiceProcess> {
  const [port] = await freePorts(1);
  const address = { host: LOOPBACK, port: port! };
  const server = new ServiceProcess({
    name: 'ZooKeeper',
    address,
    command: () => zooKeeperCommand(folder, address),
    serves: () => zooKeeperServes(address),
  });
  await server.start();
  return server;
}
