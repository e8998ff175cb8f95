/** THFT frames are the original's, byte by byte, in both directions (golden vectors of the reference, section 8). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../base/bytes.ts';
import { ErrorCode } from '../base/error-names.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import {
  readReadResponse,
  readUpdateRequest,
  writeReadResponse,
  writeUpdateRequest,
} from './generated/rrdb.ts';
import { Reader } from './reader.ts';
import { RpcCode } from './rpc-codes.ts';
import {
  beginArgument,
  beginReply,
  beginRequest,
  FRAME_BYTES_MAX,
  finishReply,
  finishRequest,
  parseReply,
  parseRequest,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
  requestFrameSize,
  writeErrorReply,
  writeUnknownRpcReply,
} from './thrift-frame.ts';
import { WireError, type WireErrorCode } from './types.ts';
import { Writer } from './writer.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? assert.fail('not hex');

const GET_BODY =
  '80010001 00000011 5250435f525244425f525244425f474554 00000007 | 0c 0001 00000004 0001 61 62 | 00';
const GET_V0 = `54484654 00000000 00000030 00000000 00000029 00000000 00000002 00000004 000003e8 00003de2
  8c2f8445b4cbfc3c ${GET_BODY}`;
const GET_V1 = `54484654 00000001 00000025 00000029
  08 0001 00000002 08 0002 00000004 08 0003 000003e8 0a 0004 8c2f8445b4cbfc3c 02 0005 00 00 ${GET_BODY}`;
const OK_REPLY = `00000067 00000006 4552525f4f4b
  80010002 00000015 5250435f525244425f525244425f4745545f41434b 00000007
  0c 0000 | 08 0001 00000000 | 0c 0002 00000001 76 | 08 0003 00000002 | 08 0004 00000004
  | 0b 0006 0000000f 3132372e302e302e313a3334383031 | 00 | 00`;
const ERROR_REPLY = `0000003a 00000011 4552525f494e56414c49445f5354415445
  80010002 00000015 5250435f525244425f525244425f4745545f41434b 00000007`;

function readerOf(bytes: Uint8Array): Reader {
  const reader = new Reader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

function parsed(bytes: Uint8Array): { reader: Reader; header: RequestHeader } {
  const reader = readerOf(bytes);
  const header = new RequestHeader();
  const size = requestFrameSize(reader, FRAME_BYTES_MAX);
  assert.equal(size, bytes.length);
  parseRequest(reader, size, header);
  return { reader, header };
}

function getHeader(version: number): RequestHeader {
  const header = new RequestHeader();
  header.version = version;
  header.appId = 2;
  header.partitionIndex = 4;
  header.timeoutMs = 1000;
  header.partitionHashHigh = 0x8c2f8445;
  header.partitionHashLow = 0xb4cbfc3c;
  header.rpc = RpcCode.get;
  header.seqid = 7;
  return header;
}

for (const [version, text] of [
  [0, GET_V0],
  [1, GET_V1],
] as const) {
  test(`a GET request of version ${version} is read`, () => {
    const { reader, header } = parsed(hex(text));
    const expected = getHeader(version);
    assert.equal(header.version, version);
    assert.equal(header.appId, 2);
    assert.equal(header.partitionIndex, 4);
    assert.equal(header.timeoutMs, 1000);
    assert.equal(header.partitionHashHigh, expected.partitionHashHigh);
    assert.equal(header.partitionHashLow, expected.partitionHashLow);
    assert.equal(header.rpc, RpcCode.get);
    assert.equal(header.seqid, 7);
    assert.equal(beginArgument(reader), true);
    assert.equal(toHex(reader.readBlob()), '00016162');
    assert.equal(reader.remaining, 1);
  });

  test(`a GET request of version ${version} is written`, () => {
    const writer = new Writer();
    const mark = beginRequest(writer, getHeader(version));
    writer.writeBlob(hex('00016162'));
    finishRequest(writer, mark, version);
    assert.equal(toHex(writer.take()), toHex(hex(text)));
  });
}

test('an OK reply is written and read', () => {
  const response = {
    error: 0,
    value: encodeUtf8('v'),
    appId: 2,
    partitionIndex: 4,
    server: '127.0.0.1:34801',
  };
  const writer = new Writer();
  const mark = beginReply(writer, ErrorCode.ok, RpcCode.get, 7);
  writeReadResponse(writer, response);
  finishReply(writer, mark);
  const bytes = writer.take();
  assert.equal(toHex(bytes), toHex(hex(OK_REPLY)));

  const reader = readerOf(bytes);
  const header = new ReplyHeader();
  parseReply(reader, replyFrameSize(reader, FRAME_BYTES_MAX), header);
  assert.equal(header.error, ErrorCode.ok);
  assert.equal(header.rpc, RpcCode.get);
  assert.equal(header.seqid, 7);
  assert.equal(header.hasResult, true);
  assert.deepEqual(readReadResponse(reader), response);
});

test('an error reply is written and read', () => {
  const writer = new Writer();
  writeErrorReply(writer, ErrorCode.invalidState, RpcCode.get, 7);
  const bytes = writer.take();
  assert.equal(toHex(bytes), toHex(hex(ERROR_REPLY)));

  const reader = readerOf(bytes);
  const header = new ReplyHeader();
  parseReply(reader, replyFrameSize(reader, FRAME_BYTES_MAX), header);
  assert.equal(header.error, ErrorCode.invalidState);
  assert.equal(header.hasResult, false);
});

test('CLEAR_SCANNER carries a bare 64-bit context id', () => {
  const text =
    '80010001 0000001b 5250435f525244425f525244425f434c4541525f5343414e4e4552 00000009 0a 0001 0000000500000001 00';
  const header = getHeader(1);
  header.rpc = RpcCode.clearScanner;
  header.seqid = 9;
  const writer = new Writer();
  const mark = beginRequest(writer, header);
  writer.writeI64Big(0x500000001n);
  finishRequest(writer, mark, 1);
  const bytes = writer.take();
  assert.equal(toHex(bytes.subarray(16 + 37)), toHex(hex(text)));

  const { reader, header: read } = parsed(bytes);
  assert.equal(read.rpc, RpcCode.clearScanner);
  assert.equal(beginArgument(reader), true);
  assert.equal(reader.readI64Big(), 0x500000001n);
});

test('an unknown procedure is answered under its own name', () => {
  const body = '80010001 00000001 78 00000f19 0c 0001 00000000 00';
  const { reader, header } = parsed(frameV0(hex(body)));
  assert.equal(header.rpc, RpcCode.unknown);
  const writer = new Writer();
  writeUnknownRpcReply(writer, reader.bytes, header.nameStart, header.nameEnd, header.seqid);
  const reply =
    '0000002e 00000015 4552525f48414e444c45525f4e4f545f464f554e44 80010002 00000005 785f41434b 00000f19';
  assert.equal(toHex(writer.take()), toHex(hex(reply)));
});

test('old-style message begins and one-way requests are fine', () => {
  const name = '00000011 5250435f525244425f525244425f474554';
  for (const begin of [`${name} 01 ffffffff`, `${name} 04 ffffffff`, `80010004 ${name} ffffffff`]) {
    const { header } = parsed(frameV0(hex(`${begin} 0c 004d 00000000 00`)));
    assert.equal(header.rpc, RpcCode.get);
    assert.equal(header.seqid, -1);
  }
});

test('a size is known as soon as the header says it, and never before', () => {
  for (const [text, known] of [
    [GET_V0, 20],
    [GET_V1, 16],
  ] as const) {
    const bytes = hex(text);
    const reader = readerOf(bytes);
    for (let end = 0; end < bytes.length; end++) {
      reader.reset(bytes, 0, end);
      assert.equal(requestFrameSize(reader, FRAME_BYTES_MAX), end < known ? 0 : bytes.length);
    }
  }
});

function frameV0(body: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.writeBytes(hex(GET_V0).subarray(0, 48));
  writer.patchI32(16, body.length);
  writer.writeBytes(body);
  return writer.take();
}

const REFUSED: readonly (readonly [string, WireErrorCode, Uint8Array])[] = [
  ['another magic', 'badFrame', hex('58595a5a 00000000')],
  ['a header version of the future', 'badFrame', hex('54484654 00000002 00000030 00000000')],
  ['a version 0 header of 47 bytes', 'badFrame', hex('54484654 00000000 0000002f 00000000')],
  ['a huge length', 'tooLarge', hex('54484654 00000001 ffffffff ffffffff')],
  ['an empty body', 'truncated', frameV0(hex(''))],
  ['a message version of the future', 'badFrame', frameV0(hex('80020001 00000001 78 00000000 00'))],
  ['a reply instead of a call', 'badFrame', frameV0(hex('80010002 00000001 78 00000000 00'))],
  ['message type 0', 'badFrame', frameV0(hex('80010000 00000001 78 00000000 00'))],
  ['a name beyond the end', 'truncated', frameV0(hex('80010001 7fffffff 78 00000000 00'))],
  ['a name of negative length', 'badLength', frameV0(hex('80010001 ffffffff 78 00000000 00'))],
];

for (const [what, code, bytes] of REFUSED) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => {
        const reader = readerOf(bytes);
        const size = requestFrameSize(reader, FRAME_BYTES_MAX);
        parseRequest(reader, size, new RequestHeader());
      },
      (error) => error instanceof WireError && error.code === code,
    );
  });
}

test('missing meta fields count as 0', () => {
  const text = `54484654 00000001 00000008 00000016 08 0002 00000003 00 80010001 00000001 78 00000001 0b 0001
    00000000 00 00`;
  const bytes = hex(text);
  const { header } = parsed(bytes);
  assert.equal(header.appId, 0);
  assert.equal(header.partitionIndex, 3);
  assert.equal(header.partitionHashLow, 0);
  assert.equal(header.isBackupRequest, false);
});

test('unknown fields and fields of another type are skipped, also nested ones', () => {
  const writer = new Writer();
  writeUpdateRequest(writer, {
    key: encodeUtf8('k'),
    value: encodeUtf8('v'),
    expireTsSeconds: 0,
    type: undefined,
    checkValueReturned: undefined,
    checkValueExist: undefined,
    checkValue: undefined,
  });
  writer.rewind(writer.length - 1);
  writer.writeBytes(
    hex(`0b 0003 00000001 ff | 08 0063 00000001 | 0f 0066 08 00000002 00000001 00000001
      0c 0067 08 0001 00000005 00 | 0d 0069 0b 08 00000001 00000001 61 00000001 | 04 006a 3ff0000000000000 00`),
  );
  const reader = readerOf(writer.take());
  const request = readUpdateRequest(reader);
  assert.equal(toHex(request.key), '6b');
  assert.equal(request.expireTsSeconds, 0);
  assert.equal(reader.remaining, 0);
});
