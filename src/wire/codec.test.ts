/**
 * Values of every kind survive writing and reading, and what cannot be right is refused before
 * anything is allocated.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { makePrepare, readPrepare, writePrepare } from './generated/internal.ts';
import {
  makeConfigurationCreateAppRequest,
  readConfigurationCreateAppRequest,
  readQueryCfgRequest,
  readWirePartitionConfiguration,
  type WirePartitionConfiguration,
  writeConfigurationCreateAppRequest,
  writeWirePartitionConfiguration,
} from './generated/meta.ts';
import {
  makeGetScannerRequest,
  readGetScannerRequest,
  readMultiGetRequest,
  readUpdateRequest,
  writeGetScannerRequest,
} from './generated/rrdb.ts';
import { Reader } from './reader.ts';
import { WireError, type WireErrorCode } from './types.ts';
import { Writer } from './writer.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? assert.fail('not hex');

function readerOf(bytes: Uint8Array): Reader {
  const reader = new Reader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(16);
  write(writer);
  return writer.take();
}

function refuses(read: (reader: Reader) => unknown, text: string, code: WireErrorCode): void {
  assert.throws(
    () => read(readerOf(hex(text))),
    (error) => error instanceof WireError && error.code === code,
    text,
  );
}

test('64-bit numbers are exact up to the safe range and refused beyond', () => {
  const values = [0, 1, -1, 255, -256, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, -(2 ** 32), 2 ** 40 + 5];
  for (const value of [...values, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    const bytes = written((writer) => writer.writeI64(value));
    assert.equal(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0), BigInt(value));
    assert.equal(readerOf(bytes).readI64(), value);
  }
  refuses((reader) => reader.readI64(), '0020000000000000', 'unsafeInteger');
  refuses((reader) => reader.readI64(), '8000000000000000', 'unsafeInteger');
  const wide = written((writer) => writer.writeI64Big(-(2n ** 63n)));
  assert.equal(readerOf(wide).readI64Big(), -(2n ** 63n));
});

test('base types have the bytes of the original', () => {
  const address = { host: '127.0.0.1', port: 34801 };
  const atoms: readonly (readonly [(writer: Writer) => void, string])[] = [
    [(writer) => writer.writeRpcAddress(address), '7f00000187f10001'],
    [(writer) => writer.writeRpcAddress(null), '0000000000000000'],
    [(writer) => writer.writeRpcAddress({ host: 'a.b', port: 5 }), '0000000000000000'],
    [(writer) => writer.writeHostPort(address), '000000093132372e302e302e3187f101'],
    [(writer) => writer.writeHostPort(null), '00000000000000'],
    [(writer) => writer.writeGpid({ appId: 2, partitionIndex: 5 }), '0000000500000002'],
    [(writer) => writer.writeDouble(1), '3ff0000000000000'],
    [(writer) => writer.writeI16(-2), 'fffe'],
    [(writer) => writer.writeString('é'), '00000002c3a9'],
  ];
  for (const [write, expected] of atoms) assert.equal(toHex(written(write)), expected);
  assert.deepEqual(readerOf(hex('7f00000187f10001')).readRpcAddress(), address);
  assert.equal(readerOf(hex('7f00000187f10002')).readRpcAddress(), null);
  assert.deepEqual(readerOf(hex('000000093132372e302e302e3187f101')).readHostPort(), address);
  assert.deepEqual(readerOf(hex('fffffffffffffffe')).readGpid(), { appId: -2, partitionIndex: -1 });
});

test('a partition configuration has the bytes of the original, in both directions', () => {
  const bytes =
    hex(`0c0001 0000000500000002 0a0002 0000000000000003 080003 00000003 0c0004 7f00000187f10001
    0f0005 0c 00000000 0f0006 0c 00000000 0a0007 0000000000000000 080008 00000000
    0c0009 00000009 3132372e302e302e31 87f1 01 0f000a 0c 00000000 0f000b 0c 00000000 00`);
  const address = { host: '127.0.0.1', port: 34801 };
  const config: WirePartitionConfiguration = {
    pid: { appId: 2, partitionIndex: 5 },
    ballot: 3,
    maxReplicaCount: 3,
    primary: address,
    secondaries: [],
    lastDrops: [],
    lastCommittedDecree: 0,
    partitionFlags: 0,
    hpPrimary: address,
    hpSecondaries: [],
    hpLastDrops: [],
  };
  assert.equal(
    toHex(written((writer) => writeWirePartitionConfiguration(writer, config))),
    toHex(bytes),
  );
  assert.deepEqual(readWirePartitionConfiguration(readerOf(bytes)), config);
});

test('an optional field that is undefined is not written, and one that is absent is undefined', () => {
  const request = { ...makeGetScannerRequest(), startKey: encodeUtf8('a'), fullScan: false };
  const read = readGetScannerRequest(readerOf(written((w) => writeGetScannerRequest(w, request))));
  assert.equal(read.fullScan, false);
  assert.equal(read.validatePartitionHash, undefined);
  assert.deepEqual(Object.keys(read), Object.keys(makeGetScannerRequest()));
});

test('nested structs and maps survive; absent ones have their zero', () => {
  const request = {
    appName: 'table',
    options: {
      ...makeConfigurationCreateAppRequest().options,
      partitionCount: 8,
      envs: new Map([
        ['a', '1'],
        ['b', 'zwei'],
      ]),
    },
  };
  const bytes = written((writer) => writeConfigurationCreateAppRequest(writer, request));
  assert.deepEqual(readConfigurationCreateAppRequest(readerOf(bytes)), request);
  assert.deepEqual(
    readConfigurationCreateAppRequest(readerOf(hex('00'))),
    makeConfigurationCreateAppRequest(),
  );
});

test('a packed struct is its fields and nothing else', () => {
  const message = {
    ...makePrepare(),
    appId: 1,
    decree: 2 ** 40,
    digest: -7,
    body: encodeUtf8('xyz'),
  };
  const bytes = written((writer) => writePrepare(writer, message));
  assert.equal(bytes.length, 4 + 4 + 4 * 8 + 4 + 4 + 4 + 3);
  assert.deepEqual(readPrepare(readerOf(bytes)), message);
});

test('a blob may be tagged as a string', () => {
  const request = readUpdateRequest(readerOf(hex('0b0001 00000001 6b | 0c0002 00000001 76 | 00')));
  assert.equal(toHex(request.key), '6b');
  assert.equal(toHex(request.value), '76');
  const many = readMultiGetRequest(readerOf(hex('0f0002 0b 00000002 00000001 61 00000001 62 00')));
  assert.equal(many.sortKeys.length, 2);
});

test('counts and lengths beyond the message are refused before anything is allocated', () => {
  refuses(readMultiGetRequest, '0f0002 0c 7fffffff 00', 'badLength');
  refuses(readMultiGetRequest, '0f0002 0c ffffffff 00', 'badLength');
  refuses(readMultiGetRequest, '0f0002 08 00000001 00000001 00', 'badType');
  refuses(readUpdateRequest, '0c0001 7fffffff 6b 00', 'truncated');
  refuses(readUpdateRequest, '0c0001 ffffffff 6b 00', 'badLength');
  refuses(readUpdateRequest, '0c0001', 'truncated');
  refuses(readUpdateRequest, '', 'truncated');
  refuses(readUpdateRequest, '0f0063 02 7fffffff 00', 'badLength');
  refuses(readUpdateRequest, '0d0063 02 02 7fffffff 00', 'badLength');
});

test('a message holds a bounded number of elements, however small they are', () => {
  const count = (1 << 20) + 1;
  const bytes = new Uint8Array(count + 9);
  bytes.set(hex('0f0063 03'));
  new DataView(bytes.buffer).setInt32(4, count);
  assert.throws(
    () => readUpdateRequest(readerOf(bytes)),
    (error) => error instanceof WireError && error.code === 'tooManyElements',
  );
});

test('unknown fields whose end cannot be told are refused, as are deep ones', () => {
  refuses(readUpdateRequest, '0c0063 00000004 61626364 00', 'unskippable');
  refuses(readUpdateRequest, '090063 00', 'badType');
  refuses(readUpdateRequest, `0c0063 ${'0c0001'.repeat(40)} 00`, 'tooDeep');
  refuses(readQueryCfgRequest, `0f0063 ${'0f 00000001'.repeat(40)} 00`, 'tooDeep');
});

test('the cache of short strings never confuses two texts', () => {
  const reader = new Reader();
  const texts = ['', 'ä', '\u0000', 'a'.repeat(48), 'a'.repeat(49), '\ufffd'];
  for (let index = 0; index < 3000; index++) texts.push(`server-${index % 700}:${index % 7}`);
  for (const text of texts) {
    const bytes = written((writer) => writer.writeString(text));
    reader.reset(bytes, 0, bytes.length);
    assert.equal(reader.readString(), text);
  }
});

test('output that was taken is not touched by what follows', () => {
  const writer = new Writer(64);
  const outputs: Uint8Array[] = [];
  for (let index = 0; index < 50; index++) {
    for (let part = 0; part <= index; part++) writer.writeI32(index);
    outputs.push(writer.take());
  }
  for (const [index, output] of outputs.entries()) {
    assert.equal(
      toHex(output),
      index
        .toString(16)
        .padStart(8, '0')
        .repeat(index + 1),
    );
  }
});

test('a writer can be rewound and patched, also after it has grown', () => {
  const writer = new Writer(16);
  writer.writeI32(1);
  writer.take();
  writer.writeI32(0);
  writer.writeBytes(new Uint8Array(40));
  writer.writeI32(7);
  writer.rewind(44);
  writer.patchI32(0, writer.length);
  assert.equal(toHex(writer.output()), `0000002c${'00'.repeat(40)}`);
});
