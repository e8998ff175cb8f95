/** What an attempt to connect tells of the process at the other end, and what it does not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { ListenerProbe, type ProbeOutcome } from './listener-probe.ts';

const IGNORE = { onOpen() {}, onData() {}, onDrain() {}, onClose() {} };

async function pair(): Promise<{ world: NetworkWorld; from: WorldHost; to: WorldHost }> {
  const world = new NetworkWorld(1);
  const from = world.addHost('from');
  const to = world.addHost('to');
  await to.environment.transport.listen({ host: 'to', port: 80 }, () => IGNORE);
  return { world, from, to };
}

async function probe(world: NetworkWorld, from: WorldHost): Promise<ProbeOutcome[]> {
  const outcomes: ProbeOutcome[] = [];
  new ListenerProbe(from.environment, { host: 'to', port: 80 }, 500, (outcome) => {
    outcomes.push(outcome);
  });
  await world.run(10_000);
  return outcomes;
}

test('a process that listens accepts', async () => {
  const { world, from } = await pair();
  assert.deepEqual(await probe(world, from), ['accepted']);
});

test('the system accepts for a process that is stopped', async () => {
  const { world, from, to } = await pair();
  to.host.owner.pause();
  assert.deepEqual(await probe(world, from), ['accepted']);
});

test('the system of a process that was killed refuses', async () => {
  const { world, from, to } = await pair();
  to.host.owner.stop();
  world.network.processDied(to.host);
  assert.deepEqual(await probe(world, from), ['refused']);
});

test('a machine without power, and one behind a cut, say nothing', async () => {
  const { world, from, to } = await pair();
  world.network.cut(to.host, from.host);
  assert.deepEqual(await probe(world, from), ['nothing']);
  world.network.heal(to.host, from.host);
  to.host.owner.stop();
  to.host.isUp = false;
  world.network.hostDied(to.host);
  assert.deepEqual(await probe(world, from), ['nothing']);
});

test('who is not curious any more hears nothing', async () => {
  const { world, from } = await pair();
  const outcomes: ProbeOutcome[] = [];
  const one = new ListenerProbe(from.environment, { host: 'to', port: 80 }, 500, (outcome) => {
    outcomes.push(outcome);
  });
  one.cancel();
  one.cancel();
  await world.run(1_000);
  assert.deepEqual(outcomes, []);
});
