/** `pegasus meta`: one meta server. */
import { DEFAULT_ETCD_OPTIONS, EtcdCoordination } from '../adapters/etcd/coordination.ts';
import {
  DEFAULT_ZOOKEEPER_OPTIONS,
  ZooKeeperCoordination,
} from '../adapters/zookeeper/coordination.ts';
import { assert } from '../base/assert.ts';
import type { CoordinationService } from '../env/coordination.ts';
import type { Logger } from '../env/logger.ts';
import { metaMetrics } from '../http/meta-metrics.ts';
import { metaRoutes } from '../http/meta-routes.ts';
import { META_OPTION_RELATIONS, META_OPTIONS, type MetaOptions } from '../meta/options.ts';
import { MetaServer } from '../meta/server.ts';
import { metaEnvironment } from './environment.ts';
import { answerHttp } from './http.ts';
import { PROCESS_OPTIONS, type ProcessOptions } from './process-options.ts';
import { runProgram } from './program.ts';
import { runServer, type ServerProgram } from './server-program.ts';

const META: ServerProgram<ProcessOptions & MetaOptions> = {
  name: 'meta',
  summary: 'A meta server: knows tables, partitions and servers, and repairs what is broken.',
  table: { ...PROCESS_OPTIONS, ...META_OPTIONS },
  relations: META_OPTION_RELATIONS,
  open: async (options, logger) => {
    const server = await openServer(options, logger);
    answerHttp(server, {
      role: 'meta',
      table: META.table,
      options,
      routes: metaRoutes(server),
      collect: () => metaMetrics(server),
    });
    return server;
  },
};

async function openServer(options: MetaOptions, logger: Logger): Promise<MetaServer> {
  const environment = metaEnvironment(logger);
  if (options.store === 'journal') return await MetaServer.open(environment, options);
  const service = sharedService(options);
  try {
    return await MetaServer.join(environment, options, service);
  } catch (error) {
    await service.close();
    throw error;
  }
}

/** Clusters that share a service are apart by their names. */
function sharedService(options: MetaOptions): CoordinationService {
  const { storeEndpoints: members, leadTimeoutMs } = options;
  assert(members !== null, 'a store that is a service has addresses');
  const root = `/pegasus/${options.clusterName}`;
  return options.store === 'etcd'
    ? new EtcdCoordination({ ...DEFAULT_ETCD_OPTIONS, members, root, leadTimeoutMs })
    : new ZooKeeperCoordination({ ...DEFAULT_ZOOKEEPER_OPTIONS, members, root, leadTimeoutMs });
}

await runProgram((args) => runServer(META, args));
