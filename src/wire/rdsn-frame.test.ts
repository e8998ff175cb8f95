import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { readValue, writeValue } from '../../test/fuzz/wire-values.ts';
import { fromHex, toHex } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { ErrorCode, errorCodeOf } from '../base/error-names.ts';
import { RDSN_HEADER_BYTES, RdsnDialect } from './rdsn-frame.ts';
import { Reader } from './reader.ts';
import { RPCS, RpcCode } from './rpc-codes.ts';
import { beginArgument, FRAME_BYTES_MAX, RequestHeader } from './thrift-frame.ts';
import { WireError } from './types.ts';
import { Writer } from './writer.ts';

const SELF = { host: '127.0.0.1', port: 34801 };

/** A GET of the key ("hky2zezj0u", 00 01 fe), id 119, as the C++ client sends it. */
const GET_REQUEST =
  '5244534e00000000c0000000000000001700000000000000770000000000000034120000000000005250435f525244425f525244425f474554' +
  '00'.repeat(39) +
  '02000000020000004104000000000000010001000100007f88130000e03d0000ca1ceb478c67aae2' +
  '00'.repeat(56) +
  '0c00000000000f000a686b79327a657a6a30750001fe00';

function readerOf(bytes: Uint8Array): Reader {
  const reader = new Reader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

function request(): Uint8Array {
  return fromHex(GET_REQUEST) ?? assert.fail('not hex');
}

function parse(dialect: RdsnDialect, bytes: Uint8Array): { header: RequestHeader; reader: Reader } {
  const reader = readerOf(bytes);
  const header = new RequestHeader();
  dialect.parse(reader, dialect.frameSize(reader, FRAME_BYTES_MAX), header);
  return { header, reader };
}

test('the header of a request is understood', () => {
  const { header, reader } = parse(new RdsnDialect(SELF), request());
  assert.equal(header.rpc, RpcCode.get);
  assert.equal(header.appId, 2);
  assert.equal(header.partitionIndex, 2);
  assert.equal(header.timeoutMs, 5000);
  assert.equal(header.partitionHashHigh, 0xe2aa678c);
  assert.equal(header.partitionHashLow, 0x47eb1cca);
  assert.ok(beginArgument(reader));
  assert.equal(toHex(reader.readBlob()), '000a686b79327a657a6a30750001fe');
});

test('an error reply repeats id and trace id, clears the request bit and has no body', () => {
  const dialect = new RdsnDialect(SELF);
  const { header } = parse(dialect, request());
  const writer = new Writer();
  dialect.writeErrorReply(writer, ErrorCode.invalidState, header.rpc, header.seqid);
  const reply = writer.output();
  assert.equal(reply.length, RDSN_HEADER_BYTES);
  assert.equal(toHex(reply.subarray(24, 40)), '77000000000000003412000000000000');
  assert.equal(reply[104], 0x40);
  assert.equal(toHex(reply.subarray(112, 120)), '0100f1870100007f');
  assert.equal(Buffer.from(reply.subarray(136, 153)).toString(), 'ERR_INVALID_STATE');
});

test('a reply that is taken back can be begun again, as another one', () => {
  const dialect = new RdsnDialect(SELF);
  const { header } = parse(dialect, request());
  const writer = new Writer();
  writer.rewind(dialect.beginReply(writer, ErrorCode.ok, header.rpc, header.seqid));
  dialect.writeErrorReply(writer, ErrorCode.busy, header.rpc, header.seqid);
  assert.equal(Buffer.from(writer.output().subarray(136, 144)).toString(), 'ERR_BUSY');
});

test('a procedure that nobody knows is answered under its own name', () => {
  const dialect = new RdsnDialect(SELF);
  const bytes = request();
  bytes.set(new TextEncoder().encode('RPC_NO_SUCH_THING'), 40);
  const { header, reader } = parse(dialect, bytes);
  assert.equal(header.rpc, RpcCode.unknown);
  const writer = new Writer();
  dialect.writeUnknownReply(writer, reader, header);
  const name = Buffer.from(writer.output().subarray(40, 88)).toString();
  assert.equal(name.slice(0, name.indexOf('\0')), 'RPC_NO_SUCH_THING_ACK');
});

test('checksums count where the sender made them', () => {
  const bytes = request();
  const view = new DataView(bytes.buffer);
  view.setUint32(20, crc32c(bytes, RDSN_HEADER_BYTES, bytes.length), true);
  view.setUint32(12, crc32c(bytes, 0, RDSN_HEADER_BYTES), true);
  parse(new RdsnDialect(SELF), bytes);
  for (const at of [30, RDSN_HEADER_BYTES + 10]) {
    const damaged = bytes.slice();
    damaged[at] = damaged[at]! ^ 1;
    assert.throws(() => parse(new RdsnDialect(SELF), damaged), WireError);
  }
});

test('a damaged header is refused before anything is made of it', () => {
  const cases: readonly [at: number, value: number][] = [
    [0, 0x53],
    [4, 1],
    [8, 191],
    [19, 0xff],
    [104, 0x40],
  ];
  for (const [at, value] of cases) {
    const damaged = request();
    damaged[at] = value;
    assert.throws(() => parse(new RdsnDialect(SELF), damaged), WireError, `byte ${at}`);
  }
});

const RECORDING = new URL(
  '../../../shared/conformance/frames/golden_frames.jsonl',
  import.meta.url,
);

interface Exchange {
  readonly kind: readonly string[];
  readonly header: { readonly version?: number | string };
  readonly request_hex: string;
  readonly response_hex: string | null;
  readonly decoded: { readonly frame_error: string | null };
}

function load(): Exchange[] {
  if (!existsSync(RECORDING)) return [];
  const lines = readFileSync(RECORDING, 'utf8').split('\n');
  const all = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Exchange);
  return all.filter(({ header }) => header.version === 'rdsn');
}

const exchanges = load();
const skip = exchanges.length === 0 ? 'no recording beside the project' : false;

test('recorded answers of the real server are written the same, to the byte', { skip }, () => {
  let compared = 0;
  for (const { request_hex, response_hex, decoded } of exchanges) {
    if (response_hex === null || response_hex === '') continue;
    const expected = fromHex(response_hex) ?? assert.fail('not hex');
    const sender = expected.subarray(112, 120);
    const port = sender[2]! | (sender[3]! << 8);
    const dialect = new RdsnDialect({ host: '127.0.0.1', port });
    const { header } = parse(dialect, fromHex(request_hex) ?? assert.fail('not hex'));
    if (header.rpc === RpcCode.unknown) continue;
    const error = errorCodeOf(decoded.frame_error ?? '') ?? assert.fail('a known error');
    const writer = new Writer();
    if (expected.length === RDSN_HEADER_BYTES) {
      dialect.writeErrorReply(writer, error, header.rpc, header.seqid);
    } else {
      const reader = readerOf(expected);
      reader.position = RDSN_HEADER_BYTES;
      assert.ok(beginArgument(reader));
      const result = RPCS[header.rpc]!.result;
      const value = readValue(result, reader);
      const mark = dialect.beginReply(writer, error, header.rpc, header.seqid);
      writeValue(result, writer, value);
      dialect.finishReply(writer, mark);
    }
    const reply = writer.output().slice();
    // Numbers of codes are private to a process and void by their hash 0.
    expected.fill(0, 88, 96).fill(0, 184, 192);
    assert.equal(toHex(reply), toHex(expected));
    compared += 1;
  }
  assert.ok(compared > 20);
});
