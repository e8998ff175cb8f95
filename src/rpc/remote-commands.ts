/**
 * The remote commands of a server (`RPC_CLI_CLI_CALL`, wire.md §2.1): a name and words go in, a text
 * comes out. Shells and the Go client's `admin` package ask for them, of meta and replica servers
 * alike.
 *
 * Stands before the server's own handler, because the commands are about the process and not about
 * any table. Each kind of server adds its own (meta/remote-commands.ts, replica/remote-commands.ts).
 * An unknown command is answered with a text that says so, in a frame without an error, as the
 * original does. Left out: the original's commands about threads, queues and allocators that are not here.
 */
import { assert } from '../base/assert.ts';
import { utcTimeText } from '../base/utc-time.ts';
import type { Clock } from '../env/clock.ts';
import { makeCommand, readCommand } from '../wire/generated/meta.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { beginArgument, type RequestHeader } from '../wire/thrift-frame.ts';
import type { RpcStatistics } from './statistics.ts';
import type { RequestHandler, ThriftSession } from './thrift-session.ts';

/** As package.json says. */
export const PROGRAM_VERSION = '0.1.0';

/** A name that is nobody's is repeated up to here. */
const NAME_SHOWN_MAX = 64;

export interface RemoteCommand {
  /** What it takes and does. */
  readonly help: string;
  readonly answer: (args: readonly string[]) => string;
}

/** By name. */
export type RemoteCommandTable = ReadonlyMap<string, RemoteCommand>;

/** What most commands of the original answer: fields as texts, and whether it went well. */
export function commandReply(
  fields: Readonly<Record<string, unknown>>,
  error: string = 'ok',
): string {
  return JSON.stringify({ ...fields, error }, null, 2);
}

export class RemoteCommands implements RequestHandler {
  readonly #next: RequestHandler;
  readonly #commands: RemoteCommandTable;

  /** Everything but commands goes on to `next`. */
  constructor(
    clock: Clock,
    statistics: RpcStatistics,
    next: RequestHandler,
    own: RemoteCommandTable = new Map(),
  ) {
    const startedAt = utcTimeText(clock.wallMs());
    this.#next = next;
    this.#commands = new Map<string, RemoteCommand>([
      ['help', { help: '[COMMAND] what there is', answer: ([name]) => this.#help(name) }],
      ['server-info', { help: 'version and start time', answer: () => serverInfo(startedAt) }],
      [
        'server-stat',
        { help: 'counters of the network side', answer: () => JSON.stringify(statistics) },
      ],
      ...own,
    ]);
  }

  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    if (header.rpc === RpcCode.cliCall) this.#onCommand(session, header, reader);
    else this.#next.onRequest(session, header, reader);
  }

  onSessionClosed(session: ThriftSession): void {
    this.#next.onSessionClosed(session);
  }

  #onCommand(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const { cmd, arguments: args } = beginArgument(reader) ? readCommand(reader) : makeCommand();
    const command = this.#commands.get(HELP_NAMES.has(cmd) ? 'help' : cmd);
    const text = command === undefined ? unknownCommand(cmd) : command.answer(args);
    assert(text.length > 0, 'a command answers something');
    session.beginReply(header.rpc, header.seqid).writeString(text);
    session.finishReply();
  }

  #help(asked: string | undefined): string {
    const names = asked === undefined ? [...this.#commands.keys()] : [asked];
    const lines = names.map((name) => {
      const command = this.#commands.get(name);
      return command === undefined ? unknownCommand(name) : `${name}: ${command.help}`;
    });
    return lines.join('\n');
  }
}

const HELP_NAMES: ReadonlySet<string> = new Set(['help', 'Help', 'h', 'H']);

function serverInfo(startedAt: string): string {
  return JSON.stringify({
    build_type: 'Release',
    git_SHA: '',
    start_time: startedAt,
    version: PROGRAM_VERSION,
  });
}

function unknownCommand(name: string): string {
  return `unknown command '${name.slice(0, NAME_SHOWN_MAX)}'; try help`;
}
