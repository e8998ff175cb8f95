import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import type { ServerView } from './observer.ts';
import { ReadAnswers } from './read-answers.ts';
import { Violations } from './violations.ts';

interface Role {
  status: ReplicaStatus;
  ballot: number;
  lastCommittedDecree?: number;
}

class World {
  nowUs: number = 0;
  readonly violations: Violations = new Violations(() => {});
  readonly roles: Record<string, Role> = {
    a: { status: ReplicaStatus.primary, ballot: 3 },
    b: { status: ReplicaStatus.secondary, ballot: 3 },
  };
  readonly answers: ReadAnswers;
  #seqid: number = 0;

  constructor() {
    const servers = Object.keys(this.roles).map(
      (name): ServerView => ({
        name,
        isUp: true,
        generation: 0,
        replicas: () => [
          {
            partition: '1.2',
            persistedBallot: 0,
            lastCommittedDecree: 0,
            ...this.roles[name]!,
            lastPreparedDecree: 0,
            digestAt: () => null,
          },
        ],
        withEngine: () => false,
      }),
    );
    this.answers = new ReadAnswers(this.violations, () => this.nowUs, servers);
    this.answers.watchClient('client');
  }

  /** A whole exchange, cut at every byte. */
  exchange(server: string, name: string, error: string = 'ERR_OK'): void {
    this.nowUs += 1;
    this.#seqid += 1;
    const client = { host: { name: 'client' }, peer: null };
    const other = { host: { name: server }, peer: client };
    for (const byte of request(name, this.#seqid))
      this.answers.onBytes(client, Uint8Array.of(byte));
    for (const byte of reply(name, this.#seqid, error)) {
      this.answers.onBytes(other, Uint8Array.of(byte));
    }
  }
}

const text = (value: string): number[] => [...i32(value.length), ...Buffer.from(value)];
const i32 = (value: number): number[] => [
  value >>> 24,
  (value >> 16) & 255,
  (value >> 8) & 255,
  value & 255,
];

function request(name: string, seqid: number): number[] {
  const meta = [8, 0, 1, ...i32(1), 8, 0, 2, ...i32(2), 10, 0, 4, ...i32(0), ...i32(7), 0];
  const body = [...i32(0x80010001 | 0), ...text(name), ...i32(seqid), 0];
  return [
    ...Buffer.from('THFT'),
    ...i32(1),
    ...i32(meta.length),
    ...i32(body.length),
    ...meta,
    ...body,
  ];
}

function reply(name: string, seqid: number, error: string): number[] {
  const rest = [...text(error), ...i32(0x80010002 | 0), ...text(`${name}_ACK`), ...i32(seqid), 0];
  return [...i32(rest.length + 4), ...rest];
}

const GET = 'RPC_RRDB_RRDB_GET';
const PUT = 'RPC_RRDB_RRDB_PUT';

function takeOver(world: World): void {
  world.roles['a'] = { status: ReplicaStatus.primary, ballot: 3 };
  world.roles['b'] = { status: ReplicaStatus.primary, ballot: 4 };
}

test('one primary after the other may answer', () => {
  const world = new World();
  world.exchange('a', GET);
  takeOver(world);
  world.exchange('b', GET);
  world.exchange('b', PUT);
  assert.equal(world.answers.count, 2);
  assert.deepEqual(world.violations.all, []);
});

test('a primary that answers a read after its successor has answered is found', () => {
  for (const first of [GET, PUT]) {
    const world = new World();
    world.exchange('a', GET);
    takeOver(world);
    world.exchange('b', first);
    world.exchange('a', GET, 'ERR_INVALID_STATE');
    assert.equal(world.violations.all.length, 0);
    world.exchange('a', GET);
    assert.match(
      world.violations.all[0]!.detail,
      /a answers a read under ballot 3, b has answered/,
    );
  }
});

test('two replicas that answer under one ballot are found', () => {
  const world = new World();
  world.exchange('a', GET);
  world.roles['b'] = { status: ReplicaStatus.primary, ballot: 3 };
  world.exchange('b', GET);
  assert.equal(world.violations.all[0]?.kind, 'V4-one-reader');
});

test('an answer that was made before the role ended in the same instant is fine', () => {
  const world = new World();
  world.exchange('a', GET);
  takeOver(world);
  world.roles['a'] = { status: ReplicaStatus.secondary, ballot: 4 };
  world.exchange('b', GET);
  world.nowUs -= 1;
  world.exchange('a', GET);
  assert.deepEqual(world.violations.all, []);
});

test('a write that is committed and acknowledged with too few members is found, a late answer is none', () => {
  const world = new World();
  world.answers.isBelowFloor = (_, ballot) => ballot === 4;
  world.exchange('a', PUT);
  takeOver(world);
  world.exchange('b', PUT);
  world.exchange('b', PUT);
  assert.equal(world.violations.all.length, 0, 'it may have been committed before');
  world.roles['b']!.lastCommittedDecree = 1;
  world.exchange('b', PUT);
  assert.equal(world.violations.all[0]?.kind, 'V2-below-write-floor');
});
