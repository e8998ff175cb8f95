/** Commands on tables and servers. */
import { UserError } from '../base/user-error.ts';
import type { NodeDetail, PartitionInfo, TableConfig, TableInfo } from '../client/api.ts';
import { RejectedError } from '../client/errors.ts';
import { columns, pairs } from './columns.ts';
import type { Answer, Command } from './command.ts';

const CREATE: Command = {
  name: 'create',
  usage: 'TABLE',
  summary: 'Makes a table and waits until it can be used.',
  flags: [
    { name: '-p', value: 'COUNT', help: 'partitions, a power of two (default 8)' },
    { name: '-r', value: 'COUNT', help: 'replicas of each partition (default 3)' },
    { name: '-e', value: 'K=V,…', help: 'settings of the table' },
    { name: '-i', value: null, help: 'fine if the table is there already' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const name = args.word(0);
    const options = {
      partitionCount: args.integer('-p', 1),
      replicaCount: args.integer('-r', 1),
      envs: parseSettings(args.text('-e') ?? ''),
      successIfExists: args.has('-i'),
    };
    const id = await explained(name, client.admin.createTable(name, options));
    return { document: { table: name, id }, lines: () => [`Table ${name} is ready (id ${id}).`] };
  },
};

const DROP: Command = {
  name: 'drop',
  usage: 'TABLE',
  summary: 'Drops a table. It can be recalled for a while.',
  flags: [{ name: '-r', value: 'SECONDS', help: 'how long it can be recalled' }],
  completes: ['table', 'nothing'],
  run: async ({ client }, args) => {
    const name = args.word(0);
    const options = { reserveSeconds: args.integer('-r', 0) };
    await explained(name, client.admin.dropTable(name, options));
    return { document: { table: name, dropped: true }, lines: () => [`Dropped ${name}.`] };
  },
};

const LS: Command = {
  name: 'ls',
  usage: '',
  summary: 'Shows all tables.',
  flags: [
    { name: '-a', value: null, help: 'dropped ones that can be recalled too' },
    { name: '-d', value: null, help: 'also how many partitions are healthy' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const tables = await client.admin.listTables({ all: args.has('-a') });
    const health = args.has('-d')
      ? await Promise.all(
          tables.map(async (table) =>
            table.status === 'available'
              ? healthOf(await client.admin.tableConfig(table.name))
              : null,
          ),
        )
      : null;
    return tablesAnswer(tables, health);
  },
};

const APP: Command = {
  name: 'app',
  usage: 'TABLE',
  summary: 'Shows a table, with -d every partition of it.',
  flags: [{ name: '-d', value: null, help: 'where the partitions are' }],
  completes: ['table', 'nothing'],
  run: async ({ client }, args) => {
    const name = args.word(0);
    const config = await client.admin.tableConfig(name);
    const { healthy, unhealthy } = healthOf(config);
    const { appId, partitionCount, replicaCount, partitions } = config;
    const general = { table: name, id: appId, partitionCount, replicaCount, healthy, unhealthy };
    return {
      document: args.has('-d') ? { ...general, partitions } : general,
      lines: (width) => [
        ...pairs(Object.entries(general).map(([key, value]) => [key, String(value)])),
        ...(args.has('-d') ? ['', ...partitionLines(partitions, width)] : []),
      ],
    };
  },
};

const NODES: Command = {
  name: 'nodes',
  usage: '',
  summary: 'Shows all replica servers.',
  flags: [
    { name: '-d', value: null, help: 'also what each one holds, and where it is' },
    { name: '-s', value: 'STATUS', help: 'only those that are alive or unalive' },
  ],
  completes: ['nothing'],
  run: async ({ client }, args) => {
    const wanted = args.text('-s') ?? 'all';
    if (!['all', 'alive', 'unalive'].includes(wanted)) {
      throw new UserError(`"${wanted}" is no status of a server.`, 'Write -s alive or -s unalive.');
    }
    const all = await client.admin.listNodes({ detailed: args.has('-d') });
    const nodes = all.filter(({ alive }) => wanted === 'all' || alive === (wanted === 'alive'));
    const rows = nodes.map(({ address, alive, detail }) => {
      const row = { address, status: alive ? 'alive' : 'unalive' };
      return detail === null ? row : { ...row, ...nodeCells(detail) };
    });
    return rowsAnswer({ nodes: rows }, rows, ['address', 'status']);
  },
};

function nodeCells(detail: NodeDetail): Readonly<Record<string, string | number>> {
  const { primaryCount: primaries, secondaryCount: secondaries, zone, rack, host, ban } = detail;
  const { diskTotalBytes, diskFreeBytes } = detail;
  const isKnown = diskTotalBytes > 0;
  const free = isKnown ? `${Math.floor((100 * diskFreeBytes) / diskTotalBytes)} %` : '-';
  return {
    primaries,
    secondaries,
    replicas: primaries + secondaries,
    free,
    zone: zone || '-',
    rack: rack || '-',
    host: host || '-',
    copies: ban === '' ? 'yes' : `no: ${ban}`,
  };
}

const CLUSTER_INFO: Command = {
  name: 'cluster_info',
  usage: '',
  summary: 'Shows what the meta server says about the cluster.',
  flags: [],
  completes: ['nothing'],
  run: async ({ client }) => {
    const info = await client.admin.clusterInfo();
    return { document: Object.fromEntries(info), lines: () => pairs(info) };
  },
};

export const CLUSTER_COMMANDS: readonly Command[] = [CREATE, DROP, LS, APP, NODES, CLUSTER_INFO];

/** What a refusal of the meta server means, by its code: the answer has no words of its own. */
const REFUSALS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ERR_APP_EXIST: ['exists already', 'Choose another name; `ls` shows which are taken.'],
  ERR_APP_NOT_EXIST: ['does not exist', '`ls` shows which there are.'],
  ERR_INVALID_PARAMETERS: [
    'is refused by the meta server with these parameters',
    'The partition count is a power of two up to meta.partition_count_max, there are no more replicas than living ' +
      'servers (`nodes`), and settings have known names and values.',
  ],
};

async function explained<T>(table: string, command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    const refusal = error instanceof RejectedError ? REFUSALS[error.serverCode] : undefined;
    if (refusal === undefined) throw error;
    throw new UserError(`Table ${table} ${refusal[0]}.`, refusal[1]);
  }
}

interface Health {
  readonly healthy: number;
  readonly unhealthy: number;
}

function healthOf(config: TableConfig): Health {
  const healthy = config.partitions.filter(
    ({ primary, secondaries }) => primary !== null && secondaries.length + 1 >= config.replicaCount,
  ).length;
  return { healthy, unhealthy: config.partitionCount - healthy };
}

function tablesAnswer(
  tables: readonly TableInfo[],
  health: readonly (Health | null)[] | null,
): Answer {
  const rows = tables.map((table, at) => ({
    id: table.appId,
    table: table.name,
    status: table.status,
    partitions: table.partitionCount,
    replicas: table.replicaCount,
    ...(health === null ? {} : { healthy: health[at]?.healthy ?? '-' }),
  }));
  const names = ['id', 'table', 'status', 'partitions', 'replicas'];
  return rowsAnswer({ tables: rows }, rows, health === null ? names : [...names, 'healthy']);
}

/** `names` are the columns of an empty table. */
function rowsAnswer(
  document: unknown,
  rows: readonly Readonly<Record<string, string | number>>[],
  names: readonly string[],
): Answer {
  const header = rows[0] === undefined ? names : Object.keys(rows[0]);
  const cells = rows.map((row) => header.map((name) => String(row[name])));
  return { document, lines: (width) => columns(header, cells, width) };
}

function partitionLines(partitions: readonly PartitionInfo[], width: number): string[] {
  const rows = partitions.map(({ index, ballot, primary, secondaries }) => [
    String(index),
    String(ballot),
    primary ?? '-',
    secondaries.length === 0 ? '-' : secondaries.join(','),
  ]);
  return columns(['partition', 'ballot', 'primary', 'secondaries'], rows, width);
}

function parseSettings(text: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const pair of text.split(',').filter((one) => one !== '')) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new UserError(`"${pair}" is no setting.`, 'Write -e NAME=VALUE,NAME=VALUE.');
    settings[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return settings;
}
