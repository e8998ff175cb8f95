/** `pegasus replica`: one replica server. */
import { REPLICA_OPTIONS, type ReplicaOptions } from '../replica/options.ts';
import { ReplicaServer } from '../replica/server.ts';
import { replicaEnvironment } from './environment.ts';
import { PROCESS_OPTIONS, type ProcessOptions } from './process-options.ts';
import { runProgram } from './program.ts';
import { ROCKSDB_OPTIONS, type RocksDbProcessOptions } from './rocksdb-options.ts';
import { runServer, type ServerProgram } from './server-program.ts';

const REPLICA: ServerProgram<ProcessOptions & ReplicaOptions & RocksDbProcessOptions> = {
  name: 'replica',
  summary: 'A replica server: holds replicas of partitions and answers clients.',
  table: { ...PROCESS_OPTIONS, ...REPLICA_OPTIONS, ...ROCKSDB_OPTIONS },
  relations: [],
  open: (options, logger) => ReplicaServer.open(replicaEnvironment(logger, options), options),
};

await runProgram((args) => runServer(REPLICA, args));
