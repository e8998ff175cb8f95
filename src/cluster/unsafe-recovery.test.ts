/** Where nobody can lead by the rules, the diagnosis says why, and a lead by force is scoped, remembered and final. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ErrorCode } from '../base/error-names.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { toNodeId } from '../model/identity.ts';
import { diagnose } from './diagnosis.ts';
import { decodeRecord, encodeRecord } from './records.ts';
import { BALLOT_STEP } from './recovery.ts';
import type { CommandPlan } from './table-commands.ts';
import { planForcedPrimary } from './unsafe-recovery.ts';

/** b and c lead without a, commit more, and are gone; a is back with what it had. */
function allMembersLost(): Story {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  for (const name of ['a', 'b', 'c']) Object.assign(story.replica(name), DECREES);
  story.advance(1_000);
  story.kill('a');
  story.advance(8_000);
  for (const name of ['b', 'c'])
    Object.assign(story.replica(name), { prepared: 30, committed: 30 });
  story.advance(2_000);
  for (const name of ['b', 'c']) story.kill(name);
  story.advance(8_000);
  story.start('a');
  story.advance(3_000);
  return story;
}

const DECREES = { prepared: 20, committed: 20 };

function force(story: Story, name: string, ballot: number): CommandPlan {
  const node = toNodeId(`${name}:1`);
  const request = { appId: 1, partitionIndex: 0, node, ballot, reason: 'both disks are gone' };
  return story.command(planForcedPrimary(story.context(), request));
}

test('the diagnosis tells of every copy what it has, what it lacks, and why nobody leads', () => {
  const story = allMembersLost();
  const [found, ...others] = diagnose(story.brain.state, -1, -1);
  assert.equal(others.length, 0);
  const copies = found!.copies.map(({ node, isMember, isAlive, lostDecrees }) => [
    node,
    isMember,
    isAlive,
    lostDecrees,
  ]);
  assert.deepEqual(copies, [
    ['b:1', true, false, -1],
    ['c:1', true, false, -1],
    ['a:1', false, true, 10],
  ]);
  assert.match(found!.reason, /not alive: b:1, c:1/);
  assert.deepEqual(diagnose(story.brain.state, 2, -1), []);
});

test('a partition that is led, or that will be led by the rules, is none for a diagnosis or for force', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  assert.deepEqual(diagnose(story.brain.state, -1, -1), []);
  assert.equal(force(story, 'b', story.partition().ballot).code, ErrorCode.invalidState);
});

test('a lead by force is for one copy that was shown, under the ballot that was diagnosed', () => {
  const story = allMembersLost();
  const { ballot } = story.partition();
  assert.equal(force(story, 'a', ballot - 1).code, ErrorCode.invalidVersion);
  assert.equal(force(story, 'b', ballot).code, ErrorCode.objectNotFound);
  const plan = force(story, 'a', ballot);
  assert.equal(plan.code, ErrorCode.ok);
  assert.match(plan.hint, /known to be lost: 10/);
  story.advance(2_000);
  assert.match(story.shape(), new RegExp(`^${ballot + 1}: a \\+`));
  assert.equal(story.replica('a').status, ReplicaStatus.primary);
  assert.equal(force(story, 'a', ballot + 1).code, ErrorCode.invalidState);
});

test('who comes back with more joins what is now, and what it had does not count any more', () => {
  const story = allMembersLost();
  force(story, 'a', story.partition().ballot);
  story.advance(2_000);
  for (const name of ['b', 'c']) story.start(name);
  story.advance(3_000);
  assert(story.partition().committedDecree <= 21);
  story.advance(20_000);
  assert.match(story.shape(), /: a \+ b c$/);
  story.restart('a');
  story.advance(10_000);
  assert(story.partition().record.config.primary !== null, 'what is lost holds nobody up');
});

test('what was forced stays in the record, through changes and a start of the meta server', () => {
  const story = allMembersLost();
  const before = story.partition().ballot;
  force(story, 'a', before);
  for (const name of ['b', 'c']) story.start(name);
  story.advance(20_000);
  story.restartMeta();
  story.advance(8_000);
  const { record } = story.partition();
  assert(record.config.ballot > before + 1);
  assert.equal(record.forced?.reason, 'both disks are gone');
  assert.equal(record.forced.formerBallot, before);
  assert.equal(record.forced.lostDecrees, 10);
  assert.deepEqual(decodeRecord(encodeRecord(record)), record);
});

test('where the journal is behind its replicas the new ballot is far above what anybody has told', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const copied = story.log.length;
  story.kill('a');
  story.advance(8_000);
  story.start('a');
  story.advance(3_000);
  const known = story.partition().ballot;
  story.kill('c');
  story.restoreMeta(copied);
  story.advance(10_000);
  const [found] = diagnose(story.brain.state, -1, -1);
  assert.match(found!.reason, /which the meta server has lost; not alive: c:1/);
  assert.equal(force(story, 'b', story.partition().ballot).code, ErrorCode.ok);
  story.advance(2_000);
  assert(story.partition().ballot >= known + BALLOT_STEP);
  assert.equal(story.partition().record.config.primary, 'b:1');
});
