/**
 * Starts faults at random moments while it is on, and ends all of them when it is switched off.
 */
import type { Random } from '../../src/env/random.ts';
import { type ActiveFault, FAULT_NAMES, FAULTS, type FaultName } from './faults.ts';
import { type AnyMachine, everyMachine, type Stage } from './stage.ts';
import type { Swarm } from './swarm.ts';

export class Nemesis {
  readonly counts: Record<FaultName, number>;
  readonly #stage: Stage;
  readonly #swarm: Swarm;
  readonly #random: Random;
  readonly #active: Set<ActiveFault> = new Set();
  #isOn: boolean = false;

  constructor(stage: Stage, swarm: Swarm, random: Random) {
    this.#stage = stage;
    this.#swarm = swarm;
    this.#random = random;
    this.counts = Object.fromEntries(FAULT_NAMES.map((name) => [name, 0])) as Record<
      FaultName,
      number
    >;
  }

  start(): void {
    this.#isOn = true;
    this.#next();
  }

  /** Heals: ends what is active, lets every machine run. */
  stop(): void {
    this.#isOn = false;
    for (const fault of [...this.#active]) this.#end(fault);
    for (const machine of everyMachine(this.#stage)) this.#revive(machine);
  }

  #revive(machine: AnyMachine): void {
    if (machine.isPaused) machine.resume();
    if (machine.isDown) machine.start();
  }

  #next(): void {
    const meanMs = this.#swarm.faultIntervalMsMean;
    const delayMs = -Math.log(1 - this.#random.fraction()) * meanMs;
    this.#stage.scheduler.world(delayMs * 1000, 'nemesis', () => {
      if (!this.#isOn) return;
      if (this.#active.size < this.#swarm.faultsAtOnceMax) this.#inject();
      this.#next();
    });
  }

  #inject(): void {
    const { faults } = this.#swarm;
    const name = faults[this.#random.below(faults.length)]!;
    const { scheduler } = this.#stage;
    const fault = FAULTS[name](this.#stage, this.#random);
    if (fault === null) return;
    this.counts[name] += 1;
    scheduler.trace.note(scheduler.nowUs, 'nemesis', name, `for ${fault.durationMs} ms`);
    this.#active.add(fault);
    scheduler.world(fault.durationMs * 1000, 'faultEnds', () => this.#end(fault));
  }

  #end(fault: ActiveFault): void {
    if (!this.#active.delete(fault)) return;
    fault.end();
  }
}
