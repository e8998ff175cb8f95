/** `pegasus meta`: one meta server. */
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
    const server = await MetaServer.open(metaEnvironment(logger), options);
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

await runProgram((args) => runServer(META, args));
