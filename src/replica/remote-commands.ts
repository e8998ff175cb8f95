/** The remote commands of a replica server, with the names of the original. */
import { type Gpid, gpidText } from '../model/identity.ts';
import { commandReply, type RemoteCommandTable } from '../rpc/remote-commands.ts';
import type { ReplicaInspection } from './replica-host.ts';

const MEGABYTE = 1_048_576;
const RATE_MAX = 100_000;

export interface CommandedReplica {
  inspect(): readonly ReplicaInspection[];
  /** Bytes a second that learning may take, as receiver and as sender. */
  readonly learnRate: number;
  setLearnRate(bytesPerSecondMax: number): void;
}

export function replicaCommands(server: CommandedReplica): RemoteCommandTable {
  const rate = (name: string) => ({
    help: '[NUMBER] megabytes a second for making copies; one rate here for both directions',
    answer: (args: readonly string[]) => copyRate(server, name, args),
  });
  const copy = 'nfs.max_copy_rate_megabytes_per_disk';
  const send = 'nfs.max_send_rate_megabytes_per_disk';
  return new Map([
    [copy, rate(copy)],
    [send, rate(send)],
    [
      'replica.query-progress',
      { help: '[APP | APP.PARTITION ...] decrees', answer: (args) => progress(server, args) },
    ],
    [
      'replica.query-compact',
      {
        help: '[APP | APP.PARTITION ...] compactions',
        answer: (args) => compactions(server, args),
      },
    ],
  ]);
}

function copyRate(server: CommandedReplica, name: string, args: readonly string[]): string {
  const [text, ...more] = args;
  if (text !== undefined) {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (more.length > 0 || value < 1 || value > RATE_MAX) {
      return commandReply({}, `one number from 1 to ${RATE_MAX}`);
    }
    server.setLearnRate(value * MEGABYTE);
  }
  return commandReply({ [name]: String(Math.round(server.learnRate / MEGABYTE)) });
}

function progress(server: CommandedReplica, args: readonly string[]): string {
  return ofEach(server, args, (replica) => ({
    max_prepared_decree: replica.lastPreparedDecree,
    max_plog_decree: replica.lastLoggedDecree,
    last_committed_decree: replica.lastCommittedDecree,
    last_applied_decree: replica.appliedDecree,
    last_durable_decree: replica.durableDecree,
  }));
}

function compactions(server: CommandedReplica, args: readonly string[]): string {
  return ofEach(server, args, ({ compaction }) => ({ state: compaction }));
}

function ofEach(
  server: CommandedReplica,
  args: readonly string[],
  tell: (replica: ReplicaInspection) => Readonly<Record<string, unknown>>,
): string {
  const names = args.flatMap((text) => text.split(',')).filter((name) => name !== '');
  const wrong = names.find((name) => !/^\d{1,9}(\.\d{1,7})?$/.test(name));
  if (wrong !== undefined) return commandReply({}, 'tables by number, or partitions as APP.INDEX');
  const found = server.inspect().filter(({ gpid }) => isAsked(gpid, names));
  return JSON.stringify(
    Object.fromEntries(found.map((replica) => [gpidText(replica.gpid), tell(replica)])),
    null,
    2,
  );
}

function isAsked(gpid: Gpid, names: readonly string[]): boolean {
  if (names.length === 0) return true;
  return names.includes(String(gpid.appId)) || names.includes(gpidText(gpid));
}
