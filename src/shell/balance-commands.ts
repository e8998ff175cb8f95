/** Commands on what is where: the balance, single moves, and servers that are to be emptied. */
import { UserError } from '../base/user-error.ts';
import type {
  BalanceAction,
  BalanceReport,
  CommandOutcome,
  DrainReport,
  ProposedStep,
  ProposedStepType,
} from '../client/api.ts';
import { columns } from './columns.ts';
import type { Answer, Command } from './command.ts';

const OK = 'ERR_OK';
const DRAIN_SECONDS_DEFAULT = 600;
const DRAIN_POLL_MS = 1_000;

const STATUS: Command = {
  name: 'balance_status',
  usage: '',
  summary: 'Shows what the balance does, what there is to do, and why it is not done.',
  flags: [],
  completes: ['nothing'],
  run: async ({ client }) => reportAnswer(await client.admin.controlBalance('status')),
};

function wish(name: string, action: BalanceAction, summary: string): Command {
  return {
    name,
    usage: '',
    summary,
    flags: [],
    completes: ['nothing'],
    run: async ({ client }) => reportAnswer(await client.admin.controlBalance(action)),
  };
}

const IGNORE: Command = {
  name: 'balance_ignore',
  usage: '[TABLES…]',
  summary: 'Says which tables the balance leaves alone, these and no others.',
  flags: [],
  completes: ['table'],
  run: async ({ client }, args) => {
    const names = args.wordsFrom(0);
    const known = await client.admin.listTables();
    const tables = names.map((name) => {
      const table = known.find((one) => one.name === name);
      if (table !== undefined) return table.appId;
      throw new UserError(`Table ${name} does not exist.`, '`ls` shows which there are.');
    });
    return reportAnswer(await client.admin.controlBalance('ignore', { tables }));
  },
};

const BALANCE: Command = {
  name: 'balance',
  usage: '',
  summary: 'Moves the lead or a copy of one partition.',
  flags: [
    { name: '-g', value: 'APP.PARTITION', help: 'which' },
    { name: '-p', value: 'TYPE', help: 'move_pri, copy_pri or copy_sec' },
    { name: '-f', value: 'NODE', help: 'where it is' },
    { name: '-t', value: 'NODE', help: 'where it is to be' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const [appId, index] = partitionOf(args.text('-g'));
    const from = required(args.text('-f'), '-f');
    const to = required(args.text('-t'), '-t');
    const steps = balanceSteps(required(args.text('-p'), '-p'), from, to);
    const outcome = await client.admin.propose(appId, index, steps, { force: true });
    return outcomeAnswer(outcome, `${appId}.${index} moves from ${from} to ${to}.`);
  },
};

const PROPOSE: Command = {
  name: 'propose',
  usage: '',
  summary: 'Proposes one step for a partition; what it comes to is a move, or is refused.',
  flags: [
    { name: '-f', value: null, help: 'in the place of a move that is under way' },
    { name: '-g', value: 'APP.PARTITION', help: 'which' },
    { name: '-p', value: 'TYPE', help: 'UPGRADE_TO_PRIMARY, DOWNGRADE_TO_SECONDARY, …' },
    { name: '-t', value: 'NODE', help: 'to whom it is said; of no meaning here' },
    { name: '-n', value: 'NODE', help: 'whom it is about' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const [appId, index] = partitionOf(args.text('-g'));
    const node = required(args.text('-n') ?? args.text('-t'), '-n');
    const name = required(args.text('-p'), '-p');
    const type = STEPS[name.toUpperCase().replace(/^CT_/, '')];
    if (type === undefined) {
      throw new UserError(
        `There is no step ${name} that can be proposed.`,
        `Take one of ${Object.keys(STEPS).join(', ')}.`,
      );
    }
    const force = args.has('-f');
    const outcome = await client.admin.propose(appId, index, [{ type, node }], { force });
    return outcomeAnswer(outcome, `${appId}.${index} is about to move.`);
  },
};

const DRAIN: Command = {
  name: 'drain',
  usage: 'NODE',
  summary: 'Empties a server, leads first, and waits until it is empty. It stays so until undrain.',
  flags: [
    { name: '-p', value: null, help: 'of its leads only' },
    { name: '-n', value: null, help: 'do not wait; balance_status shows how far it is' },
    { name: '-w', value: 'SECONDS', help: `patience (default ${DRAIN_SECONDS_DEFAULT})` },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const node = args.word(0);
    const action = args.has('-p') ? 'drain_primaries' : 'drain';
    const polls = args.has('-n') ? 0 : (args.integer('-w', 1) ?? DRAIN_SECONDS_DEFAULT);
    const progress: string[] = [];
    let report = await client.admin.controlBalance(action, { node });
    for (let poll = 0; poll < polls && drainOf(report, node)?.isDone === false; poll++) {
      await new Promise((resolve) => void setTimeout(resolve, DRAIN_POLL_MS));
      report = await client.admin.controlBalance('status');
      const text = drainText(drainOf(report, node));
      if (progress.at(-1) !== text) progress.push(text);
    }
    const drain = drainOf(report, node);
    const isLeft = drain?.isDone !== true && !args.has('-n');
    return {
      document: { drain: drain ?? null },
      lines: () => (progress.length === 0 ? [drainText(drain)] : progress),
      ...(isLeft ? { missing: `${node} is not drained yet: ${drainText(drain)}` } : {}),
    };
  },
};

const UNDRAIN: Command = {
  name: 'undrain',
  usage: '[NODE]',
  summary: 'Takes a drain back, or all of them; the balance gives the server its share again.',
  flags: [],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const node = args.word(0);
    const report = await client.admin.controlBalance('undrain', node === '' ? {} : { node });
    return reportAnswer(report);
  },
};

export const BALANCE_COMMANDS: readonly Command[] = [
  STATUS,
  wish('balance_pause', 'pause', 'Nothing moves any more but what people ask for.'),
  wish('balance_resume', 'resume', 'The balance goes on.'),
  IGNORE,
  BALANCE,
  PROPOSE,
  DRAIN,
  UNDRAIN,
];

const STEPS: Readonly<Record<string, ProposedStepType>> = {
  UPGRADE_TO_PRIMARY: 'upgradeToPrimary',
  ADD_SECONDARY: 'addSecondary',
  DOWNGRADE_TO_SECONDARY: 'downgradeToSecondary',
  DOWNGRADE_TO_INACTIVE: 'downgradeToInactive',
  REMOVE: 'remove',
};

function balanceSteps(type: string, from: string, to: string): ProposedStep[] {
  const add: ProposedStep = { type: 'addSecondaryForBalance', node: to };
  const lead: ProposedStep[] = [
    { type: 'downgradeToSecondary', node: from },
    { type: 'upgradeToPrimary', node: to },
  ];
  const remove: ProposedStep = { type: 'remove', node: from };
  switch (type) {
    case 'move_pri':
      return lead;
    case 'copy_pri':
      return [add, ...lead, remove];
    case 'copy_sec':
      return [add, remove];
    default:
      throw new UserError(`There is no move ${type}.`, 'Take move_pri, copy_pri or copy_sec.');
  }
}

function required(text: string | undefined, flag: string): string {
  if (text !== undefined) return text;
  throw new UserError(
    `${flag} is missing.`,
    '`help balance` and `help propose` show what is needed.',
  );
}

function partitionOf(text: string | undefined): [appId: number, index: number] {
  const match = /^(\d+)\.(\d+)$/.exec(text ?? '');
  if (match === null) throw new UserError(`"${text ?? ''}" is no partition.`, 'Write -g 2.0.');
  return [Number(match[1]), Number(match[2])];
}

function outcomeAnswer({ code, hint }: CommandOutcome, done: string): Answer {
  const text = code === OK ? done : `Refused: ${hint === '' ? code : hint}.`;
  return {
    document: { code, hint },
    lines: () => [text],
    ...(code === OK ? {} : { missing: code }),
  };
}

function drainOf(report: BalanceReport, node: string): DrainReport | undefined {
  return report.drains.find((drain) => drain.node === node);
}

function drainText(drain: DrainReport | undefined): string {
  if (drain === undefined) return 'It is not drained any more.';
  const { node, what, primaries, replicas, isDone, obstacle } = drain;
  if (isDone) return what === 'all' ? `${node} is empty.` : `${node} leads nothing.`;
  const left =
    what === 'all' ? `${replicas} copies, ${primaries} of them leads` : `${primaries} leads`;
  return `${node} still has ${left}${obstacle === '' ? '' : `; ${obstacle}`}.`;
}

function reportAnswer(report: BalanceReport): Answer {
  return { document: report, lines: (width) => reportLines(report, width) };
}

function reportLines(report: BalanceReport, width: number): string[] {
  const { why, servers, wanted, moves, ignoredTables, drains } = report;
  const shares = servers.map(({ node, primaries, replicas }) => [
    node,
    String(primaries),
    String(replicas),
  ]);
  const lines = [why, '', ...columns(['server', 'leads', 'copies'], shares, width)];
  const { movePrimary, copyPrimary, copySecondary } = wanted;
  lines.push(
    '',
    `To do: ${movePrimary} move_pri, ${copyPrimary} copy_pri, ${copySecondary} copy_sec.`,
  );
  if (ignoredTables.length > 0) lines.push(`Left alone: tables ${ignoredTables.join(', ')}.`);
  for (const drain of drains) lines.push(`Drain: ${drainText(drain)}`);
  if (moves.length === 0) return lines;
  const rows = moves.map(({ partition, kind, from, to, cause, seconds }) => [
    partition,
    kind,
    from,
    to,
    cause,
    `${seconds} s`,
  ]);
  return [...lines, '', ...columns(['partition', 'what', 'from', 'to', 'why', 'for'], rows, width)];
}
