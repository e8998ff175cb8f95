/**
 * The service that the meta servers of a onebox share, as one member on the loopback: the etcd of Debian's package
 * `etcd-server`, or the ZooKeeper of its package `zookeeper`, fetched if it is not there.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EtcdGateway } from '../../adapters/etcd/gateway.ts';
import { findEtcd } from '../../adapters/etcd/server-process.ts';
import {
  haveZooKeeper,
  zooKeeperCommand,
  zooKeeperServes,
} from '../../adapters/zookeeper/server-process.ts';
import { UserError } from '../../base/user-error.ts';
import { CoordinationError } from '../../env/coordination.ts';
import { hostPortText } from '../../model/identity.ts';
import { dataPath, etcdPeer, type OneboxNode } from './cluster.ts';

const ANSWER_LIMIT_MS = 1_000;

/** Where it is unpacked for this user, once. */
function cacheFolder(): string {
  return join(homedir(), '.cache', 'pegasus', 'etcd');
}

export interface StoreCommand {
  readonly program: string;
  readonly args: readonly string[];
}

export function storeCommand(node: OneboxNode): StoreCommand {
  return node.kind === 'etcd' ? etcdCommand(node) : zooKeeper(node);
}

function zooKeeper(node: OneboxNode): StoreCommand {
  if (!haveZooKeeper()) {
    throw new UserError(
      'There is no ZooKeeper on this machine, and Debian’s package zookeeper could not be installed.',
      'Install it (as root: apt-get install zookeeper), or choose --meta-store etcd.',
    );
  }
  return zooKeeperCommand(dataPath(node), node.address);
}

function etcdCommand(node: OneboxNode): StoreCommand {
  const program = findEtcd(cacheFolder());
  if (program === null) {
    throw new UserError(
      'There is no etcd on this machine, and Debian’s package etcd-server could not be fetched.',
      'Install it (as root: apt-get install etcd-server), or leave --meta-store out.',
    );
  }
  const url = `http://${hostPortText(node.address)}`;
  const peerUrl = `http://${hostPortText(etcdPeer(node))}`;
  const args = [
    ['--name', node.name],
    ['--data-dir', dataPath(node)],
    ['--listen-client-urls', url],
    ['--advertise-client-urls', url],
    ['--listen-peer-urls', peerUrl],
    ['--initial-advertise-peer-urls', peerUrl],
    ['--initial-cluster', `${node.name}=${peerUrl}`],
    ['--logger', 'zap'],
    ['--log-outputs', 'stderr'],
  ].flat();
  return { program, args };
}

export async function storeServes(node: OneboxNode): Promise<boolean> {
  return node.kind === 'etcd' ? await etcdServes(node) : await zooKeeperServes(node.address);
}

async function etcdServes(node: OneboxNode): Promise<boolean> {
  const gateway = new EtcdGateway([node.address]);
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
