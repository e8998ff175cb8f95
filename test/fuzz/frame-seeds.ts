/** Well-formed streams of every dialect, as raw material for mutation. */
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { Hello } from '../../src/wire/generated/internal.ts';
import * as internal from '../../src/wire/generated/internal.ts';
import {
  beginInternalFrame,
  finishInternalFrame,
  INTERNAL_MAGIC,
  writeInternalFrame,
} from '../../src/wire/internal-frame.ts';
import { RPCS, type RpcCode } from '../../src/wire/rpc-codes.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import {
  beginReply,
  beginRequest,
  finishReply,
  finishRequest,
  RequestHeader,
} from '../../src/wire/thrift-frame.ts';
import { Writer } from '../../src/wire/writer.ts';
import { makeValue, writeValue } from './wire-values.ts';

const BLOB: Uint8Array = encodeUtf8('\u0000\u0004hashsort');

/** The zero value of a type, with its blobs, lists and texts filled as far as one level goes. */
function sample(type: string): unknown {
  const zero = makeValue(type);
  if (typeof zero !== 'object' || zero === null) return zero;
  if (zero instanceof Uint8Array) return BLOB;
  const filled: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(zero)) {
    if (value instanceof Uint8Array) filled[name] = BLOB;
    else if (value === '') filled[name] = 'ERR_OK';
    else filled[name] = Array.isArray(value) ? listFor(name) : value;
  }
  return filled;
}

function listFor(name: string): readonly unknown[] {
  switch (name) {
    case 'sortKeys':
      return [BLOB, BLOB];
    case 'kvs':
      return [{ key: BLOB, value: BLOB, expireTsSeconds: 5 }];
    case 'mutateList':
      return [sample('Mutate')];
    case 'keys':
    case 'data':
    case 'values':
      return [];
    case 'partitions':
      return [sample('WirePartitionConfiguration')];
    case 'infos':
    case 'apps':
      return [];
    default:
      return [];
  }
}

export function requestSeeds(): Uint8Array[] {
  const seeds: Uint8Array[] = [];
  for (const rpc of RPCS) {
    if (rpc.argument === 'none') continue;
    for (const version of [0, 1]) seeds.push(requestSeed(rpc.code, rpc.argument, version));
  }
  return seeds;
}

function requestSeed(rpc: RpcCode, argument: string, version: number): Uint8Array {
  const header = new RequestHeader();
  header.version = version;
  header.appId = 2;
  header.partitionIndex = 1;
  header.rpc = rpc;
  header.seqid = 1;
  const writer = new Writer();
  const mark = beginRequest(writer, header);
  writeValue(argument, writer, sample(argument));
  finishRequest(writer, mark, version);
  return writer.take();
}

export function replySeeds(): Uint8Array[] {
  const seeds: Uint8Array[] = [];
  for (const rpc of RPCS) {
    if (rpc.result === 'none') continue;
    const writer = new Writer();
    const mark = beginReply(writer, 0, rpc.code, 1);
    writeValue(rpc.result, writer, sample(rpc.result));
    finishReply(writer, mark);
    seeds.push(writer.take());
  }
  return seeds;
}

const HELLO: Hello = { protocolVersion: 1, clusterName: 'c', nodeId: 'a:1', incarnation: 1 };

/** Magic, Hello and one frame of each type. */
export function internalSeeds(): Uint8Array[] {
  const structs: Readonly<Record<string, unknown>> = internal;
  return Object.entries(InternalMessage).map(([key, type]) => {
    const name = key.charAt(0).toUpperCase() + key.slice(1);
    const value = (structs[`make${name}`] as () => unknown)();
    const writer = new Writer();
    writer.writeI32(INTERNAL_MAGIC);
    writeInternalFrame(writer, InternalMessage.hello, HELLO);
    const mark = beginInternalFrame(writer, type);
    (structs[`write${name}`] as (writer: Writer, value: unknown) => void)(writer, value);
    finishInternalFrame(writer, mark);
    return writer.take();
  });
}
