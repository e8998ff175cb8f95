/**
 * F8, F9, F16: links that clog in an order of their own, readers that do not read, connections that a
 * router has forgotten, frames that claim to be huge, processes without a free descriptor.
 */
import type { Random } from '../../src/env/random.ts';
import { type ActiveFault, drawDuration, one, running } from './fault.ts';
import { everyMachine, type Stage } from './stage.ts';

/** Swizzle-clog: one server after the other falls silent, and they come back in another order. */
export function swizzleClog(stage: Stage, random: Random): ActiveFault | null {
  const victims = shuffled([...stage.metas, ...stage.replicas], random);
  victims.length = 1 + random.below(victims.length);
  const { network, scheduler } = stage;
  const cuts: (() => void)[] = [];
  const stepUs = 1 + random.below(2_000_000);
  let isOver = false;
  const clogNext = (): void => {
    const victim = victims.pop();
    if (victim === undefined || isOver) return;
    const pairs = everyMachine(stage).filter((other) => other !== victim);
    for (const other of pairs) {
      network.cut(victim.host, other.host);
      network.cut(other.host, victim.host);
    }
    cuts.push(() => {
      for (const other of pairs) {
        network.heal(victim.host, other.host);
        network.heal(other.host, victim.host);
      }
    });
    scheduler.world(1 + random.below(stepUs), 'clog', clogNext);
  };
  clogNext();
  const end = (): void => {
    isOver = true;
    const order = shuffled(cuts, random);
    // At the heal of the run the rest follows at once; else one by one.
    for (const [index, heal] of order.entries()) {
      if (index === 0) heal();
      else scheduler.world(index * (1 + random.below(stepUs)), 'unclog', heal);
    }
  };
  return { durationMs: drawDuration(random, 3000, 12_000), end };
}

/** A process that is too busy to read one of its sockets: bytes pile up at the other side. */
export function slowReader(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(everyMachine(stage)));
  if (machine === null) return null;
  const connection = stage.network.connectionOf(machine.host, random);
  if (connection === null) return null;
  connection.slowReader(true);
  const end = (): void => connection.slowReader(false);
  return { durationMs: drawDuration(random, 1000, 12_000), end };
}

/** A router forgets a connection: neither side hears anything until one of them is told. */
export function silentConnection(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(everyMachine(stage)));
  if (machine === null) return null;
  const connection = stage.network.connectionOf(machine.host, random);
  if (connection === null) return null;
  const { peer } = connection;
  connection.silence();
  const end = (): void => {
    connection.fail('reset');
    peer?.fail('reset');
  };
  return { durationMs: drawDuration(random, 2000, 15_000), end };
}

/** Headers of the client protocol, versions 0 and 1, that announce more than anybody may send. */
export function giantFrame(stage: Stage, random: Random): ActiveFault | null {
  const target = one(random, running([...stage.metas, ...stage.replicas]));
  const source = one(random, running(stage.clients));
  if (target === null || source === null) return null;
  const port = one(random, [...target.host.listeners.keys()]);
  if (port === null) return null;
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x5448_4654);
  const version = random.below(2);
  view.setUint32(4, version);
  view.setUint32(8, version === 0 ? 48 : 16);
  view.setUint32(version === 0 ? 16 : 12, 0x7fff_ffff - random.below(1000));
  const done = (): void => {};
  const ignore = { onOpen: done, onData: done, onDrain: done, onClose: done };
  const address = { host: target.name, port };
  const connection = stage.network.transport(source.host).connect(address, ignore);
  connection.write(bytes);
  return { durationMs: drawDuration(random, 50, 5000), end: () => connection.destroy() };
}

/** Too many open files: what is connected stays, nothing new can be opened. */
export function noDescriptors(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running([...stage.metas, ...stage.replicas]));
  if (machine === null) return null;
  machine.host.descriptorShortages += 1;
  const end = (): void => {
    machine.host.descriptorShortages -= 1;
  };
  return { durationMs: drawDuration(random, 2000, 12_000), end };
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  const order = [...all];
  for (let index = order.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}
