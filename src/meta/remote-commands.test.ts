/** What operators ask of a meta server, and change while it runs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { metaCommands } from './remote-commands.ts';

function commanded(story: Story): (name: string, ...args: string[]) => string {
  const commands = metaCommands({ term: { brain: story.brain }, leader: null });
  return (name, ...args) => {
    const command = commands.get(name);
    assert(command !== undefined, `there is a command ${name}`);
    return command.answer(args);
  };
}

function fields(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

test('a number is told, set, refused out of its range, and set back', () => {
  const ask = commanded(new Story(['a']));
  const name = 'meta.live_percentage';
  assert.deepEqual(fields(ask(name)), { [name]: '0', error: 'ok' });
  assert.deepEqual(fields(ask(name, '65')), { [name]: '65', error: 'ok' });
  for (const wrong of ['101', '-1', 'half', '', '6.5', '99999999999']) {
    assert.match(String(fields(ask(name, wrong))['error']), /^one number from 0 to 100/);
  }
  assert.match(String(fields(ask(name, '1', '2'))['error']), /^one number/);
  assert.deepEqual(fields(ask(name)), { [name]: '65', error: 'ok' });
  assert.deepEqual(fields(ask(name, 'DEFAULT')), { [name]: '0', error: 'ok' });
});

test('a lost copy is waited for as long as the command says', () => {
  const story = new Story(['a', 'b', 'c', 'd']);
  const ask = commanded(story);
  story.createTable();
  story.advance(2_000);
  assert.equal(fields(ask('meta.lb.assign_delay_ms', '10'))['error'], 'ok');
  story.kill('c');
  story.advance(12_000);
  assert.equal(story.shape(), '3: a + b d');
  ask('meta.lb.assign_delay_ms', 'DEFAULT');
  assert.equal(fields(ask('meta.lb.assign_delay_ms'))['meta.lb.assign_delay_ms'], '60000');
  const learns = 'meta.lb.add_secondary_max_count_for_one_node';
  assert.match(String(fields(ask(learns, '0'))['error']), /from 1 to/);
  assert.equal(fields(ask(learns, '3'))[learns], '3');
});

test('the black list is set, shown and cleared in the words of the original', () => {
  const story = new Story(['a', 'b', 'c', 'd']);
  const ask = commanded(story);
  const name = 'meta.lb.assign_secondary_black_list';
  assert.equal(ask(name), 'get ok: ');
  assert.equal(ask(name, 'd:1,c:1'), 'set ok');
  assert.equal(ask(name), 'get ok: d:1,c:1');
  assert.equal(ask(name, 'd'), 'invalid arguments');
  assert.equal(ask(name, 'd:1', 'c:1'), 'invalid arguments');
  assert.equal(ask(name, 'clear'), 'clear ok');
  assert.equal(ask(name), 'get ok: ');
});

test('an unstable server is shown, and gets copies again when it is forgiven', () => {
  const story = new Story(['a', 'b', 'c', 'd'], { unstableRestartsMax: 2 });
  const ask = commanded(story);
  story.createTable();
  story.advance(2_000);
  for (let crash = 0; crash < 2; crash++) {
    story.restart('d');
    story.advance(3_000);
  }
  assert.deepEqual(fields(ask('meta.forgive')), { unstable: ['d:1'], error: 'ok' });
  story.kill('c');
  story.advance(80_000);
  assert.equal(story.shape(), '2: a + b');
  assert.deepEqual(fields(ask('meta.forgive', 'x:9')), { error: 'one server that is known' });
  assert.deepEqual(fields(ask('meta.forgive', 'd:1')), { error: 'ok' });
  story.advance(5_000);
  assert.equal(story.shape(), '3: a + b d');
});

test('the white list is shown', () => {
  const open = commanded(new Story(['a']));
  assert.deepEqual(fields(open('fd.allow_list')), {
    enabled: 'false',
    allow_list: [],
    error: 'ok',
  });
  const replicaWhiteList = [
    { host: 'b', port: 2 },
    { host: 'a', port: 1 },
  ];
  const closed = commanded(new Story(['a'], { replicaWhiteList }));
  const expected = { enabled: 'true', allow_list: ['a:1', 'b:2'], error: 'ok' };
  assert.deepEqual(fields(closed('fd.allow_list')), expected);
});

test('who does not lead says who does', () => {
  const commands = metaCommands({ term: null, leader: { host: 'm', port: 1 } });
  for (const [, { answer }] of commands) {
    assert.deepEqual(fields(answer(['1'])), {
      leader: 'm:1',
      error: 'this meta server does not lead',
    });
  }
});
