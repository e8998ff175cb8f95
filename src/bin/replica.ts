/** `pegasus replica`: one replica server. */
import { replicaMetrics } from '../http/replica-metrics.ts';
import { replicaRoutes } from '../http/replica-routes.ts';
import {
  REPLICA_OPTION_RELATIONS,
  REPLICA_OPTIONS,
  type ReplicaOptions,
} from '../replica/options.ts';
import { ReplicaServer } from '../replica/server.ts';
import { ServerLives } from '../replica/server-lives.ts';
import { replicaEnvironment } from './environment.ts';
import { answerHttp } from './http.ts';
import { PROCESS_OPTIONS, type ProcessOptions } from './process-options.ts';
import { runProgram } from './program.ts';
import { asksForProcesses, PROCESSES_HELP, runProcesses } from './replica-processes.ts';
import { REPLICA_VERBS_HELP, replicaTrash } from './replica-trash.ts';
import { ROCKSDB_OPTIONS, type RocksDbProcessOptions } from './rocksdb-options.ts';
import { runServer, type ServerProgram } from './server-program.ts';

const REPLICA: ServerProgram<ProcessOptions & ReplicaOptions & RocksDbProcessOptions> = {
  name: 'replica',
  summary: 'A replica server: holds replicas of partitions and answers clients.',
  table: { ...PROCESS_OPTIONS, ...REPLICA_OPTIONS, ...ROCKSDB_OPTIONS },
  relations: REPLICA_OPTION_RELATIONS,
  extend: (command) => {
    command.addHelpText('after', REPLICA_VERBS_HELP);
    command.option('--processes <count>', PROCESSES_HELP);
  },
  open: async (options, logger) => {
    const environment = replicaEnvironment(logger, options);
    return await ServerLives.begin(async (onOutlived) => {
      const server = await ReplicaServer.open(environment, options, onOutlived);
      answerHttp(server, {
        role: 'replica',
        table: REPLICA.table,
        options,
        routes: replicaRoutes(server),
        changes: {
          learnBytesPerSecondMax: (rate) => server.setLearnRate(rate),
          rateBytesPerSecond: (rate) => environment.engines.setRate(rate),
        },
        collect: () => replicaMetrics(server, options.dataPath),
      });
      return server;
    });
  },
};

await runProgram((args) => {
  if (args[0] === 'trash') return replicaTrash(args.slice(1));
  return asksForProcesses(args) ? runProcesses(REPLICA, args) : runServer(REPLICA, args);
});
