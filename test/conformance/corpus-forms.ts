/**
 * The forms in which the corpus writes bytes, numbers and lists, and back: what ../shared/conformance/corpuslib.py
 * describes in its first lines. `@NONCE8@` stands for eight bytes that are new for every scenario.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** State of one scenario that runs. */
export interface ScenarioState {
  nonce: Buffer;
  /** Seconds since 2016 at its start. */
  startSeconds: number;
  /** Context ids by step. */
  contexts: Map<number, bigint>;
  appId: number;
  partitionIndex: number;
}

const PLACE = Buffer.from('@NONCE8@');

export function asObject(value: Json | undefined): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`no object: ${JSON.stringify(value)}`);
  }
  return value;
}

export function asList(value: Json | undefined): Json[] {
  if (!Array.isArray(value)) throw new TypeError(`no list: ${JSON.stringify(value)}`);
  return value;
}

/** With the placeholder still in it. */
function rawBytes(form: Json | undefined): Buffer {
  if (typeof form === 'string') return Buffer.from(form);
  const object = asObject(form);
  if ('utf8' in object) return Buffer.from(String(object['utf8']));
  if ('hex' in object) return Buffer.from(String(object['hex']), 'hex');
  if ('concat' in object) return Buffer.concat(asList(object['concat']).map(rawBytes));
  if ('repeat' in object) {
    const piece = rawBytes(object['repeat']);
    return Buffer.concat(Array.from({ length: Number(object['times']) }, () => piece));
  }
  const [hashKey, sortKey] = asList(object['key']).map(rawBytes);
  const header = Buffer.alloc(2);
  header.writeUInt16BE(hashKey!.length);
  return Buffer.concat([header, hashKey!, sortKey!]);
}

export function replaceAll(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  if (from.length !== to.length) throw new RangeError('nonce and placeholder have one length');
  const out = Buffer.from(bytes);
  for (let at = out.indexOf(from); at >= 0; at = out.indexOf(from, at + from.length)) {
    to.copy(out, at);
  }
  return out;
}

export function toBytes(form: Json | undefined, nonce: Buffer): Buffer {
  return replaceAll(rawBytes(form), PLACE, nonce);
}

/** An integer of up to 64 bits. */
export function toInteger(form: Json | undefined, state: ScenarioState): bigint {
  if (typeof form === 'number') return BigInt(form);
  if (typeof form === 'string') return BigInt(form);
  const object = asObject(form);
  if ('now_plus' in object) return BigInt(state.startSeconds + Number(object['now_plus']));
  const id = state.contexts.get(Number(object['context_of']));
  if (id === undefined) throw new RangeError('a step uses the context of a step that gave none');
  return id;
}

/** `k%05d` and the like. */
function format(pattern: string, value: number): string {
  return pattern.replace(/%(0?)(\d*)d/, (_all, zero: string, width: string) =>
    String(value).padStart(Number(width), zero === '' ? ' ' : '0'),
  );
}

export function expandList(form: Json): Json[] {
  if (Array.isArray(form)) return form;
  const object = asObject(form);
  const isRows = 'range_kvs' in object;
  const range = asObject(isRows ? object['range_kvs'] : object['range_keys']);
  const items: Json[] = [];
  for (let index = Number(range['from']); index < Number(range['to']); index++) {
    const key = format(String(range['key']), index);
    items.push(isRows ? { key, value: format(String(range['value']), index) } : key);
  }
  return items;
}

/** Shortest readable form. */
function fromRawBytes(bytes: Buffer): Json {
  const { length } = bytes;
  if (length >= 64) {
    for (const period of [1, 2, 4, 8, 10, 16]) {
      if (length % period === 0 && isPeriodic(bytes, period)) {
        return { repeat: fromRawBytes(bytes.subarray(0, period)), times: length / period };
      }
    }
    let run = 1;
    while (run < length && bytes[run] === bytes[0]) run++;
    if (run >= 64) {
      const head = { repeat: fromRawBytes(bytes.subarray(0, 1)), times: run };
      return { concat: [head, fromRawBytes(bytes.subarray(run))] };
    }
  }
  if (bytes.every((byte) => byte >= 32 && byte < 127)) return { utf8: bytes.toString() };
  return { hex: bytes.toString('hex') };
}

function isPeriodic(bytes: Buffer, period: number): boolean {
  return bytes.subarray(period).equals(bytes.subarray(0, bytes.length - period));
}

export function fromBytes(bytes: Buffer, nonce: Buffer): Json {
  return fromRawBytes(replaceAll(bytes, nonce, PLACE));
}

/** An encoded key, apart where that is possible. */
export function fromKey(bytes: Buffer, nonce: Buffer): Json {
  const shown = replaceAll(bytes, nonce, PLACE);
  if (shown.length >= 2) {
    const end = 2 + shown.readUInt16BE(0);
    if (end <= shown.length) {
      return { key: [fromRawBytes(shown.subarray(2, end)), fromRawBytes(shown.subarray(end))] };
    }
  }
  return { hex: shown.toString('hex') };
}
