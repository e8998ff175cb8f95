/**
 * Plays what was recorded from the real server against the storage layer in this process: same requests, answers
 * compared with the same looseness as ../shared/conformance/replay.py has.
 *
 * Skipped where the recordings are not at hand.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VirtualTime } from '../../src/adapters/memory/clock.ts';
import { crc64, type U64 } from '../../src/base/crc64.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import { partitionHash, partitionIndexOf } from '../../src/model/hash.ts';
import { ttlNow } from '../../src/model/ttl.ts';
import { readScanResponse, readUpdateResponse } from '../../src/wire/generated/rrdb.ts';
import { Reader } from '../../src/wire/reader.ts';
import { RPCS, RpcCode } from '../../src/wire/rpc-codes.ts';
import { decodeResult, differences, encodeArgument } from './corpus-codec.ts';
import {
  type Json,
  type JsonObject,
  replaceAll,
  type ScenarioState,
  toBytes,
} from './corpus-forms.ts';
import { openTable, type TableInProcess } from './table-in-process.ts';

const FOLDER = new URL('../../../shared/conformance/', import.meta.url);
const FAMILIES = [
  'single',
  'multi_write',
  'multi_get_keys',
  'multi_get_range',
  'sortkey_count',
  'scan',
  'batch_get',
  'incr',
  'check_and_set',
  'check_and_mutate',
] as const;

interface Step {
  readonly rpc: string;
  readonly args: JsonObject;
  readonly route: JsonObject;
  readonly expect: Json;
}

interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly same_partition?: readonly Json[];
  readonly fresh_table?: { readonly partition_count: number };
}

/** Numbers that a double cannot hold become texts, on both sides of the comparison. */
function quoteLargeIntegers(line: string): string {
  return line.replace(/(?<=[:[,] ?)-?\d{16,}(?=[,\]}])/g, '"$&"');
}

const CODES: ReadonlyMap<string, RpcCode> = new Map(RPCS.map((rpc) => [rpc.name, rpc.code]));
const TABLE_APP_ID = 2;
const PARTITION_COUNT = 8;
/** Letters that no filter pattern of the corpus has. */
const NONCE_LETTERS = 'bcfijklnoptvw0123456789';
const NONCE_TRIES_MAX = 20_000;

function readScenarios(family: string): Scenario[] {
  const text = readFileSync(new URL(`${family}.jsonl`, FOLDER), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(quoteLargeIntegers(line)) as Scenario);
}

function hashOf(bytes: Buffer): U64 {
  const hash = { high: 0, low: 0 };
  crc64(bytes, 0, bytes.length, hash);
  return hash;
}

/** A nonce for which all keys that belong together fall into one partition. */
function chooseNonce(scenario: Scenario, count: number, random: SeededRandom): Buffer {
  const keys = (scenario.same_partition ?? []).map((form) => toBytes(form, PLACE));
  for (let attempt = 0; attempt < NONCE_TRIES_MAX; attempt++) {
    let text = '';
    for (let index = 0; index < PLACE.length; index++) {
      text += NONCE_LETTERS[random.below(NONCE_LETTERS.length)];
    }
    const nonce = Buffer.from(text);
    const indexes = keys.map((key) =>
      partitionIndexOf(hashOf(replaceAll(key, PLACE, nonce)), count),
    );
    if (new Set(indexes).size <= 1) return nonce;
  }
  throw new RangeError(`${scenario.name}: no nonce found`);
}

const PLACE = Buffer.from('@NONCE8@');

function routeHash(route: JsonObject, nonce: Buffer): U64 {
  if ('partition' in route) return { high: 0, low: Number(route['partition']) };
  if ('hash_key' in route) return hashOf(toBytes(route['hash_key'], nonce));
  const key = toBytes(route['encoded_key'], nonce);
  const hash = { high: 0, low: 0 };
  partitionHash(key, 0, key.length, hash);
  return hash;
}

/** Plays one scenario; a line for each difference. */
async function play(
  scenario: Scenario,
  table: TableInProcess,
  time: VirtualTime,
  random: SeededRandom,
): Promise<string[]> {
  const state: ScenarioState = {
    nonce: chooseNonce(scenario, table.partitions.length, random),
    startSeconds: ttlNow(time.wallMs()),
    contexts: new Map(),
    appId: table.appId,
    partitionIndex: -2,
  };
  const lines: string[] = [];
  const lastDecrees = new Map<number, number>();
  for (const [index, step] of scenario.steps.entries()) {
    const code = CODES.get(step.rpc) ?? RpcCode.unknown;
    const hash = routeHash(step.route, state.nonce);
    state.partitionIndex = partitionIndexOf(hash, table.partitions.length);
    const argument = encodeArgument(RPCS[code]!.argument, step.args, state);
    const header = { partitionHashHigh: hash.high, partitionHashLow: hash.low };
    const partition = table.partitions[state.partitionIndex]!;
    const answer = await time.run(partition.request(code, header, argument));
    const result = RPCS[code]!.result;
    let found: Json = 'no_reply';
    if (answer.frameError === 'ERR_OK') {
      const reader = new Reader();
      reader.reset(answer.result, 0, answer.result.length);
      found = decodeResult(result, reader, state);
      reader.reset(answer.result, 0, answer.result.length);
      if (result === 'ScanResponse') state.contexts.set(index, readScanResponse(reader).contextId);
      if (result === 'UpdateResponse') {
        const { decree } = readUpdateResponse(reader);
        if (decree <= (lastDecrees.get(state.partitionIndex) ?? 0)) lines.push('a decree repeats');
        lastDecrees.set(state.partitionIndex, decree);
      }
    }
    const actual = { frame_error: answer.frameError, result: found };
    for (const line of differences(step.expect, actual)) {
      lines.push(`step ${index} ${step.rpc} ${line}`);
    }
  }
  return lines;
}

for (const family of FAMILIES) {
  const isThere = existsSync(new URL(`${family}.jsonl`, FOLDER));
  const skip = isThere ? false : '../shared/conformance is not at hand';
  for (const isCold of [false, true]) {
    const how = isCold ? 'with nothing in memory' : 'from memory';
    test(`answers ${family} as the original does, ${how}`, { skip }, async () => {
      const failures = await playFamily(family, isCold ? (): boolean => true : null);
      assert.deepEqual(failures, []);
    });
  }
}

/** A text for each scenario that failed. */
async function playFamily(family: string, mayBlock: (() => boolean) | null): Promise<string[]> {
  const time = new VirtualTime();
  const random = new SeededRandom(20_261_124);
  const table = await openTable(TABLE_APP_ID, PARTITION_COUNT, time, mayBlock);
  const failures: string[] = [];
  let played = 0;
  for (const scenario of readScenarios(family)) {
    played++;
    const count = scenario.fresh_table?.partition_count;
    const own =
      count === undefined ? table : await openTable(TABLE_APP_ID + played, count, time, mayBlock);
    const lines = await play(scenario, own, time, random);
    if (own !== table) await time.run(own.close());
    if (lines.length > 0) failures.push([scenario.name, ...lines.slice(0, 4)].join('\n    '));
  }
  await time.run(table.close());
  assert.ok(played > 0, 'a family has scenarios');
  return failures;
}
