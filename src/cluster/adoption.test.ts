/** A meta server whose journal is older than its replicas takes the truth from them, or touches nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ErrorCode } from '../base/error-names.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { type DropTable, planDrop } from './table-commands.ts';

const DROP: DropTable = { appName: '', successIfNotExist: false, reserveSeconds: undefined };

/** Table on a, b, c under ballot 1, and the length of the log at that time. */
function table(names: readonly string[] = ['a', 'b', 'c']): { story: Story; copied: number } {
  const story = new Story(names);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  return { story, copied: story.log.length };
}

test('the configuration of the highest ballot is adopted, and ballots go on after it', () => {
  const { story, copied } = table();
  story.kill('a');
  story.advance(8_000);
  assert.match(story.shape(), /^2: b \+ c/);
  story.start('a');
  story.advance(3_000);
  assert.equal(story.shape(), '3: b + a c');
  story.restoreMeta(copied);
  assert.equal(story.shape(), '1: a + b c');
  story.advance(4_000);
  assert.equal(story.shape(), '3: b + a c');
  for (const name of ['a', 'b', 'c']) assert.equal(story.server(name).leaseMs, 5_000);
  story.ask('b', ConfigurationChange.removeSecondary, story.server('c').id);
  assert.equal(story.shape(), '4: b + a');
});

test('what was adopted is durable', () => {
  const { story, copied } = table();
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.advance(3_000);
  const shape = story.shape();
  story.restoreMeta(copied);
  story.advance(4_000);
  story.restartMeta();
  assert.equal(story.shape(), shape);
  story.advance(10_000);
  assert.equal(story.shape(), shape);
});

test('nobody leads and nobody is put out before all members of the newest configuration are heard', () => {
  const { story, copied } = table();
  story.kill('c');
  story.kill('a');
  story.advance(8_000);
  assert.match(story.shape(), /^2: b \+ /);
  const key = story.partition().key;
  assert.ok(story.commit(story.server('b'), key) > 0, 'b alone has this');
  story.start('c');
  story.advance(3_000);
  assert.equal(story.shape(), '3: b + c');
  story.kill('b');
  story.kill('c');
  story.start('a');
  story.server('a').replicas.get(key)!.ballot = 1;
  story.restoreMeta(copied);
  story.start('c');
  story.advance(60_000);
  assert.equal(story.shape(), '1: a + b c', 'b may know of a newer one than c does');
  story.start('b');
  story.advance(6_000);
  assert.match(story.shape(), /^[4-9]: [bc] \+ /, 'then one that has everything leads');
  story.advance(60_000);
  assert.equal(story.partition().record.seats.length, 3);
});

test('proof at one partition makes all others doubted: their primaries get no lease and no change', () => {
  const { story } = table();
  story.createTable({ appName: 'other' });
  story.advance(2_000);
  const copied = story.log.length;
  const leader = story.partition(0, 2).record.config.primary!.split(':')[0]!;
  const others = ['a', 'b', 'c'].filter((name) => name !== leader);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.advance(3_000);
  story.kill(others[0]!);
  story.restoreMeta(copied);
  story.advance(20_000);
  assert.equal(story.partition(0, 2).ballot, 1, 'the silent one may have led it since');
  assert.equal(story.server(leader).leaseMs, 0);
  story.start(others[0]!);
  story.advance(6_000);
  assert.ok(story.partition(0, 2).ballot > 1, 'it has not');
  assert.equal(story.server(leader).leaseMs, 5_000);
});

test('people may decide to go on without a member where no higher ballot was seen: by one more start', () => {
  const { story } = table(['a', 'b', 'c', 'd']);
  story.createTable({ appName: 'other' });
  story.advance(2_000);
  const copied = story.log.length;
  const missing = story.partition(0, 2).record.config.secondaries[0]!;
  const name = missing.split(':')[0]!;
  const [first, second] = ['a', 'b', 'c'].filter((one) => one !== name);
  if (first === 'a') story.ask('a', ConfigurationChange.removeSecondary, story.server(second!).id);
  story.advance(3_000);
  story.kill(name);
  story.restoreMeta(copied);
  story.advance(30_000);
  assert.equal(story.partition(0, 2).ballot, 1);
  story.start(name);
  story.advance(5_000);
  assert.ok(story.partition(0, 1).ballot > 1, 'adopted');
  story.kill(name);
  story.restartMeta();
  story.advance(9_000);
  assert.equal(story.partition(0, 2).seatOf(missing), undefined);
});

test('a table that is doubted is neither dropped nor recalled, for its ballots may be taken', () => {
  const { story, copied } = table();
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.advance(3_000);
  const { ballot } = story.partition();
  story.restoreMeta(copied);
  const drop = (): number =>
    story.command(planDrop(story.context(), { ...DROP, appName: 'temp' })).code;
  assert.equal(drop(), ErrorCode.busy);
  story.advance(4_000);
  assert.equal(drop(), ErrorCode.ok);
  assert.equal(story.partition().ballot, ballot + 1);
});

test('a server that joined in the lost part is waited for, though all former members have reported', () => {
  const { story } = table(['a', 'b', 'c']);
  story.kill('c');
  story.kill('b');
  story.advance(8_000);
  assert.equal(story.shape(), '2: a + ');
  const copied = story.log.length;
  story.start('b');
  story.advance(3_000);
  assert.equal(story.shape(), '3: a + b');
  // What `a` is told of ballot 3 does not outlive it.
  story.restart('a');
  story.replica('a').ballot = 2;
  story.replica('a').configuration = null;
  story.server('b').connected = false;
  story.restoreMeta(copied);
  story.advance(2_000);
  assert.equal(story.shape(), '2: a + ', 'b may know more');
  story.server('b').connected = true;
  story.advance(6_000);
  assert.match(story.shape(), /^[4-9]: /, 'ballot 3 was not given out again');
});

test('a number that replicas hold is not given to a new table', () => {
  const { story, copied } = table();
  story.createTable({ appName: 'lost', partitionCount: 2 });
  story.advance(2_000);
  story.restoreMeta(copied);
  story.advance(2_000);
  assert.equal(story.brain.state.tableNamed('lost'), undefined);
  const { appId } = story.createTable({ appName: 'new' });
  assert.equal(appId, 3);
});

test('a meta server that has just started changes nothing before it has heard of all members or for a grace', () => {
  const { story } = table();
  story.kill('c');
  story.restartMeta();
  story.advance(2_000);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  assert.equal(story.shape(), '1: a + b c');
  story.advance(5_000);
  assert.equal(story.shape(), '2: a + b');
});

test('who led once and whose lease has lapsed is granted none before the others were heard', () => {
  const { story, copied } = table();
  story.server('a').connected = false;
  story.advance(8_000);
  assert.match(story.shape(), /^2: b \+ c/);
  story.restoreMeta(copied);
  story.server('a').connected = true;
  for (const name of ['b', 'c']) story.server(name).connected = false;
  story.advance(4_000);
  assert.equal(story.server('a').leaseMs, 0);
  for (const name of ['b', 'c']) story.server(name).connected = true;
  story.advance(3_000);
  assert.match(story.shape(), /^[23]: b/);
  assert.equal(story.server('b').leaseMs, 5_000);
});

test('who led without a break is granted a lease at once', () => {
  const { story } = table();
  const { leaseUntilMs } = story.server('a');
  story.restartMeta();
  for (const name of ['b', 'c']) story.server(name).connected = false;
  story.advance(1_000);
  assert.ok(story.nowMs < leaseUntilMs);
  assert.equal(story.server('a').leaseMs, 5_000);
});

test('a meta server that was asleep while it doubted has not heard who may have spoken: it doubts on for a grace', () => {
  const { story } = table();
  story.kill('c');
  story.restartMeta();
  story.advance(1_000);
  story.nowMs += 10_000;
  story.advance(1_000);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  assert.equal(story.shape(), '1: a + b c');
  story.advance(7_000);
  assert.equal(story.shape(), '2: a + b');
});
