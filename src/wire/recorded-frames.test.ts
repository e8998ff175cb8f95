/**
 * What clients sent to the real server and what it answered is understood, and our encoding of the answers is the
 * same to the byte. The recording lies beside the project and is not part of it; without it these tests are skipped.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { readValue, writeValue } from '../../test/fuzz/wire-values.ts';
import { fromHex, toHex } from '../base/bytes.ts';
import { errorName } from '../base/error-names.ts';
import { Reader } from './reader.ts';
import { RPCS, RpcCode } from './rpc-codes.ts';
import {
  beginArgument,
  beginReply,
  FRAME_BYTES_MAX,
  finishReply,
  parseReply,
  parseRequest,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
  requestFrameSize,
  writeErrorReply,
} from './thrift-frame.ts';
import { Writer } from './writer.ts';

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
  return all.filter(
    ({ kind, header }) => kind[0]?.startsWith('$') === false && header.version !== 'rdsn',
  );
}

const exchanges = load();
const skip = exchanges.length === 0 ? 'no recording beside the project' : false;

function readerOf(text: string): Reader {
  const bytes = fromHex(text) ?? assert.fail('not hex');
  const reader = new Reader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

test('recorded requests are read, and read the same after we wrote them again', { skip }, () => {
  let known = 0;
  for (const { request_hex, header: recorded, kind } of exchanges) {
    const reader = readerOf(request_hex);
    const header = new RequestHeader();
    parseRequest(reader, requestFrameSize(reader, FRAME_BYTES_MAX), header);
    assert.equal(header.version, recorded.version ?? 0);
    const rpc = RPCS[header.rpc] ?? assert.fail();
    if (header.rpc === RpcCode.unknown) continue;
    assert.equal(rpc.name, kind[0]);
    known += 1;
    assert.ok(beginArgument(reader));
    const value = readValue(rpc.argument, reader);
    assert.equal(reader.remaining, 1, kind.join(' '));
    const writer = new Writer();
    writeValue(rpc.argument, writer, value);
    const again = new Reader();
    const bytes = writer.output();
    again.reset(bytes, 0, bytes.length);
    assert.deepEqual(readValue(rpc.argument, again), value);
  }
  assert.ok(known > 150, `${known} known requests`);
});

test('recorded answers are read, and written again they are the same to the byte', { skip }, () => {
  let results = 0;
  for (const { response_hex, decoded, kind } of exchanges) {
    if (response_hex === null || response_hex === '') continue;
    const reader = readerOf(response_hex);
    const header = new ReplyHeader();
    parseReply(reader, replyFrameSize(reader, FRAME_BYTES_MAX), header);
    assert.equal(errorName(header.error), decoded.frame_error);
    if (header.rpc === RpcCode.unknown) continue;
    const rpc = RPCS[header.rpc] ?? assert.fail();
    const writer = new Writer();
    if (header.hasResult) {
      results += 1;
      const value = readValue(rpc.result, reader);
      const mark = beginReply(writer, header.error, header.rpc, header.seqid);
      writeValue(rpc.result, writer, value);
      finishReply(writer, mark);
    } else {
      writeErrorReply(writer, header.error, header.rpc, header.seqid);
    }
    assert.equal(toHex(writer.output()), response_hex, kind.join(' '));
  }
  assert.ok(results > 150, `${results} results`);
});
