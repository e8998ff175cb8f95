/**
 * All operations of the official Node.js client on a live cluster, one JSON line per check.
 *
 *   PEGASUS_TS_NODEJS_CLIENT=<folder of the client> node program.cjs META
 *
 * Quirks of the client that show here: a time to live is sent as it is, without the epoch, so
 * every such row is expired at once; multiGet never sends its sort keys, so it answers with all
 * rows; a multiGet that is cut by its limits is an exception.
 */
'use strict';
const { createInterface } = require('node:readline');
const { isDeepStrictEqual, inspect } = require('node:util');
const Pegasus = require(process.env.PEGASUS_TS_NODEJS_CLIENT);

const [meta] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ROWS = 10_500;
const ATTEMPTS_MAX = 120;

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function check(name, actual, expected) {
  const ok = isDeepStrictEqual(actual, expected);
  tell({ check: name, ok, detail: ok ? '' : `${inspect(actual)} is not ${inspect(expected)}` });
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  tell({ do: what });
  await lines.next();
}

function connect(operationTimeout = 5_000) {
  return Pegasus.create({ metaServers: [meta], operationTimeout, log: silent });
}

/** One operation; errors are answers too. */
function call(client, method, table, args) {
  return new Promise((resolve) => {
    client[method](table, args, (error, result) => resolve({ error, result }));
  });
}

const bytes = (text) => Buffer.from(text);

function rowOf(hashKey, sortKey, value) {
  const of = (one) => (Buffer.isBuffer(one) ? one : bytes(one));
  return { hashKey: of(hashKey), sortKey: of(sortKey), value: of(value) };
}

async function set(client, ...row) {
  const { error } = await call(client, 'set', 'temp', rowOf(...row));
  return error;
}

/** The value, or the error's type. */
async function get(client, hashKey, sortKey) {
  const { error, result } = await call(client, 'get', 'temp', rowOf(hashKey, sortKey, ''));
  return error === null ? result.value.toString('latin1') : error.err_type;
}

async function single(client, phase) {
  const key = `nodejs-${phase}`;
  check(`${phase}/set`, await set(client, key, 's', 'value'), null);
  check(`${phase}/get`, await get(client, key, 's'), 'value');
  check(`${phase}/get-missing`, await get(client, key, 'absent'), '');
  const { error } = await call(client, 'del', 'temp', rowOf(key, 's', ''));
  check(`${phase}/del`, error, null);
  check(`${phase}/del-shows`, await get(client, key, 's'), '');
  const binary = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const binaryKey = Buffer.concat([bytes(phase), binary]);
  await set(client, binaryKey, binary, binary);
  check(`${phase}/binary`, await get(client, binaryKey, binary), binary.toString('latin1'));
  await set(client, '', `${key}-of-the-empty-hash-key`, 'v');
  check(`${phase}/empty-hash-key`, await get(client, '', `${key}-of-the-empty-hash-key`), 'v');
  const large = 'x'.repeat(500_000);
  await set(client, key, 'large', large);
  check(`${phase}/large-value`, (await get(client, key, 'large')) === large, true);
  await call(client, 'set', 'temp', { ...rowOf(key, 'ttl', 'v'), ttl: 100 });
  check(`${phase}/ttl-without-epoch-is-over`, await get(client, key, 'ttl'), '');
}

async function multi(client, phase) {
  const hashKey = bytes(`nodejs-${phase}-multi`);
  const sortKeyValueArray = Array.from({ length: 20 }, (_, index) => ({
    key: bytes(`k${String(index).padStart(2, '0')}`),
    value: bytes(`v${index}`),
  }));
  const put = await call(client, 'multiSet', 'temp', { hashKey, sortKeyValueArray });
  check(`${phase}/multiSet`, put.error, null);
  const all = await call(client, 'multiGet', 'temp', { hashKey, sortKeyArray: [] });
  const pairs = all.result.map(({ sortKey, value }) => ({ key: sortKey, value }));
  check(`${phase}/multiGet`, pairs, sortKeyValueArray);
  const some = await call(client, 'multiGet', 'temp', { hashKey, sortKeyArray: [bytes('k03')] });
  check(`${phase}/multiGet-of-some-is-of-all`, some.result.length, 20);
  const cut = { hashKey, sortKeyArray: [], maxFetchCount: 5 };
  const { error } = await call(client, 'multiGet', 'temp', cut);
  check(`${phase}/multiGet-cut`, error?.name, 'RocksDBException');
  const none = { hashKey: bytes(`nodejs-${phase}-none`), sortKeyArray: [] };
  check(`${phase}/multiGet-missing`, (await call(client, 'multiGet', 'temp', none)).result, []);
}

async function batches(client, phase) {
  const answers = [];
  const values = [];
  for (let start = 0; start < ROWS; start += 500) {
    const rows = Array.from({ length: Math.min(500, ROWS - start) }, (_, index) =>
      rowOf(`nodejs-${phase}-${start + index}`, 's', `v${start + index}`),
    );
    answers.push(...(await call(client, 'batchSet', 'temp', rows)).result);
    values.push(...(await call(client, 'batchGet', 'temp', rows)).result);
  }
  check(`${phase}/batchSet`, answers.filter(({ error }) => error === null).length, ROWS);
  const right = values.filter(({ data }, index) => data?.value.toString() === `v${index}`);
  check(`${phase}/batchGet`, right.length, ROWS);
}

async function insist(operation, isWanted) {
  let answer;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    answer = await operation();
    if (isWanted(answer)) break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return answer;
}

async function failover(client) {
  const write = (number) =>
    insist(
      () => set(client, `nodejs-failover-${number}`, 's', `v${number}`),
      (error) => error === null,
    );
  const read = (number) =>
    insist(
      () => get(client, `nodejs-failover-${number}`, 's'),
      (value) => !value.startsWith('ERR_'),
    );
  const readAll = async () => {
    const values = [];
    for (let number = 0; number < 150; number++) values.push(await read(number));
    return values;
  };
  const expected = Array.from({ length: 150 }, (_, number) => `v${number}`);
  for (let number = 0; number < 50; number++) await write(number);
  await ask('kill');
  const answers = [];
  for (let number = 50; number < 150; number++) answers.push(await write(number));
  check('during/writes', answers, Array(100).fill(null));
  check('during/reads', await readAll(), expected);
  await ask('start');
  check('after/reads', await readAll(), expected);
}

async function absentTables(client) {
  const row = rowOf('h', 's', 'v');
  const missing = await call(client, 'set', 'missing', row);
  check('missing-table', missing.error?.err_type, 'ERR_OBJECT_NOT_FOUND');
  check('doomed-table', (await call(client, 'set', 'doomed', row)).error, null);
  await ask('drop');
  const dropped = await call(client, 'set', 'doomed', { ...row, timeout: 500 });
  check('dropped-table', dropped.error !== null, true);
  const another = connect();
  const again = await call(another, 'set', 'doomed', row);
  check('dropped-table-again', again.error?.err_type, 'ERR_OBJECT_NOT_FOUND');
  another.close();
}

async function main() {
  const client = connect();
  for (const phase of ['before', 'after']) {
    await single(client, phase);
    await multi(client, phase);
    await batches(client, phase);
    if (phase === 'before') await failover(client);
  }
  await absentTables(client);
  client.close();
  tell({ end: true });
  process.exit(0);
}

main().catch((error) => {
  tell({ crash: error.stack });
  process.exit(1);
});
