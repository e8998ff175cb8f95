/** The remote command `meta.dump`: the state of the meta server that leads, as a file on its machine. */
import { commandReply, type RemoteCommandTable } from '../rpc/remote-commands.ts';
import type { DumpKeeper } from './dump-keeper.ts';

export interface DumpingMeta {
  /** Null while it does not lead. */
  readonly term: { readonly dumps: DumpKeeper } | null;
}

export function dumpCommand(server: DumpingMeta): RemoteCommandTable {
  const answer = ([name = '']: readonly string[]): string => {
    if (server.term === null) return commandReply({}, 'this meta server does not lead');
    const outcome = server.term.dumps.write(name);
    return 'path' in outcome ? commandReply(outcome) : commandReply({}, outcome.refusal);
  };
  const help = 'NAME writes all that the meta server keeps into a file of its dump folder';
  return new Map([['meta.dump', { help, answer }]]);
}
