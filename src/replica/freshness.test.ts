/** A secondary never takes itself for more recent than it is, whatever messages and roles do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lease } from '../consensus/lease.ts';
import { initialConfiguration, ReplicaStatus } from '../model/configuration.ts';
import { type Ballot, gpidOf, type NodeId, toNodeId } from '../model/identity.ts';
import type { CommitAnswer, CommitQuery } from '../wire/generated/internal.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { Freshness, type FreshnessHost } from './freshness.ts';

const PRIMARY: NodeId = toNodeId('primary:1');
const SECONDARY: NodeId = toNodeId('secondary:1');
const LEASE_MS = 100_000;

/** One replica of a partition, with a lease from time 0 on; what it sends is kept. */
class Member implements FreshnessHost {
  readonly freshness: Freshness;
  readonly queries: CommitQuery[] = [];
  readonly answers: CommitAnswer[] = [];
  applied = 0;
  readonly role = {
    status: ReplicaStatus.secondary as ReplicaStatus,
    leading: null as { readableFrom: number } | null,
    state: {
      config: {
        ...initialConfiguration(gpidOf(1, 0), 3),
        ballot: 7 as Ballot,
        primary: PRIMARY,
      },
      list: { lastCommitted: 0 },
    },
  };
  readonly lease = new Lease(LEASE_MS);

  constructor(token = 1) {
    this.lease.onBeaconAcked(this.lease.onBeaconSent(0), true, LEASE_MS);
    this.freshness = new Freshness(this.role, this.lease, token, this);
  }

  static leading(committed: number, readableFrom = 0): Member {
    const member = new Member();
    member.role.status = ReplicaStatus.primary;
    member.role.leading = { readableFrom };
    member.role.state.list.lastCommitted = committed;
    member.applied = committed;
    return member;
  }

  appliedDecree(): number {
    return this.applied;
  }

  send(_to: NodeId, type: InternalMessage, message: object): void {
    if (type === InternalMessage.commitQuery) this.queries.push(message as CommitQuery);
    else this.answers.push(message as CommitAnswer);
  }

  /** What the primary answers to the oldest query. */
  askOf(primary: Member, nowMs: number): CommitAnswer {
    primary.freshness.onQuery(SECONDARY, this.queries.shift()!, nowMs);
    return primary.answers.shift()!;
  }
}

test('an answer counts from when it was asked for, however long it was under way', () => {
  const primary = Member.leading(10);
  const secondary = new Member();
  secondary.applied = 10;
  assert.equal(secondary.freshness.completeAsOfMs(100), -Infinity, 'nothing is known at first');
  const answer = secondary.askOf(primary, 5_000);
  secondary.freshness.onAnswer(answer);
  assert.equal(secondary.freshness.completeAsOfMs(9_000), 100);
});

test('what the answer tells must be in the engine first', () => {
  const primary = Member.leading(12);
  const secondary = new Member();
  secondary.applied = 10;
  secondary.freshness.completeAsOfMs(100);
  secondary.freshness.onAnswer(secondary.askOf(primary, 100));
  assert.equal(secondary.freshness.completeAsOfMs(200), -Infinity);
  primary.role.state.list.lastCommitted = 14;
  secondary.freshness.onAnswer(secondary.askOf(primary, 200));
  secondary.applied = 12;
  assert.equal(secondary.freshness.completeAsOfMs(300), 100, 'the first point that was told');
});

test('under load, always behind by one, it still comes along', () => {
  const primary = Member.leading(0);
  const secondary = new Member();
  for (let step = 1; step <= 100; step++) {
    primary.role.state.list.lastCommitted = step;
    secondary.freshness.completeAsOfMs(10 * step);
    secondary.freshness.onAnswer(secondary.askOf(primary, 10 * step));
    secondary.applied = step - 1;
  }
  assert.ok(secondary.freshness.completeAsOfMs(1_000) >= 970);
});

test('a primary says nothing without a lease, nor before it has committed what it took over', () => {
  const query = { gpid: gpidOf(1, 0), token: 1, stampMs: 5 };
  for (const [primary, nowMs] of [
    [new Member(), 10],
    [Member.leading(4, 5), 10],
    [Member.leading(5, 5), LEASE_MS],
  ] as const) {
    primary.freshness.onQuery(SECONDARY, query, nowMs);
    assert.equal(primary.answers.length, 0);
  }
  const primary = Member.leading(5, 5);
  primary.freshness.onQuery(SECONDARY, query, 10);
  assert.deepEqual(primary.answers, [{ ...query, committedDecree: 5 }]);
});

test('answers to another life of the server, older ones, and those of another role change nothing', () => {
  const primary = Member.leading(3);
  const secondary = new Member(2);
  secondary.applied = 3;
  const answer = { gpid: gpidOf(1, 0), token: 1, stampMs: 500, committedDecree: 3 };
  secondary.freshness.onAnswer(answer);
  assert.equal(secondary.freshness.completeAsOfMs(600), -Infinity);
  secondary.freshness.onAnswer({ ...answer, token: 2 });
  secondary.freshness.onAnswer({ ...answer, token: 2, stampMs: 400 });
  assert.equal(secondary.freshness.completeAsOfMs(700), 500);
  secondary.role.status = ReplicaStatus.potentialSecondary;
  assert.equal(secondary.freshness.completeAsOfMs(700), -Infinity);
  assert.equal(primary.freshness.completeAsOfMs(700), 700, 'a primary has it all');
  primary.applied = -1;
  assert.equal(primary.freshness.completeAsOfMs(700), -Infinity);
});

test('the primary is asked while somebody wants to know, and now and then when nobody does', () => {
  const secondary = new Member();
  const { freshness, queries } = secondary;
  const tick = (fromMs: number, count: number): number => {
    queries.length = 0;
    for (let index = 0; index < count; index++) freshness.onTick(fromMs + 100 * index);
    return queries.length;
  };
  assert.equal(tick(0, 100), 2, 'every five seconds');
  queries.length = 0;
  for (let request = 0; request < 1_000; request++) freshness.completeAsOfMs(20_000 + request / 10);
  assert.equal(queries.length, 10, 'with requests every ten milliseconds');
  assert.equal(queries[9]!.stampMs, 20_090);
  assert.equal(tick(20_100, 100), 100, 'for ten seconds more with each tick');
  assert.equal(tick(31_000, 100), 2);
});

test('who leads or follows nobody asks nobody', () => {
  const alone = new Member();
  alone.role.status = ReplicaStatus.inactive;
  alone.freshness.onTick(0);
  alone.freshness.completeAsOfMs(0);
  const primary = Member.leading(1);
  primary.freshness.onTick(0);
  assert.deepEqual([...alone.queries, ...primary.queries], []);
});
