/** The state of a meta server that has lost all comes back from its replicas, or it is said why not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ErrorCode } from '../base/error-names.ts';
import { type AppInfo, AppStatus, ReplicaStatus } from '../model/configuration.ts';
import { configurationFromWire } from '../model/configuration-wire.ts';
import { toNodeId } from '../model/identity.ts';
import { makeReplicaState } from '../wire/generated/internal.ts';
import { BALLOT_STEP, type Inventory, planRecovery } from './recovery.ts';
import type { CommandPlan } from './table-commands.ts';

const NEITHER = { skipBadNodes: false, skipLostPartitions: false };
const BAD_NODES = { skipBadNodes: true, skipLostPartitions: false };
const LOST = { skipBadNodes: false, skipLostPartitions: true };

/** Two partitions on a, b, c, some rows committed. */
function cluster(): { story: Story; table: AppInfo } {
  const story = new Story(['a', 'b', 'c']);
  story.createTable({ partitionCount: 2, envs: new Map([['default_ttl', '5']]) });
  story.advance(2_000);
  for (const name of ['a', 'b', 'c']) {
    for (const replica of story.server(name).replicas.values()) {
      replica.prepared = 9;
      replica.committed = 8;
    }
  }
  story.advance(1_000);
  return { story, table: story.partition().table.app };
}

/** The store is empty from now on; servers that live have shown themselves. */
function wipe(story: Story): void {
  story.restoreMeta(0);
  story.advance(2_000);
}

function inventory(story: Story, name: string, table: AppInfo): Inventory {
  const server = story.server(name);
  const replicas = [...server.replicas.values()].map((replica) => ({
    state: {
      ...makeReplicaState(),
      gpid: replica.gpid,
      ballot: replica.ballot,
      status: replica.status,
      lastCommittedDecree: replica.committed,
      lastPreparedDecree: replica.prepared,
      failure: replica.failure,
    },
    config: configurationFromWire(replica.configuration!),
    table,
  }));
  return { node: server.id, incarnation: server.incarnation, replicas };
}

function recover(
  story: Story,
  inventories: readonly Inventory[],
  request: Parameters<typeof planRecovery>[3] = NEITHER,
  absent: readonly string[] = [],
): CommandPlan {
  const gone = absent.map((name) => toNodeId(`${name}:1`));
  const plan = planRecovery(story.brain.state, inventories, gone, request);
  return plan.code === ErrorCode.ok ? story.command(plan) : plan;
}

test('configurations come back with their ballots, and who leads goes on leading', () => {
  const { story, table } = cluster();
  const shapes = [story.shape(0), story.shape(1)];
  wipe(story);
  const plan = recover(
    story,
    ['a', 'b', 'c'].map((name) => inventory(story, name, table)),
  );
  assert.equal(plan.code, ErrorCode.ok, plan.hint);
  assert.deepEqual([story.shape(0), story.shape(1)], shapes);
  story.advance(10_000);
  assert.deepEqual([story.shape(0), story.shape(1)], shapes, 'nothing had to be repaired');
  assert.deepEqual(story.brain.state.tableNamed('temp')?.app, table);
  const again = recover(story, [inventory(story, 'a', table)]);
  assert.equal(again.code, ErrorCode.serviceAlreadyRunning);
});

test('after a cut of power somebody who has the longest log leads', () => {
  const { story, table } = cluster();
  for (const name of ['a', 'b', 'c']) {
    Object.assign(story.replica(name), { tailUnproven: true, headBallot: 1 });
    story.restart(name);
  }
  story.replica('b').prepared = 12;
  wipe(story);
  recover(
    story,
    ['a', 'b', 'c'].map((name) => inventory(story, name, table)),
  );
  story.advance(3_000);
  assert.match(story.shape(0), /^\d+: b \+/);
});

test('until it is recovered no table is made, and nobody whose lease has lapsed gets one', () => {
  const { story } = cluster();
  const leaders = ['a', 'b', 'c'].filter((name) =>
    [...story.server(name).replicas.values()].some(
      ({ status }) => status === ReplicaStatus.primary,
    ),
  );
  assert(leaders.length > 0);
  for (const name of ['a', 'b', 'c']) story.server(name).connected = false;
  story.advance(10_000);
  story.restoreMeta(0);
  for (const name of ['a', 'b', 'c']) story.server(name).connected = true;
  story.advance(3_000);
  assert.equal(story.createTable({ appName: 'other' }).code, ErrorCode.underRecovery);
  for (const name of leaders) assert.equal(story.server(name).leaseMs, 0, name);
});

test('a server that does not answer is waited for, or its ballots are jumped over', () => {
  const { story, table } = cluster();
  story.kill('c');
  wipe(story);
  const heard = ['a', 'b'].map((name) => inventory(story, name, table));
  const refused = recover(story, heard);
  assert.equal(refused.code, ErrorCode.tryAgain);
  assert.match(refused.hint, /c:1 did not tell/);
  assert.equal(recover(story, heard, BAD_NODES).code, ErrorCode.ok);
  story.advance(3_000);
  for (const index of [0, 1]) {
    assert(story.partition(index).ballot > BALLOT_STEP);
    assert.match(story.shape(index), /: [ab] \+/);
  }
  const { appId } = story.createTable({ appName: 'next', replicaCount: 2 });
  assert(appId > 2, 'the server that is missing may hold a table of the next number');
});

test('a partition that nobody has whole is refused, or stays without members until a copy shows up', () => {
  const { story, table } = cluster();
  const key = story.partition(1).key;
  const kept = story.server('a').replicas.get(key)!;
  for (const name of ['a', 'b', 'c']) story.server(name).replicas.delete(key);
  wipe(story);
  const heard = ['a', 'b', 'c'].map((name) => inventory(story, name, table));
  const refused = recover(story, heard);
  assert.equal(refused.code, ErrorCode.tryAgain);
  assert.match(refused.hint, /partition 1\.1 has no whole copy/);
  assert.equal(recover(story, heard, LOST).code, ErrorCode.ok);
  assert.match(story.shape(1), /^0: - \+/);
  story.server('a').replicas.set(key, kept);
  story.advance(8_000);
  assert.match(story.shape(1), /: a \+/);
});

test('the version with the most changes counts: its settings, its name, and that it was dropped', () => {
  const { story, table } = cluster();
  wipe(story);
  const newest = {
    ...table,
    appName: 'renamed',
    envs: new Map([['default_ttl', '7']]),
    revision: table.revision + 2,
  };
  recover(story, [
    inventory(story, 'a', table),
    inventory(story, 'b', newest),
    inventory(story, 'c', { ...table, revision: table.revision + 1 }),
  ]);
  assert.deepEqual(story.brain.state.tableNamed('renamed')?.app, newest);

  const other = cluster();
  wipe(other.story);
  const dropped = { ...table, status: AppStatus.dropped, revision: table.revision + 1 };
  recover(other.story, [
    inventory(other.story, 'a', table),
    inventory(other.story, 'b', dropped),
    inventory(other.story, 'c', table),
  ]);
  assert.equal(other.story.brain.state.tableNamed('temp'), undefined);
  assert.equal(other.story.partition().record.dormant.length, 3, 'it can be recalled');
});

test('what contradicts itself is refused', () => {
  const { story, table } = cluster();
  wipe(story);
  const conflicts: readonly (readonly [Partial<AppInfo>, RegExp])[] = [
    [{ partitionCount: 4 }, /2 partitions here, 4 there/],
    [{ createSeconds: table.createSeconds + 1 }, /made at different times/],
    [{ appName: 'other' }, /after the same number of changes/],
  ];
  for (const [change, words] of conflicts) {
    const plan = recover(story, [
      inventory(story, 'a', table),
      inventory(story, 'b', { ...table, ...change }),
      inventory(story, 'c', table),
    ]);
    assert.equal(plan.code, ErrorCode.inconsistentState);
    assert.match(plan.hint, words);
    assert.equal(plan.records.length, 0);
  }
  const twin = inventory(story, 'a', table);
  const gpid = { appId: 2, partitionIndex: 0 };
  const [first] = twin.replicas;
  const second = { ...first!, state: { ...first!.state, gpid }, table: { ...table, appId: 2 } };
  const plan = recover(story, [{ ...twin, replicas: [...twin.replicas, second] }]);
  assert.match(plan.hint, /tables 1 and 2 are both "temp"/);
});
