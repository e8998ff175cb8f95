/**
 * Starts faults at random moments while it is on, and ends all of them when it is switched off.
 *
 * Each attempt has a number and draws all that it decides from a stream of its own: so a run can be
 * repeated with a part of its faults (`only`), and those that are left do what they did before.
 */
import type { Random } from '../../src/env/random.ts';
import type { RandomStreams } from '../kernel/streams.ts';
import type { ActiveFault } from './fault.ts';
import { FAULT_NAMES, FAULTS, type FaultName } from './faults.ts';
import { type AnyMachine, everyMachine, type Stage } from './stage.ts';
import type { Swarm } from './swarm.ts';

/** One that was started, for people and for the shrinker. */
export interface InjectedFault {
  readonly number: number;
  readonly name: FaultName;
  readonly timeUs: number;
  readonly durationMs: number;
}

/** The cluster has had its chance by then, calm or not. */
const STILL_US_MAX = 20_000_000;
/** Long enough for a server that was hit to be seen alive again, or dead. */
const CALM_US = 3_000_000;

export class Nemesis {
  readonly counts: Record<FaultName, number>;
  readonly injected: InjectedFault[] = [];
  readonly #stage: Stage;
  readonly #swarm: Swarm;
  readonly #streams: RandomStreams;
  readonly #random: Random;
  readonly #only: ReadonlySet<number> | null;
  readonly #active: Set<ActiveFault> = new Set();
  #attempts: number = 0;
  #lastEndUs: number = 0;
  /** No fault begins before the cluster is calm, or this. */
  #stillUntilUs: number = 0;
  #isOn: boolean = false;

  /** `only`: numbers of the faults to start; null = all. */
  constructor(stage: Stage, swarm: Swarm, streams: RandomStreams, only: readonly number[] | null) {
    this.#stage = stage;
    this.#swarm = swarm;
    this.#streams = streams;
    this.#random = streams.of('nemesis');
    this.#only = only === null ? null : new Set(only);
    this.counts = Object.fromEntries(FAULT_NAMES.map((name) => [name, 0])) as Record<
      FaultName,
      number
    >;
  }

  /** No fault is active, nor has one just ended. */
  get isCalm(): boolean {
    const sinceUs = this.#stage.scheduler.nowUs - this.#lastEndUs;
    return this.#active.size === 0 && sinceUs >= CALM_US;
  }

  start(): void {
    this.#isOn = true;
    for (const machine of everyMachine(this.#stage)) machine.hasSlowReads = true;
    this.#next();
  }

  /** Heals: ends what is active, lets every machine run. */
  stop(): void {
    this.#isOn = false;
    for (const fault of [...this.#active]) this.#end(fault);
    for (const machine of everyMachine(this.#stage)) this.#revive(machine);
  }

  #revive(machine: AnyMachine): void {
    machine.hasSlowReads = false;
    if (machine.isRunning && machine.hasFailedToStart) machine.kill();
    if (machine.isPaused) machine.resume();
    if (machine.isDown && !machine.isWithheld) machine.start();
  }

  #next(): void {
    const meanMs = this.#swarm.faultIntervalMsMean;
    const delayMs = -Math.log(1 - this.#random.fraction()) * meanMs;
    this.#stage.scheduler.world(delayMs * 1000, 'nemesis', () => {
      if (!this.#isOn) return;
      this.#attempts += 1;
      if (this.#mayInject(this.#attempts)) this.#inject(this.#attempts);
      this.#next();
    });
  }

  #mayInject(number: number): boolean {
    if (this.#stage.atlas.isCritical || this.#isStill()) return false;
    if (this.#only !== null) return this.#only.has(number);
    return this.#active.size < this.#swarm.faultsAtOnceMax;
  }

  #isStill(): boolean {
    if (this.#stage.scheduler.nowUs >= this.#stillUntilUs) return false;
    if (!this.#stage.isCalm()) return true;
    this.#stillUntilUs = 0;
    return false;
  }

  #inject(number: number): void {
    const { faults } = this.#swarm;
    const random = this.#streams.of(`nemesis/${number}`);
    const name = faults[random.below(faults.length)]!;
    const { scheduler } = this.#stage;
    const fault = FAULTS[name](this.#stage, random);
    if (fault === null) return;
    const { durationMs } = fault;
    this.counts[name] += 1;
    this.injected.push({ number, name, timeUs: scheduler.nowUs, durationMs });
    scheduler.trace.note(scheduler.nowUs, 'nemesis', `${number} ${name}`, `for ${durationMs} ms`);
    this.#active.add(fault);
    scheduler.world(durationMs * 1000, 'faultEnds', () => this.#end(fault));
  }

  #end(fault: ActiveFault): void {
    if (!this.#active.delete(fault)) return;
    const { nowUs } = this.#stage.scheduler;
    if (fault.leavesStill === true) {
      for (const other of [...this.#active]) this.#end(other);
      this.#stillUntilUs = nowUs + STILL_US_MAX;
    }
    this.#lastEndUs = nowUs;
    fault.end();
  }
}
