/** The service that the meta servers of a cluster share, as they are configured. */
import { DEFAULT_ETCD_OPTIONS, EtcdCoordination } from '../adapters/etcd/coordination.ts';
import {
  DEFAULT_ZOOKEEPER_OPTIONS,
  ZooKeeperCoordination,
} from '../adapters/zookeeper/coordination.ts';
import { assert } from '../base/assert.ts';
import type { CoordinationService } from '../env/coordination.ts';
import type { MetaOptions } from '../meta/options.ts';

/** Clusters that share a service are apart by their names. */
export function sharedService(options: MetaOptions): CoordinationService {
  const { storeEndpoints: members, leadTimeoutMs } = options;
  assert(members !== null, 'a store that is a service has addresses');
  const root = `/pegasus/${options.clusterName}`;
  return options.store === 'etcd'
    ? new EtcdCoordination({ ...DEFAULT_ETCD_OPTIONS, members, root, leadTimeoutMs })
    : new ZooKeeperCoordination({ ...DEFAULT_ZOOKEEPER_OPTIONS, members, root, leadTimeoutMs });
}
