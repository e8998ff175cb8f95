/**
 * What happens around one message: its sender ends or stops right after it, or it arrives when
 * nobody waits for it any more.
 */
import type { Random } from '../../src/env/random.ts';
import type { FrameFate } from '../network/network.ts';
import { type ActiveFault, drawDuration, one, running } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

// As they stand on the wire: beacons and their answers, reports; pushes of the meta server; requests
// for changes, prepares, acks, checks and learning.
const BEACON = 2;
const BEACON_ACK = 3;
const LEARN_REQUEST = 12;
const FILE_CHUNK = 16;
const OF_META: readonly number[] = [3, 6];
const OF_REPLICA: readonly number[] = [5, 8, 8, 9, 9, 10, 11, 12, 13, 14];
const REPEATABLE: readonly number[] = [2, 3, 4, 5, 5, 5, 6, 6, 8, 9, 10, 10, 11, 12, 13, 14];

/** Strikes once, right after the victim has sent a message of that type. */
function afterFrame(
  stage: Stage,
  random: Random,
  victim: AnyMachine,
  type: number,
  strike: () => () => void,
): ActiveFault {
  const { network, scheduler } = stage;
  let isArmed = true;
  let endStrike: (() => void) | null = null;
  const observer = (from: { readonly owner: unknown }, _: unknown, seen: number): void => {
    if (!isArmed || from.owner !== victim.owner || seen !== type) return;
    isArmed = false;
    scheduler.world(0, 'afterFrame', () => {
      if (victim.isRunning && victim.process !== null) endStrike = strike();
    });
  };
  network.observers.push(observer);
  const end = (): void => {
    isArmed = false;
    network.observers = network.observers.filter((other) => other !== observer);
    endStrike?.();
  };
  return { durationMs: drawDuration(random, 2000, 10_000), end };
}

/** Between a promise and what follows from it; a third of them by a cut of power, where it is survived. */
export function killAfterFrame(stage: Stage, random: Random): ActiveFault | null {
  const victim = one(random, running(random.below(3) === 0 ? stage.metas : stage.replicas));
  if (victim === null) return null;
  const type = one(random, stage.metas.includes(victim) ? OF_META : OF_REPLICA)!;
  const losesPower = random.below(3) === 0;
  const isSupervised = random.below(2) === 0;
  const restartUs = 1 + random.below(1_000_000);
  return afterFrame(stage, random, victim, type, () => {
    // A meta server's journal is synced in every mode.
    const isHarmless = stage.metas.includes(victim) || stage.isDurable;
    stage.beforeDeath(victim);
    if (losesPower && isHarmless && !victim.disk.hasLostPages) victim.powerOff();
    else victim.kill();
    const restart = (): void => {
      if (victim.isDown) victim.start();
    };
    if (isSupervised) stage.scheduler.world(restartUs, 'supervise', restart);
    return restart;
  });
}

/** SIGTERM while an answer is on its way: to a beacon, mostly. */
export function terminateAfterFrame(stage: Stage, random: Random): ActiveFault | null {
  const victim = one(random, running(stage.replicas));
  if (victim === null) return null;
  const type = random.below(3) > 0 ? BEACON : one(random, OF_REPLICA)!;
  return afterFrame(stage, random, victim, type, () => {
    stage.beforeDeath(victim);
    let isEnded = false;
    victim.stop(() => {
      if (isEnded && victim.isDown) victim.start();
    });
    return () => {
      isEnded = true;
      if (victim.isDown) victim.start();
    };
  });
}

/** F3, F4: some messages of a few kinds come seconds late, or once more. */
export function lateFrames(stage: Stage, random: Random): ActiveFault {
  const types = new Set(
    Array.from({ length: 1 + random.below(3) }, () => one(random, REPEATABLE)!),
  );
  const oneIn = one(random, [2, 5, 20])!;
  const delayUsMax = one(random, [100_000, 1_000_000, 6_000_000, 12_000_000])!;
  const rule = (_: unknown, __: unknown, type: number): FrameFate | null => {
    if (!types.has(type) || random.below(oneIn) > 0) return null;
    const lateUs = 1 + random.below(delayUsMax);
    return random.below(2) === 0
      ? { copies: 1, delayUs: lateUs, echoUs: 0 }
      : { copies: 1, delayUs: 0, echoUs: lateUs };
  };
  stage.network.frameRules.add(rule);
  const end = (): void => void stage.network.frameRules.delete(rule);
  return { durationMs: drawDuration(random, 3000, 15_000), end };
}

/**
 * F3, F4: what a learner asks for comes once more, right away or when nobody wants it any more, or
 * so late that its copy takes longer than the attempt lasts.
 */
export function lateLearning(stage: Stage, random: Random): ActiveFault {
  const oneIn = 1 + random.below(3);
  const lateUsMax = one(random, [5000, 300_000, 3_000_000, 9_000_000])!;
  const isEchoed = random.below(2) === 0;
  const rule = (_: unknown, __: unknown, type: number): FrameFate | null => {
    if (type < LEARN_REQUEST || type > FILE_CHUNK || random.below(oneIn) > 0) return null;
    const lateUs = 1 + random.below(lateUsMax);
    return { copies: 1, delayUs: isEchoed ? 0 : lateUs, echoUs: isEchoed ? lateUs : 0 };
  };
  stage.network.frameRules.add(rule);
  const end = (): void => void stage.network.frameRules.delete(rule);
  return { durationMs: drawDuration(random, 8000, 20_000), end };
}

/**
 * F2, F6: the meta server's answers to one server come late, then nothing of that server reaches it
 * any more: what was granted last arrives when others may already lead.
 */
export function fadingMeta(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(stage.replicas));
  if (machine === null) return null;
  const { network, scheduler } = stage;
  const fate: FrameFate = { copies: 1, delayUs: 3_000_000 + random.below(2_500_000), echoUs: 0 };
  const rule = (_: unknown, to: { readonly name: string }, type: number): FrameFate | null =>
    type === BEACON_ACK && to.name === machine.name ? fate : null;
  network.frameRules.add(rule);
  const fadingMs = 2000 + random.below(3000);
  let isOver = false;
  let isCut = false;
  scheduler.world(fadingMs * 1000, 'fadingMeta', () => {
    if (isOver) return;
    isCut = true;
    for (const meta of stage.metas) network.cut(machine.host, meta.host);
  });
  const end = (): void => {
    isOver = true;
    network.frameRules.delete(rule);
    if (isCut) for (const meta of stage.metas) network.heal(machine.host, meta.host);
  };
  return { durationMs: fadingMs + 7000 + random.below(6000), end };
}
