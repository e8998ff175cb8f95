/**
 * `pegasus meta export`, `import` and `check`: the state of a meta server as a file, out of any store and into any
 * other. The store is told as to the server itself, best with its own `--config FILE`.
 */
import type { Command } from 'commander';
import { NodeDisk } from '../adapters/node/disk.ts';
import { UserError } from '../base/user-error.ts';
import { DEFAULT_JOURNAL_LIMITS, JournalStore } from '../meta/journal-store.ts';
import { META_OPTION_RELATIONS, META_OPTIONS, type MetaOptions } from '../meta/options.ts';
import {
  checkState,
  decodeDump,
  encodeDump,
  type StateContent,
  type StateCounts,
  type StateDump,
} from '../meta/state-dump.ts';
import { fillShared, readShared } from '../meta/state-transfer.ts';
import { hostPortText } from '../model/identity.ts';
import { silent } from './client.ts';
import { metaEnvironment } from './environment.ts';
import { PROCESS_OPTIONS, type ProcessOptions } from './process-options.ts';
import { type Main, printJson, printLine } from './program.ts';
import { type ConfiguredProgram, configure } from './server-program.ts';
import { sharedService } from './shared-service.ts';

const EXPORT: ConfiguredProgram<ProcessOptions & MetaOptions> = {
  name: 'meta export',
  summary:
    'Writes all that a meta server keeps into a file. The journal is read while no server uses it.',
  table: { ...PROCESS_OPTIONS, ...META_OPTIONS },
  relations: META_OPTION_RELATIONS,
  extend: (command) => {
    command.requiredOption('--out <file>', 'file to write; it must not exist');
    command.option('--json', 'print one JSON document');
  },
};

const IMPORT: ConfiguredProgram<ProcessOptions & MetaOptions> = {
  name: 'meta import',
  summary:
    'Puts what a dump holds into the store that is configured. No meta server of the cluster may run.',
  table: { ...PROCESS_OPTIONS, ...META_OPTIONS },
  relations: META_OPTION_RELATIONS,
  extend: (command) => {
    command.argument('<file>', 'what `export` or meta.dump has written');
    command.allowExcessArguments(false);
    command.option('--replace', 'what the store holds already goes');
    command.option('--json', 'print one JSON document');
  },
};

const CHECK: ConfiguredProgram<Record<string, never>> = {
  name: 'meta check',
  summary: 'Says what a dump holds, and whether it is whole.',
  table: {},
  relations: [],
  extend: (command) => {
    command.argument('<file>', 'what `export` or meta.dump has written');
    command.option('--json', 'print one JSON document');
  },
};

export const META_VERBS_HELP = `
Verbs, for the state of a meta server:
  pegasus meta export --config FILE --out DUMP     write it into a file
  pegasus meta import --config FILE DUMP           put it into another store
  pegasus meta check DUMP                          look at such a file
Each has --help.`;

export const META_VERBS: ReadonlyMap<string, Main> = new Map([
  ['export', exportState],
  ['import', importState],
  ['check', checkFile],
]);

async function exportState(args: readonly string[]): Promise<number> {
  const { options, command } = configure(EXPORT, args);
  const { out } = command.opts<{ out: string }>();
  const disk = new NodeDisk(process.cwd());
  if (await disk.exists(out)) {
    throw new UserError(`The file ${out} is there already.`, 'Choose another name for the dump.');
  }
  const content = await readStore(options);
  if (content === null) {
    throw new UserError(
      'The store holds no state of a meta server.',
      'Check meta.store, meta.data_dir, meta.store_endpoints and cluster.name.',
    );
  }
  const counts = checkState('The store', content.entries);
  const dump = { ...content, takenSeconds: Math.floor(Date.now() / 1_000) };
  await disk.replaceFile(out, encodeDump(dump));
  report(command, `Written to ${out}`, dump, counts);
  return 0;
}

async function importState(args: readonly string[]): Promise<number> {
  const { options, command } = configure(IMPORT, args);
  const { replace = false } = command.opts<{ replace?: boolean }>();
  const path = command.args[0] as string;
  const dump = decodeDump(path, await new NodeDisk(process.cwd()).readFile(path));
  const counts = checkState(path, dump.entries);
  if (dump.clusterName !== options.clusterName) {
    throw new UserError(
      `${path} is of the cluster "${dump.clusterName}", not of "${options.clusterName}".`,
      'Set cluster.name to the name of the cluster.',
    );
  }
  await fillStore(options, dump, replace);
  report(command, `Put into the ${options.store} store`, dump, counts);
  return 0;
}

async function checkFile(args: readonly string[]): Promise<number> {
  const { command } = configure(CHECK, args);
  const path = command.args[0] as string;
  const dump = decodeDump(path, await new NodeDisk(process.cwd()).readFile(path));
  report(command, `${path} is whole`, dump, checkState(path, dump.entries));
  return 0;
}

async function readStore(options: MetaOptions): Promise<StateContent | null> {
  const { clusterName, dataPath: path } = options;
  if (options.store === 'journal') {
    return await JournalStore.read(metaEnvironment(silent), { path, clusterName });
  }
  const service = sharedService(options);
  try {
    return await readShared(service, clusterName);
  } finally {
    await service.close();
  }
}

async function fillStore(options: MetaOptions, dump: StateDump, replace: boolean): Promise<void> {
  const { clusterName, dataPath: path } = options;
  if (options.store === 'journal') {
    const journal = { ...DEFAULT_JOURNAL_LIMITS, path, clusterName };
    await JournalStore.fill(metaEnvironment(silent), journal, dump, replace);
    return;
  }
  const service = sharedService(options);
  const metaServers = (options.metaServers ?? []).map(hostPortText).sort();
  try {
    await fillShared(service, dump, metaServers, replace);
  } finally {
    await service.close();
  }
}

function report(command: Command, what: string, dump: StateDump, counts: StateCounts): void {
  const { clusterName, clusterId, epoch, takenSeconds } = dump;
  const facts = { clusterName, clusterId, epoch, takenSeconds, ...counts };
  if (command.opts<{ json?: boolean }>().json === true) {
    printJson(facts);
    return;
  }
  const { tables, partitions, nodes } = counts;
  printLine(
    `${what}: cluster ${clusterName} (${clusterId}), ${tables} tables, ${partitions} partitions, ${nodes} servers, ` +
      `as of ${new Date(takenSeconds * 1_000).toISOString()}.`,
  );
}
