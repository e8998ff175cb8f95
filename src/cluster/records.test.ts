/** Records survive being written and read; what cannot be understood is refused, never guessed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { AppStatus } from '../model/configuration.ts';
import { type Ballot, gpidOf, toNodeId } from '../model/identity.ts';
import {
  decodeRecord,
  encodeRecord,
  type PartitionRecord,
  StateFormatError,
  type StateRecord,
  type TableRecord,
} from './records.ts';

const a = toNodeId('a:1');
const b = toNodeId('b:1');

const TABLE: TableRecord = {
  kind: 'table',
  app: {
    appId: 7,
    appName: 'tëmp/1',
    appType: 'pegasus',
    status: AppStatus.available,
    partitionCount: 8,
    maxReplicaCount: 3,
    envs: new Map([
      ['default_ttl', '5'],
      ['__proto__', 'x'],
    ]),
    createSeconds: 1,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: true,
    revision: 1,
  },
};

const PARTITION: PartitionRecord = {
  kind: 'partition',
  config: {
    gpid: gpidOf(7, 3),
    ballot: 5 as Ballot,
    maxReplicaCount: 3,
    primary: a,
    secondaries: [b],
    learner: null,
  },
  seats: [
    { node: a, incarnation: 4 },
    { node: b, incarnation: 1 },
  ],
  materialised: [a],
  drops: [toNodeId('c:1')],
  dormant: [],
  committedDecree: 99,
};

test('every kind of record is read as it was written', () => {
  const records: StateRecord[] = [
    TABLE,
    PARTITION,
    {
      kind: 'node',
      node: a,
      address: { host: 'a', port: 1 },
      incarnation: 4,
      lifeId: 9,
      labels: { zone: 'z', rack: '', host: 'a' },
    },
  ];
  for (const record of records) assert.deepEqual(decodeRecord(encodeRecord(record)), record);
});

test('keys of other parts of the system are left alone', () => {
  assert.equal(decodeRecord({ key: 'election/epoch', value: encodeUtf8('7') }), null);
});

test('fields that are not known yet do not matter', () => {
  const { key, value } = encodeRecord(PARTITION);
  const later = { ...JSON.parse(decodeUtf8(value)), label: 'rack 1' };
  assert.deepEqual(decodeRecord({ key, value: encodeUtf8(JSON.stringify(later)) }), PARTITION);
});

test('a record that lacks a field, or holds nonsense, is refused', () => {
  const { key, value } = encodeRecord(PARTITION);
  const fields: Record<string, unknown> = JSON.parse(decodeUtf8(value));
  for (const name of Object.keys(fields)) {
    const { [name]: _gone, ...rest } = fields;
    const lacking = { key, value: encodeUtf8(JSON.stringify(rest)) };
    assert.throws(() => decodeRecord(lacking), StateFormatError, name);
    const wrong = { key, value: encodeUtf8(JSON.stringify({ ...fields, [name]: true })) };
    assert.throws(() => decodeRecord(wrong), StateFormatError, name);
  }
  for (const text of ['', '[', 'null', '5']) {
    assert.throws(() => decodeRecord({ key, value: encodeUtf8(text) }), StateFormatError);
  }
  assert.throws(() => decodeRecord({ key: 'partition/x/0', value }), StateFormatError);
  const { value: table } = encodeRecord(TABLE);
  assert.throws(() => decodeRecord({ key: 'table/8', value: table }), StateFormatError);
});
