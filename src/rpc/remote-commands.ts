/**
 * The remote commands of a server (`RPC_CLI_CLI_CALL`, wire.md §2.1): a name and words go in, a text
 * comes out. Shells and the Go client's `admin` package ask for them, of meta and replica servers
 * alike.
 *
 * Stands before the server's own handler, because the commands are about the process and not about
 * any table. All of them only tell something: what changes a cluster has procedures of its own.
 * An unknown command is answered with a text that says so, in a frame without an error, as the
 * original does. Left out: the original's commands that change its flags at run time.
 */
import { assert } from '../base/assert.ts';
import { utcTimeText } from '../base/utc-time.ts';
import type { Clock } from '../env/clock.ts';
import { readCommand } from '../wire/generated/meta.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { beginArgument, type RequestHeader } from '../wire/thrift-frame.ts';
import type { RpcStatistics } from './statistics.ts';
import type { RequestHandler, ThriftSession } from './thrift-session.ts';

/** As package.json says. */
export const PROGRAM_VERSION = '0.1.0';

/** A name that is nobody's is repeated up to here. */
const NAME_SHOWN_MAX = 64;

interface RemoteCommand {
  readonly help: string;
  readonly answer: () => string;
}

export class RemoteCommands implements RequestHandler {
  readonly #next: RequestHandler;
  readonly #commands: ReadonlyMap<string, RemoteCommand>;

  /** Everything but commands goes on to `next`. */
  constructor(clock: Clock, statistics: RpcStatistics, next: RequestHandler) {
    const startedAt = utcTimeText(clock.wallMs());
    this.#next = next;
    this.#commands = new Map<string, RemoteCommand>([
      ['help', { help: 'names of all commands', answer: () => this.#help() }],
      ['server-info', { help: 'version and start time', answer: () => serverInfo(startedAt) }],
      [
        'server-stat',
        { help: 'counters of the network side', answer: () => JSON.stringify(statistics) },
      ],
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
    const name = beginArgument(reader) ? readCommand(reader).cmd : '';
    const command = this.#commands.get(name);
    const text = command === undefined ? unknownCommand(name) : command.answer();
    assert(text.length > 0, 'a command answers something');
    session.beginReply(header.rpc, header.seqid).writeString(text);
    session.finishReply();
  }

  #help(): string {
    return [...this.#commands].map(([name, { help }]) => `${name}: ${help}`).join('\n');
  }
}

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
