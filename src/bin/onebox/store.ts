/**
 * The service that the meta servers of a onebox share, as one member on the loopback: the etcd of Debian's package
 * `etcd-server`, or the ZooKeeper of its package `zookeeper`, fetched if it is not there.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { etcdCommand, etcdServes, findEtcd } from '../../adapters/etcd/server-process.ts';
import type { ServiceCommand } from '../../adapters/service-process.ts';
import {
  haveZooKeeper,
  zooKeeperCommand,
  zooKeeperServes,
} from '../../adapters/zookeeper/server-process.ts';
import { UserError } from '../../base/user-error.ts';
import { dataPath, etcdPeer, type OneboxNode } from './cluster.ts';

/** Where it is unpacked for this user, once. */
function cacheFolder(): string {
  return join(homedir(), '.cache', 'pegasus', 'etcd');
}

/** As the launcher does about its own set-up. */
function say(words: string): void {
  process.stderr.write(`pegasus: ${words}\n`);
}

export function storeCommand(node: OneboxNode): ServiceCommand {
  return node.kind === 'etcd' ? etcd(node) : zooKeeper(node);
}

function zooKeeper(node: OneboxNode): ServiceCommand {
  if (!haveZooKeeper(say)) {
    throw new UserError(
      'There is no ZooKeeper on this machine, and Debian’s package zookeeper could not be installed.',
      'Install it (as root: apt-get install zookeeper), or choose --meta-store etcd.',
    );
  }
  return zooKeeperCommand(dataPath(node), node.address);
}

function etcd(node: OneboxNode): ServiceCommand {
  const program = findEtcd(cacheFolder(), say);
  if (program === null) {
    throw new UserError(
      'There is no etcd on this machine, and Debian’s package etcd-server could not be fetched.',
      'Install it (as root: apt-get install etcd-server), or leave --meta-store out.',
    );
  }
  const { name, address } = node;
  const member = { name, folder: dataPath(node), address, peer: etcdPeer(node) };
  return etcdCommand(program, member, [member]);
}

export async function storeServes(node: OneboxNode): Promise<boolean> {
  return node.kind === 'etcd'
    ? await etcdServes(node.address)
    : await zooKeeperServes(node.address);
}
