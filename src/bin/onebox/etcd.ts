/**
 * The etcd of a onebox: the program of Debian's package `etcd-server`, which is fetched if it is not there, as one
 * member on the loopback.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EtcdGateway } from '../../adapters/etcd/gateway.ts';
import { findEtcd } from '../../adapters/etcd/server-process.ts';
import { UserError } from '../../base/user-error.ts';
import { CoordinationError } from '../../env/coordination.ts';
import { hostPortText } from '../../model/identity.ts';
import { dataPath, etcdPeer, type OneboxNode } from './cluster.ts';

const ANSWER_LIMIT_MS = 1_000;

/** Where it is unpacked for this user, once. */
function cacheFolder(): string {
  return join(homedir(), '.cache', 'pegasus', 'etcd');
}

export function etcdCommand(node: OneboxNode): {
  readonly program: string;
  readonly args: readonly string[];
} {
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

export async function etcdServes(node: OneboxNode): Promise<boolean> {
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
