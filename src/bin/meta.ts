/** `pegasus meta`: one meta server; and, with a verb, what is done to its state by others (meta-state.ts). */
import type { Logger } from '../env/logger.ts';
import { metaMetrics } from '../http/meta-metrics.ts';
import { metaRoutes } from '../http/meta-routes.ts';
import { META_OPTION_RELATIONS, META_OPTIONS, type MetaOptions } from '../meta/options.ts';
import { MetaServer } from '../meta/server.ts';
import { metaEnvironment } from './environment.ts';
import { answerHttp } from './http.ts';
import { META_VERBS, META_VERBS_HELP } from './meta-state.ts';
import { PROCESS_OPTIONS, type ProcessOptions } from './process-options.ts';
import { runProgram } from './program.ts';
import { runServer, type ServerProgram } from './server-program.ts';
import { sharedService } from './shared-service.ts';

const META: ServerProgram<ProcessOptions & MetaOptions> = {
  name: 'meta',
  summary: 'A meta server: knows tables, partitions and servers, and repairs what is broken.',
  table: { ...PROCESS_OPTIONS, ...META_OPTIONS },
  relations: META_OPTION_RELATIONS,
  extend: (command) => {
    command.addHelpText('after', META_VERBS_HELP);
  },
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

await runProgram((args) => {
  const verb = META_VERBS.get(args[0] ?? '');
  return verb === undefined ? runServer(META, args) : verb(args.slice(1));
});
