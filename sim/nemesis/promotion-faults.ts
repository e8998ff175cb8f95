/**
 * F3, F11: a learner has caught up, its primary asks for its promotion, and before that is decided the learner is not
 * any more what it was.
 *
 * Left to chance this happens once in some thousand runs, because a decision takes milliseconds. Here the request is
 * held back on its way; meanwhile the learner begins another life, or its copy fails and its primary does not hear of
 * that.
 */
import type { Random } from '../../src/env/random.ts';
import { readConfigurationUpdate } from '../../src/wire/generated/internal.ts';
import { Reader } from '../../src/wire/reader.ts';
import { ConfigurationChange, InternalMessage } from '../../src/wire/schema/internal.ts';
import type { FrameFate, FrameObserver } from '../network/network.ts';
import { type ActiveFault, drawDuration, kill, running } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

const NOTHING_ELSE = (): void => {};

interface Proposal {
  readonly primary: AnyMachine;
  readonly learner: AnyMachine;
  /** `app.partition` */
  readonly partition: string;
}

/** The first promotion that is asked for. */
export function undecidedPromotion(stage: Stage, random: Random): ActiveFault | null {
  const { network, scheduler } = stage;
  const reader = new Reader();
  const heldUs = 300_000 + random.below(3_500_000);
  const isReborn = random.below(3) > 0;
  let end = NOTHING_ELSE;
  const observer: FrameObserver = (from, _, type, payload) => {
    if (type !== InternalMessage.configurationUpdate) return;
    reader.reset(payload, 0, payload.length);
    const { change, gpid, node } = readConfigurationUpdate(reader);
    if (change !== ConfigurationChange.addSecondary) return;
    const machineOf = (name: string): AnyMachine | undefined =>
      running(stage.replicas).find((machine) => machine.name === name);
    const primary = machineOf(from.name);
    const learner = machineOf(node.slice(0, node.indexOf(':')));
    if (primary === undefined || learner === undefined) return;
    stopLooking();
    const partition = `${gpid.appId}.${gpid.partitionIndex}`;
    const release = held(stage, primary, scheduler.nowUs + heldUs);
    const strike = isReborn ? begunAnew : copyFailed;
    const endStrike = strike(stage, random, { primary, learner, partition });
    end = () => {
      release();
      endStrike();
    };
  };
  const stopLooking = (): void => {
    network.observers = network.observers.filter((other) => other !== observer);
  };
  network.observers.push(observer);
  return {
    durationMs: 4000 + drawDuration(random, 2000, 8000),
    end: () => {
      stopLooking();
      end();
    },
  };
}

/** What the primary asks for arrives at that time at the earliest. */
function held(stage: Stage, primary: AnyMachine, untilUs: number): () => void {
  const rule = (from: { readonly name: string }, _: unknown, type: number): FrameFate | null => {
    const delayUs = untilUs - stage.scheduler.nowUs;
    const isHeld = type === InternalMessage.configurationUpdate && from.name === primary.name;
    return isHeld && delayUs > 0 ? { copies: 1, delayUs, echoUs: 0 } : null;
  };
  stage.network.frameRules.add(rule);
  return () => void stage.network.frameRules.delete(rule);
}

function begunAnew(stage: Stage, random: Random, { learner }: Proposal): () => void {
  const life = learner.owner.generation;
  const start = (): void => {
    if (learner.isDown) learner.start();
  };
  const downUs = 1 + random.below(500_000);
  stage.scheduler.world(random.below(20_000), 'undecidedPromotion', () => {
    if (!learner.isRunning || learner.owner.generation !== life) return;
    kill(stage, [learner]);
    stage.scheduler.world(downUs, 'undecidedPromotion', start);
  });
  return start;
}

/** It is no member yet: nobody counts on this copy. */
function copyFailed(
  { network, expectTrouble }: Stage,
  _: Random,
  { primary, learner, partition }: Proposal,
): () => void {
  const endExpectation = expectTrouble(learner, 'diskError');
  const { disk } = learner;
  const callOffs = (['append', 'sync', 'metadata'] as const).map((operation) =>
    disk.failNext(operation, 'io', `replicas/${partition}/`, 1),
  );
  const isLost = (
    from: { readonly name: string },
    to: { readonly name: string },
    type: number,
  ): boolean =>
    type === InternalMessage.groupCheckAck &&
    from.name === learner.name &&
    to.name === primary.name;
  network.frameLosses.add(isLost);
  return () => {
    for (const callOff of callOffs) callOff();
    network.frameLosses.delete(isLost);
    endExpectation();
  };
}
