/** Commands for when something is lost: the meta server's state, or all members of a partition. */
import { readFile, writeFile } from 'node:fs/promises';
import { UserError } from '../base/user-error.ts';
import type { PartitionDiagnosis } from '../client/api.ts';
import { columns } from './columns.ts';
import type { Answer, Command } from './command.ts';

const OK = 'ERR_OK';
const WAIT_SECONDS_DEFAULT = 100;

const RECOVER: Command = {
  name: 'recover',
  usage: '[NODES…]',
  summary:
    'Makes the state of an empty meta server anew, from what the named replica servers hold.',
  flags: [
    { name: '-f', value: 'FILE', help: 'file with the servers, one host:port a line' },
    { name: '-s', value: 'LIST', help: 'the servers, separated by commas' },
    { name: '-w', value: 'SECONDS', help: `patience (default ${WAIT_SECONDS_DEFAULT})` },
    { name: '-b', value: null, help: 'go on without servers that do not answer' },
    { name: '-l', value: null, help: 'go on without partitions that nobody has' },
    { name: '-o', value: 'FILE', help: 'write the report there too' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const file = args.text('-f');
    const text = file === undefined ? '' : await readFile(file, 'utf8');
    const listed = `${text}\n${args.text('-s') ?? ''}`.replace(/#.*$/gm, '').split(/[\s,]+/);
    const nodes = [...new Set([...listed, ...args.wordsFrom(0)])].filter((node) => node !== '');
    if (nodes.length === 0) {
      throw new UserError(
        'No replica server is named.',
        'Name all of them: HOST:PORT …, or -f FILE.',
      );
    }
    const timeoutMs = 1_000 * (args.integer('-w', 1) ?? WAIT_SECONDS_DEFAULT);
    const { code, hint } = await client.admin.recover(nodes, {
      skipBadNodes: args.has('-b'),
      skipLostPartitions: args.has('-l'),
      timeoutMs,
    });
    const lines = [code === OK ? 'Recovered:' : `Nothing was recovered (${code}):`];
    lines.push(...hint.split('\n').map((line) => `  ${line}`));
    const out = args.text('-o');
    if (out !== undefined) await writeFile(out, `${lines.join('\n')}\n`);
    return outcome({ recovered: code === OK, code, hint }, lines, code);
  },
};

const DIAGNOSE: Command = {
  name: 'ddd_diagnose',
  usage: '',
  summary: 'Shows partitions that nobody leads and nobody will by himself, and what each copy has.',
  flags: [
    { name: '-g', value: 'APP[.PARTITION]', help: 'of one table, or one partition' },
    {
      name: '-f',
      value: 'NODE',
      help: 'let this server lead it with what it has; needs -b and -m',
    },
    { name: '-b', value: 'BALLOT', help: 'ballot of the partition, as diagnosed' },
    { name: '-m', value: 'REASON', help: 'who wants it and why; kept with the partition' },
    { name: '-o', value: 'FILE', help: 'write the report there too' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const [appId, index] = gpidOf(args.text('-g'));
    const node = args.text('-f');
    if (node !== undefined) {
      const ballot = args.integer('-b', 0);
      const reason = args.text('-m');
      if (appId === undefined || index === undefined || ballot === undefined || !reason) {
        throw new UserError(
          'A lead by force is for one partition, under the ballot that was diagnosed, with a reason.',
          'ddd_diagnose -g APP.PARTITION -f NODE -b BALLOT -m REASON',
        );
      }
      const { code, hint } = await client.admin.forcePrimary(appId, index, node, {
        ballot,
        reason,
      });
      return outcome({ code, hint }, [code === OK ? hint : `${code}: ${hint}`], code);
    }
    const partitions = await client.admin.diagnose({
      ...(appId === undefined ? {} : { appId }),
      ...(index === undefined ? {} : { index }),
    });
    const linesOf = (width: number): string[] =>
      partitions.length === 0
        ? ['Every partition has somebody who leads it, or will soon.']
        : partitions.flatMap((one) => partitionLines(one, width));
    const out = args.text('-o');
    if (out !== undefined) await writeFile(out, `${linesOf(REPORT_COLUMNS).join('\n')}\n`);
    return { document: { partitions }, lines: linesOf };
  },
};

export const RECOVERY_COMMANDS: readonly Command[] = [RECOVER, DIAGNOSE];

const REPORT_COLUMNS = 200;

function outcome(document: unknown, lines: readonly string[], code: string): Answer {
  return { document, lines: () => lines, ...(code === OK ? {} : { missing: code }) };
}

function gpidOf(text: string | undefined): [appId?: number, index?: number] {
  if (text === undefined) return [];
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) {
    throw new UserError(`"${text}" is no partition.`, 'Write -g 2.0, or -g 2 for a table.');
  }
  return match[2] === undefined ? [Number(match[1])] : [Number(match[1]), Number(match[2])];
}

function partitionLines(partition: PartitionDiagnosis, width: number): string[] {
  const { appId, index, ballot, lastCommittedDecree, reason, copies } = partition;
  const header = ['server', 'state', 'member', 'ballot', 'committed', 'prepared', 'lacks'];
  const rows = copies.map((copy) => [
    copy.node,
    copy.alive ? (copy.reported ? 'alive' : 'silent') : 'dead',
    copy.member ? 'yes' : 'no',
    shown(copy.ballot),
    shown(copy.lastCommittedDecree),
    shown(copy.lastPreparedDecree),
    `${copy.lostDecrees < 0 ? '?' : copy.lostDecrees}${copy.tailUnproven ? '+' : ''}`,
  ]);
  return [
    `${appId}.${index}: ballot ${ballot}, committed at least ${lastCommittedDecree}; ${reason}`,
    ...columns(header, rows, width).map((line) => `  ${line}`),
  ];
}

function shown(decree: number): string {
  return decree < 0 ? '-' : String(decree);
}
