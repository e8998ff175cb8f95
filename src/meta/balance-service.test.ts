/** What administrators propose and want, and what they are answered. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ErrorCode } from '../base/error-names.ts';
import type { BalanceStatus } from '../cluster/balance-status.ts';
import { BalanceAction, ConfigType, MetaLevel } from '../wire/schema/meta.ts';
import { planControl, propose, statusText } from './balance-service.ts';
import { metaCommands } from './remote-commands.ts';

function calm(names: readonly string[]): Story {
  const story = new Story(names);
  story.brain.level = MetaLevel.steady;
  story.createTable();
  story.advance(5_000);
  assert.equal(story.shape(), '1: a + b c');
  return story;
}

type Step = readonly [type: number, node: string];

function proposeTo(story: Story, steps: readonly Step[], force = false, index = 0): number {
  const actionList = steps.map(([type, host]) => {
    const node = { host, port: 1 };
    return { target: node, node, type, hpTarget: undefined, hpNode: undefined };
  });
  const gpid = { appId: 1, partitionIndex: index };
  const request = { gpid, actionList, force, balanceType: undefined };
  const { code } = propose(story.brain, request, story.now());
  story.flush();
  return code;
}

function control(story: Story, action: string, node = '', tables: number[] = []): number {
  return story.command(planControl(story.context(), { action, node, tables })).code;
}

function status(story: Story): BalanceStatus {
  return JSON.parse(statusText(story.brain, story.now())) as BalanceStatus;
}

test('move_pri, copy_pri and copy_sec of the original’s shell do what they say', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  const { downgradeToSecondary, upgradeToPrimary, addSecondaryForBalance, remove } = ConfigType;
  assert.equal(
    proposeTo(story, [
      [downgradeToSecondary, 'a'],
      [upgradeToPrimary, 'b'],
    ]),
    ErrorCode.ok,
  );
  story.advance(2_000);
  assert.match(story.shape(), /: b \+ a c$/);
  proposeTo(story, [
    [addSecondaryForBalance, 'd'],
    [remove, 'c'],
  ]);
  story.advance(4_000);
  assert.match(story.shape(), /: b \+ a d$/);
  proposeTo(story, [
    [addSecondaryForBalance, 'c'],
    [downgradeToSecondary, 'b'],
    [upgradeToPrimary, 'c'],
    [remove, 'b'],
  ]);
  story.advance(4_000);
  assert.match(story.shape(), /: c \+ a d$/);
});

test('a step that would take a member away moves its copy instead', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  assert.equal(proposeTo(story, [[ConfigType.downgradeToInactive, 'b']]), ErrorCode.ok);
  story.advance(4_000);
  assert.match(story.shape(), /: a \+ c d$/);
  const small = calm(['a', 'b', 'c']);
  const refused = proposeTo(small, [[ConfigType.downgradeToInactive, 'b']]);
  assert.equal(refused, ErrorCode.invalidParameters, 'there is no other place');
  assert.equal(proposeTo(small, [[ConfigType.downgradeToSecondary, 'a']]), ErrorCode.ok);
  small.advance(2_000);
  assert.doesNotMatch(small.shape(), /: a \+/);
});

test('what is unknown, makes no sense or is not allowed now is refused', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  const { upgradeToPrimary, addSecondary } = ConfigType;
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'b']], false, 7), ErrorCode.appNotExist);
  assert.equal(proposeTo(story, []), ErrorCode.invalidParameters);
  assert.equal(proposeTo(story, [[addSecondary, 'd']]), ErrorCode.invalidParameters);
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'd']]), ErrorCode.invalidParameters);
  story.kill('c');
  story.advance(8_000);
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'b']]), ErrorCode.invalidState);
  story.brain.level = MetaLevel.freezed;
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'b']]), ErrorCode.stateFreezed);
});

test('one move at a time, unless it is forced', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  story.server('a').handsOver = false;
  const { upgradeToPrimary } = ConfigType;
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'b']]), ErrorCode.ok);
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'c']]), ErrorCode.invalidParameters);
  story.server('a').handsOver = true;
  assert.equal(proposeTo(story, [[upgradeToPrimary, 'c']], true), ErrorCode.ok);
  story.advance(2_000);
  assert.match(story.shape(), /: c \+ a b$/);
});

test('the status says in one sentence why nothing moves, and what there is to do', () => {
  const story = new Story(['a', 'b', 'c'], { balanceQuietMs: 1_000 });
  story.createTable({ partitionCount: 8 });
  story.advance(10_000);
  assert.equal(status(story).why, 'Nothing moves: all is as even as it can be.');
  assert.equal(control(story, BalanceAction.pause), ErrorCode.ok);
  story.add('d');
  story.advance(10_000);
  const paused = status(story);
  assert.equal(paused.why, 'Nothing more is balanced: an administrator has paused it.');
  assert.ok(paused.wanted.copySecondary + paused.wanted.copyPrimary >= 5);
  assert.equal(paused.wanted.total > 0 && paused.moves.length === 0, true);
  control(story, BalanceAction.resume);
  story.advance(60_000);
  assert.equal(status(story).wanted.total, 0);
  assert.ok(status(story).replicaDeviation < 1);
});

test('drains and tables to be left alone are checked, and told', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  assert.equal(control(story, BalanceAction.drain, 'x:9'), ErrorCode.invalidParameters);
  assert.equal(control(story, BalanceAction.drain, 'nonsense'), ErrorCode.invalidParameters);
  assert.equal(control(story, BalanceAction.ignore, '', [9]), ErrorCode.invalidParameters);
  assert.equal(control(story, 'dance'), ErrorCode.invalidParameters);
  assert.equal(control(story, BalanceAction.ignore, '', [1]), ErrorCode.ok);
  assert.equal(control(story, BalanceAction.drain, 'b:1'), ErrorCode.ok);
  story.advance(10_000);
  const { ignoredTables, drains } = status(story);
  assert.deepEqual(ignoredTables, [1]);
  assert.deepEqual(
    drains.map(({ node, replicas, isDone }) => [node, replicas, isDone]),
    [['b:1', 0, true]],
  );
  control(story, BalanceAction.undrain);
  assert.deepEqual(status(story).drains, []);
});

test('the remote commands of the balance have the words of the original', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable({ partitionCount: 8 });
  story.advance(10_000);
  const commands = metaCommands({ term: { brain: story.brain }, leader: null });
  const ask = (name: string, ...args: string[]): string => {
    const text = commands.get(name)!.answer(args);
    story.flush();
    return text;
  };
  assert.equal(ask('meta.lb.ignored_app_list'), 'get ok: ');
  assert.equal(ask('meta.lb.ignored_app_list', 'set', '1'), 'set ok');
  assert.equal(ask('meta.lb.ignored_app_list', 'get'), 'get ok: 1');
  assert.equal(ask('meta.lb.ignored_app_list', 'set', '7'), 'invalid arguments');
  assert.equal(ask('meta.lb.ignored_app_list', 'clear'), 'clear ok');
  assert.equal(ask('meta.lb.get_balance_operation_count'), 'total=0');
  assert.match(ask('meta.lb.get_balance_operation_count', 'detail'), /^move_pri=0,/);
  assert.match(ask('meta.lb.get_balance_operation_count', 'some'), /^ERR/);
  ask('meta.lb.only_move_primary', 'true');
  story.add('d');
  story.advance(30_000);
  assert.equal(story.brain.state.replicaCountOf(story.server('d').id), 0);
  assert.match(ask('meta.lb.only_move_primary', 'maybe'), /true or false/);
  ask('meta.lb.only_move_primary', 'false');
  story.advance(60_000);
  assert.equal(story.brain.state.replicaCountOf(story.server('d').id), 6);
});
