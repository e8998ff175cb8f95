/** The service that the meta servers of a cluster share, as they are configured. */
import { DEFAULT_COORDINATION_TIMEOUTS } from '../adapters/coordination-options.ts';
import { EtcdCoordination } from '../adapters/etcd/coordination.ts';
import { ZooKeeperCoordination } from '../adapters/zookeeper/coordination.ts';
import { assert } from '../base/assert.ts';
import type { CoordinationService } from '../env/coordination.ts';
import type { MetaOptions } from '../meta/options.ts';

/** Clusters that share a service are apart by their names. */
export function sharedService(options: MetaOptions): CoordinationService {
  const { storeEndpoints: members, leadTimeoutMs } = options;
  assert(members !== null, 'a store that is a service has addresses');
  const root = `/pegasus/${options.clusterName}`;
  const reached = { ...DEFAULT_COORDINATION_TIMEOUTS, members, root, leadTimeoutMs };
  return options.store === 'etcd'
    ? new EtcdCoordination(reached)
    : new ZooKeeperCoordination(reached);
}
