/** `pegasus replica trash list` and `restore`: what a replica server has put aside, in its data folder. */
import { NodeDisk } from '../adapters/node/disk.ts';
import { UserError } from '../base/user-error.ts';
import { gpidText } from '../model/identity.ts';
import { REPLICA_OPTIONS, type ReplicaOptions } from '../replica/options.ts';
import { holdMsOf, listTrash, restoreTrashed } from '../replica/trash.ts';
import { PROCESS_OPTIONS, type ProcessOptions } from './process-options.ts';
import { type Main, printJson, printLine } from './program.ts';
import { ROCKSDB_OPTIONS, type RocksDbProcessOptions } from './rocksdb-options.ts';
import { type ConfiguredProgram, configure } from './server-program.ts';

type Options = ProcessOptions & ReplicaOptions & RocksDbProcessOptions;

const TRASH: ConfiguredProgram<Options> = {
  name: 'replica trash',
  summary: 'Shows what the server has put aside, or puts a copy back; for that it must not run.',
  table: {
    ...PROCESS_OPTIONS,
    ...REPLICA_OPTIONS,
    ...ROCKSDB_OPTIONS,
    metaServers: {
      key: 'cluster.meta_servers',
      type: 'hostPorts',
      default: [{ host: '127.0.0.1', port: 34601 }],
      help: 'Not looked at: nobody is spoken to.',
    },
  },
  relations: [],
  extend: (command) => {
    command.argument('<verb>', 'list or restore').argument('[name]', 'as listed, to restore');
    command.option('--json', 'print one JSON document');
  },
};

export const REPLICA_VERBS_HELP = `
Verbs, for what the server has put aside:
  pegasus replica trash list --config FILE
  pegasus replica trash restore --config FILE NAME`;

export const replicaTrash: Main = async (args) => {
  const { options, command } = configure(TRASH, args);
  const [verb, name] = command.args;
  const asJson = command.opts<{ json?: boolean }>().json === true;
  const disk = new NodeDisk(process.cwd());
  if (verb === 'list') return await list(disk, options, asJson);
  if (verb !== 'restore' || name === undefined) {
    throw new UserError(
      `There is no verb ${verb ?? ''}.`,
      'pegasus replica trash list | restore NAME',
    );
  }
  const gpid = gpidText(await restoreTrashed(disk, options.dataPath, name));
  if (asJson) printJson({ restored: name, partition: gpid });
  else
    printLine(
      `Partition ${gpid} is back. Start the server, then see: ./pegasus shell ddd_diagnose`,
    );
  return 0;
};

async function list(disk: NodeDisk, options: Options, asJson: boolean): Promise<number> {
  const items = (await listTrash(disk, options.dataPath)).map(
    ({ name, kind, gpid, trashedMs }) => ({
      name,
      kind,
      partition: gpid === null ? null : gpidText(gpid),
      trashed: new Date(trashedMs).toISOString(),
      removed: new Date(trashedMs + holdMsOf(kind, options)).toISOString(),
    }),
  );
  if (asJson) printJson({ items });
  else if (items.length === 0) printLine('The trash is empty.');
  else for (const { name, removed } of items) printLine(`${name}  goes after ${removed}`);
  return 0;
}
