/**
 * Does one fault after the other, in rounds. Most rounds are a single fault on a healthy cluster, and
 * those are measured; the others have several at a time, or begin before the cluster has recovered.
 * After each round all is healed.
 */
import type { SeededRandom } from '../src/base/prng.ts';
import type { TableConfig } from '../src/client/api.ts';
import type { Canary } from './canary.ts';
import type { ChaosCluster, ServerNode } from './cluster.ts';
import { FAULTS, type Fault, type FaultContext } from './faults.ts';

export interface NemesisOptions {
  readonly cluster: ChaosCluster;
  readonly canary: Canary;
  readonly random: SeededRandom;
  /** As the meta server sees it now; null when it does not answer. */
  readonly tableConfig: () => Promise<TableConfig | null>;
  /** Resolves when all partitions are whole; false when that takes too long, which is reported. */
  readonly untilHealthy: () => Promise<boolean>;
  readonly onFault: (text: string) => void;
}

/** In percent of the rounds. */
const SINGLE_SHARE = 70;
const WAIT_SHARE = 80;
const TOGETHER_MAX = 3;

export class Nemesis {
  readonly counts: Record<string, number> = {};
  failovers: number = 0;
  readonly #options: NemesisOptions;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Goes on until then; a round that has begun is finished. */
  async run(untilMs: number): Promise<void> {
    const { random, untilHealthy, cluster, canary } = this.#options;
    let isHealthy = true;
    while (performance.now() < untilMs) {
      const before = isHealthy ? await this.#options.tableConfig() : null;
      const isSingle = random.below(100) < SINGLE_SHARE;
      const count = isSingle ? 1 : 2 + random.below(TOGETHER_MAX - 1);
      const measured = isSingle ? before : null;
      if (measured === null) canary.forget();
      await this.#round(this.#draw(count), measured);
      await cluster.heal();
      isHealthy = random.below(100) < WAIT_SHARE;
      if (isHealthy && !(await untilHealthy())) return;
      if (before !== null && isHealthy)
        this.#countFailovers(before, await this.#options.tableConfig());
    }
  }

  async #round(faults: readonly Fault[], before: TableConfig | null): Promise<void> {
    const { cluster, random, canary, onFault } = this.#options;
    const onHit = (outage: string, victim: ServerNode): void => {
      if (before === null) return;
      const led = before.partitions.filter(({ primary }) => primary === victim.address);
      const partitions = led.map(({ index }) => index);
      canary.onFault(outage, partitions, performance.now());
    };
    const context: FaultContext = { cluster, random, onHit };
    for (const { name } of faults) this.counts[name] = (this.counts[name] ?? 0) + 1;
    onFault(faults.map(({ name }) => name).join(' + '));
    await Promise.all(faults.map((fault) => fault.run(context)));
  }

  /** At most one of those that stop, start or pause processes: they would fight over them. */
  #draw(count: number): Fault[] {
    const faults: Fault[] = [];
    while (faults.length < count) {
      const fault = this.#drawOne();
      const isProcess = (one: Fault): boolean => /^(kill|terminate|pause)/.test(one.name);
      if (!(isProcess(fault) && faults.some(isProcess))) faults.push(fault);
    }
    return faults;
  }

  #drawOne(): Fault {
    let luck = this.#options.random.below(FAULTS.reduce((sum, { weight }) => sum + weight, 0));
    for (const fault of FAULTS) {
      luck -= fault.weight;
      if (luck < 0) return fault;
    }
    return FAULTS[0]!;
  }

  #countFailovers(before: TableConfig, after: TableConfig | null): void {
    if (after === null) return;
    for (const { index, primary } of before.partitions) {
      if (after.partitions[index]?.primary !== primary) this.failovers += 1;
    }
  }
}
