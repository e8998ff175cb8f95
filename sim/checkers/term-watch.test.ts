/** Each rule of V24, broken once by a service, a leader or a giver of promises. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import {
  makeBeaconAck,
  makeConfigurationPush,
  makeLeadPromise,
  makeLeadPromiseRequest,
  writeBeaconAck,
  writeConfigurationPush,
  writeLeadPromise,
  writeLeadPromiseRequest,
} from '../../src/wire/generated/internal.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { payloadOf } from '../../test/support/payload.ts';
import { TermWatch } from './term-watch.ts';

const HOLD_MS = 3_000;

class Town {
  nowMs = 0;
  readonly found: string[] = [];
  readonly watch: TermWatch = new TermWatch({
    metas: ['a', 'b', 'c'],
    leadTimeoutMs: HOLD_MS,
    nowUs: () => this.nowMs * 1_000,
    report: (detail) => this.found.push(detail),
  });

  /** Epoch 1 of `a`, just elected. */
  static withLeader(): Town {
    const town = new Town();
    town.elected('a');
    town.begins('a', 1);
    return town;
  }

  elected(candidate: string, generation = 1): void {
    this.watch.onElected(candidate, generation, this.nowMs * 1_000);
  }

  begins(writer: string, epoch: number, generation = 1): void {
    const head = encodeUtf8(JSON.stringify({ format: 1, epoch, sequence: 0 }));
    this.writes(writer, head, generation);
  }

  writes(writer: string, head: Uint8Array | null, generation = 1): void {
    const request = { fence: 1, head, puts: [], removals: [] };
    this.watch.onAccepted({ writer, generation, request });
  }

  grants(from: string, metaEpoch: number): void {
    const ack = { ...makeBeaconAck(), allowed: true, leaseMs: 5_000, metaEpoch };
    this.watch.onFrame(from, 'r', InternalMessage.beaconAck, payloadOf(writeBeaconAck, ack));
  }

  pushes(from: string, metaEpoch: number): void {
    const push = payloadOf(writeConfigurationPush, { ...makeConfigurationPush(), metaEpoch });
    this.watch.onFrame(from, 'r', InternalMessage.configurationPush, push);
  }

  asks(epoch: number, sequence: number, holdMs = HOLD_MS): void {
    const metaServers = ['a:1', 'b:1', 'c:1'];
    const fields = { clusterId: 'x', epoch, sequence, holdMs, metaServers };
    const request = payloadOf(writeLeadPromiseRequest, { ...makeLeadPromiseRequest(), ...fields });
    for (const to of ['b', 'c']) {
      this.watch.onFrame('a', to, InternalMessage.leadPromiseRequest, request);
    }
  }

  promises(from: string, epoch: number, sequence: number, refusal = ''): void {
    const fields = { epoch, sequence, refusal, knownEpoch: epoch };
    const promise = payloadOf(writeLeadPromise, { ...makeLeadPromise(), ...fields });
    this.watch.onFrame(from, 'a', InternalMessage.leadPromise, promise);
  }
}

test('a leader that is elected again and again, and then one that is kept by promises, is right', () => {
  const town = Town.withLeader();
  for (let round = 0; round < 10; round++) {
    town.nowMs += 500;
    town.elected('a');
    town.writes('a', null);
    town.grants('a', 1);
    town.pushes('a', 1);
  }
  for (let round = 1; round <= 10; round++) {
    town.asks(1, round);
    for (const giver of ['b', 'c']) town.promises(giver, 1, round);
    town.nowMs += 2_000;
    town.grants('a', 1);
  }
  assert.deepEqual(town.found, []);
});

test('a write under the epoch of another one, or of another life, is found', () => {
  const town = Town.withLeader();
  town.writes('b', null);
  town.writes('a', null, 2);
  assert.equal(town.found.length, 2);
  town.elected('b');
  town.begins('b', 2);
  town.begins('a', 1);
  assert.match(town.found[2] ?? '', /a writes epoch 1 over epoch 2/);
});

test('what is said under an epoch that is another one’s, or nobody’s, is found', () => {
  const town = Town.withLeader();
  town.pushes('b', 1);
  town.pushes('a', 2);
  assert.equal(town.found.length, 2);
});

test('a lease that a former leader grants is found; that it still tells what it knew is not', () => {
  const town = Town.withLeader();
  town.nowMs += 4_000;
  town.elected('b');
  town.begins('b', 2);
  town.pushes('a', 1);
  assert.deepEqual(town.found, []);
  town.grants('a', 1);
  assert.match(town.found[0] ?? '', /under epoch 1, after 2/);
});

test('a term of one that is bound by its promise is found, unless it was given back or is over', () => {
  const bound = Town.withLeader();
  bound.asks(1, 1);
  bound.promises('b', 1, 1);
  bound.nowMs += 2_900;
  bound.begins('b', 2);
  assert.match(bound.found[0] ?? '', /bound by a promise/);

  const free = Town.withLeader();
  free.asks(1, 1);
  free.promises('b', 1, 1);
  free.promises('c', 1, 1, 'elected');
  free.nowMs += 10;
  free.begins('c', 2);
  free.asks(1, 2, 0);
  free.promises('b', 1, 2);
  free.begins('b', 3);
  assert.deepEqual(free.found, []);
});

test('a lease after the lead was not sure is found, also when it is sure again', () => {
  const town = Town.withLeader();
  town.nowMs += 2_900;
  town.grants('a', 1);
  assert.deepEqual(town.found, []);
  town.nowMs += 100;
  town.elected('a');
  town.grants('a', 1);
  assert.match(town.found[0] ?? '', /not sure/);
});

test('promises of some are no promises of all', () => {
  const town = Town.withLeader();
  town.asks(1, 1);
  town.promises('b', 1, 1);
  town.promises('c', 1, 1, 'elected');
  town.nowMs += 2_950;
  town.grants('a', 1);
  assert.equal(town.found.length, 1);
});
