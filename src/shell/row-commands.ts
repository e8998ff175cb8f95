/** Commands on rows of the current table. Bytes are shown and typed with escapes, in JSON too. */
import type { U64 } from '../base/crc64.ts';
import { UserError } from '../base/user-error.ts';
import type { MultiGetResult, Row, RowScan, ScanRow } from '../client/api.ts';
import { partitionHash } from '../model/hash.ts';
import { encodeKey, HASH_KEY_BYTES_MAX } from '../model/key.ts';
import { pairs } from './columns.ts';
import { type Answer, type Arguments, type Command, currentTable, type Flag } from './command.ts';
import { escapeBytes } from './escape.ts';

/** Rows of an answer unless -n says otherwise: it is kept in memory. */
const ROWS_MAX = 1_000;
const NO_SUCH_ROW = 'There is no such row.';

const LIMIT: Flag = { name: '-n', value: 'COUNT', help: `rows at most (default ${ROWS_MAX})` };
const KEYS_ONLY: Flag = { name: '-i', value: null, help: 'leave the values out' };
const ROW: Pick<Command, 'completes' | 'flags'> = { completes: ['nothing'], flags: [] };

const SET: Command = {
  ...ROW,
  name: 'set',
  usage: 'HASH_KEY SORT_KEY VALUE [TTL_SECONDS]',
  summary: 'Writes a row.',
  run: async (session, args) => {
    const ttlSeconds = args.count > 3 ? args.toInteger(args.word(3), 'TTL_SECONDS', 1) : undefined;
    const options = { ttlSeconds };
    await currentTable(session).set(args.bytes(0), args.bytes(1), args.bytes(2), options);
    return OK;
  },
};

const GET: Command = {
  ...ROW,
  name: 'get',
  usage: 'HASH_KEY SORT_KEY',
  summary: 'Reads a row.',
  run: async (session, args) => {
    const value = await currentTable(session).get(args.bytes(0), args.bytes(1));
    if (value === null) {
      return { document: { found: false, value: null }, lines: () => [], missing: NO_SUCH_ROW };
    }
    return { document: { found: true, value: escapeBytes(value) }, lines: () => [quoted(value)] };
  },
};

const DEL: Command = {
  ...ROW,
  name: 'del',
  usage: 'HASH_KEY SORT_KEY',
  summary: 'Deletes a row; fine if it is not there.',
  run: async (session, args) => {
    await currentTable(session).del(args.bytes(0), args.bytes(1));
    return OK;
  },
};

const EXIST: Command = {
  ...ROW,
  name: 'exist',
  usage: 'HASH_KEY SORT_KEY',
  summary: 'Says whether a row is there.',
  run: async (session, args) => {
    const exists = await currentTable(session).exist(args.bytes(0), args.bytes(1));
    return { document: { exists }, lines: () => [String(exists)] };
  },
};

const TTL: Command = {
  ...ROW,
  name: 'ttl',
  usage: 'HASH_KEY SORT_KEY',
  summary: 'Says how many seconds a row has left.',
  run: async (session, args) => {
    const seconds = await currentTable(session).ttl(args.bytes(0), args.bytes(1));
    if (seconds === null) {
      const document = { found: false, ttlSeconds: null };
      return { document, lines: () => [], missing: NO_SUCH_ROW };
    }
    const expires = Number.isFinite(seconds);
    return {
      document: { found: true, ttlSeconds: expires ? seconds : null },
      lines: () => [expires ? String(seconds) : 'no ttl'],
    };
  },
};

const MULTI_SET: Command = {
  ...ROW,
  name: 'multi_set',
  usage: 'HASH_KEY SORT_KEY VALUE [SORT_KEY_AND_VALUE…]',
  summary: 'Writes rows of one hash key, all or none.',
  flags: [{ name: '-t', value: 'SECONDS', help: 'time to live of the rows' }],
  run: async (session, args) => {
    const words = args.bytesFrom(1);
    if (words.length % 2 !== 0) {
      throw new UserError('The last sort key has no value.', 'Give sort keys and values in turn.');
    }
    const entries: [Uint8Array, Uint8Array][] = [];
    for (let at = 0; at < words.length; at += 2) entries.push([words[at]!, words[at + 1]!]);
    const ttlSeconds = args.integer('-t', 1);
    await currentTable(session).multiSet(args.bytes(0), entries, { ttlSeconds });
    return OK;
  },
};

const MULTI_GET: Command = {
  ...ROW,
  name: 'multi_get',
  usage: 'HASH_KEY [SORT_KEY…]',
  summary: 'Reads rows of one hash key: those named, or all.',
  flags: [LIMIT, KEYS_ONLY],
  run: async (session, args) => {
    const limits = {
      maxCount: args.integer('-n', 1) ?? ROWS_MAX,
      keysOnly: args.has('-i'),
    };
    const sortKeys = args.bytesFrom(1);
    const options = sortKeys.length === 0 ? limits : { ...limits, sortKeys };
    const result = await currentTable(session).multiGet(args.bytes(0), options);
    return multiGetAnswer(result, limits.keysOnly);
  },
};

const MULTI_DEL: Command = {
  ...ROW,
  name: 'multi_del',
  usage: 'HASH_KEY SORT_KEY…',
  summary: 'Deletes rows of one hash key, all or none.',
  run: async (session, args) => {
    await currentTable(session).multiDel(args.bytes(0), args.bytesFrom(1));
    return OK;
  },
};

const COUNT: Command = {
  ...ROW,
  name: 'count',
  usage: 'HASH_KEY',
  summary: 'Counts the rows of one hash key.',
  run: async (session, args) => {
    const count = await currentTable(session).sortKeyCount(args.bytes(0));
    return { document: { count }, lines: () => [String(count)] };
  },
};

const HASH_SCAN: Command = {
  ...ROW,
  name: 'hash_scan',
  usage: 'HASH_KEY [START_SORT_KEY] [STOP_SORT_KEY]',
  summary: 'Reads the rows of one hash key in order, from START up to but without STOP.',
  flags: [LIMIT, KEYS_ONLY],
  run: async (session, args) => {
    const scan = currentTable(session).scan({
      hashKey: args.bytes(0),
      start: args.count > 1 ? args.bytes(1) : undefined,
      stop: args.count > 2 ? args.bytes(2) : undefined,
      keysOnly: args.has('-i'),
    });
    return await scanAnswer(scan, args);
  },
};

const FULL_SCAN: Command = {
  ...ROW,
  name: 'full_scan',
  usage: '',
  summary: 'Reads the rows of the whole table, in no order over all.',
  flags: [LIMIT, KEYS_ONLY],
  run: async (session, args) => {
    return await scanAnswer(currentTable(session).scan({ keysOnly: args.has('-i') }), args);
  },
};

const HASH: Command = {
  ...ROW,
  name: 'hash',
  usage: 'HASH_KEY [SORT_KEY]',
  summary: 'Says which partition and servers a row belongs to.',
  run: async (session, args) => {
    const hashKey = args.bytes(0);
    if (hashKey.length > HASH_KEY_BYTES_MAX) {
      throw new UserError(
        `The hash key has ${hashKey.length} bytes.`,
        `A hash key has at most ${HASH_KEY_BYTES_MAX} bytes.`,
      );
    }
    const key = encodeKey(hashKey, args.bytes(1));
    const hash: U64 = { high: 0, low: 0 };
    partitionHash(key, 0, key.length, hash);
    const table = currentTable(session);
    const config = await table.config();
    const index = await table.partitionOf(hashKey, args.bytes(1));
    const partition = config.partitions.find((one) => one.index === index);
    const document = {
      keyHash: ((BigInt(hash.high) << 32n) | BigInt(hash.low >>> 0)).toString(),
      table: table.name,
      id: config.appId,
      partition: index,
      primary: partition?.primary ?? null,
      secondaries: partition?.secondaries ?? [],
    };
    const shown = Object.entries(document).map(
      ([name, value]) => [name, String(value ?? '-')] as const,
    );
    return { document, lines: () => pairs(shown) };
  },
};

export const ROW_COMMANDS: readonly Command[] = [
  SET,
  GET,
  DEL,
  EXIST,
  TTL,
  MULTI_SET,
  MULTI_GET,
  MULTI_DEL,
  COUNT,
  HASH_SCAN,
  FULL_SCAN,
  HASH,
];

const OK: Answer = { document: { ok: true }, lines: () => ['OK'] };

function multiGetAnswer({ rows, complete }: MultiGetResult, keysOnly: boolean): Answer {
  return rowsAnswer(
    rows.map((row) => ({ sortKey: escapeBytes(row.sortKey), ...valuePart(row, keysOnly) })),
    rows.map((row) => quoted(row.sortKey) + valueText(row, keysOnly)),
    complete,
  );
}

async function scanAnswer(scan: RowScan, args: Arguments): Promise<Answer> {
  const countMax = args.integer('-n', 1) ?? ROWS_MAX;
  const keysOnly = args.has('-i');
  const rows: ScanRow[] = [];
  let complete = true;
  for await (const row of scan) {
    // One more than wanted tells that there are more.
    if (rows.length === countMax) {
      complete = false;
      break;
    }
    rows.push(row);
  }
  return rowsAnswer(
    rows.map((row) => ({
      hashKey: escapeBytes(row.hashKey),
      sortKey: escapeBytes(row.sortKey),
      ...valuePart(row, keysOnly),
    })),
    rows.map((row) => `${quoted(row.hashKey)} : ${quoted(row.sortKey)}${valueText(row, keysOnly)}`),
    complete,
  );
}

function rowsAnswer(rows: readonly unknown[], lines: readonly string[], complete: boolean): Answer {
  const more = complete ? '' : '; there are more, -n sets how many are shown';
  const count = rows.length === 1 ? '1 row' : `${rows.length} rows`;
  return {
    document: { rows, count: rows.length, complete },
    lines: () => [...lines, `${count}${more}.`],
  };
}

function valuePart(row: Row, keysOnly: boolean): { value?: string } {
  return keysOnly ? {} : { value: escapeBytes(row.value) };
}

function valueText(row: Row, keysOnly: boolean): string {
  return keysOnly ? '' : ` => ${quoted(row.value)}`;
}

function quoted(bytes: Uint8Array): string {
  return `"${escapeBytes(bytes)}"`;
}
