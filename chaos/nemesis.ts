/**
 * Does one fault after the other, in rounds. Most rounds are a single fault on a healthy cluster, and
 * those are measured; the others have several at a time, or begin before the cluster has recovered.
 * After each round all is healed.
 */
import type { SeededRandom } from '../src/base/prng.ts';
import type { TableConfig } from '../src/client/api.ts';
import type { Canary } from './canary.ts';
import type { ChaosCluster, ServerNode } from './cluster.ts';
import { anyOf, type Fault, type FaultContext } from './faults.ts';

export interface NemesisOptions {
  readonly cluster: ChaosCluster;
  readonly canary: Canary;
  readonly random: SeededRandom;
  /** As the meta server sees it now; null when it does not answer. */
  readonly tableConfig: () => Promise<TableConfig | null>;
  /** Resolves when all partitions are whole; false when that takes too long, which is reported. */
  readonly untilHealthy: () => Promise<boolean>;
  /** Those that this machine allows. */
  readonly faults: readonly Fault[];
  /** 0: they agree again. */
  readonly onWallSkew: (skewMs: number) => void;
  readonly signal: AbortSignal;
  readonly onFault: (text: string) => void;
}

/** After a start or a pause, a meta server doubts so long what its journal says of servers that it has not heard. */
const META_DOUBTS_MS = 6_000;
/** In percent of the rounds. */
const SINGLE_SHARE = 70;
const WAIT_SHARE = 80;
const TOGETHER_MAX = 3;
/** Of the victims, in percent: servers that lead partitions, where it is known. */
const LEADER_SHARE = 80;

export class Nemesis {
  readonly counts: Record<string, number> = {};
  failovers: number = 0;
  readonly #options: NemesisOptions;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Goes on until then; a round that has begun is finished. */
  async run(untilMs: number): Promise<void> {
    const { random, untilHealthy, cluster, canary, signal } = this.#options;
    let isHealthy = true;
    await this.#first();
    while (performance.now() < untilMs && !signal.aborted) {
      const before = isHealthy ? await this.#options.tableConfig() : null;
      const isSingle = random.below(100) < SINGLE_SHARE;
      const count = isSingle ? 1 : 2 + random.below(TOGETHER_MAX - 1);
      const measured = isSingle ? before : null;
      if (measured === null) canary.forget();
      await this.#round(this.#draw(count), measured);
      await cluster.heal();
      this.#options.onWallSkew(0);
      isHealthy = random.below(100) < WAIT_SHARE;
      if (isHealthy && !(await untilHealthy())) return;
      if (before !== null && isHealthy)
        this.#countFailovers(before, await this.#options.tableConfig());
    }
  }

  /** The crash of a server that leads partitions, so that a short run has a failover too. */
  async #first(): Promise<void> {
    const { tableConfig, untilHealthy, cluster, faults } = this.#options;
    const before = await tableConfig();
    const crash = faults.filter(({ name }) => name === 'killReplica');
    await this.#round(crash, before, 100);
    await cluster.heal();
    if (before !== null && (await untilHealthy())) {
      this.#countFailovers(before, await tableConfig());
    }
  }

  async #round(
    faults: readonly Fault[],
    before: TableConfig | null,
    leaderShare: number = LEADER_SHARE,
  ): Promise<void> {
    const { cluster, random, canary, onFault, onWallSkew } = this.#options;
    const onHit = (outage: string, victim: ServerNode): void => {
      if (before === null) return;
      const led = before.partitions.filter(({ primary }) => primary === victim.address.advertised);
      const partitions = led.map(({ index }) => index);
      const nowMs = performance.now();
      const isSettled = nowMs - cluster.metaAwakeSinceMs > META_DOUBTS_MS;
      canary.onFault(isSettled ? outage : `${outage}UnderNewMeta`, partitions, nowMs);
    };
    const leaders = new Set(before?.partitions.map(({ primary }) => primary));
    const leading = cluster.replicas.filter(({ address }) => leaders.has(address.advertised));
    const drawReplica = (): ServerNode => {
      const isLeader = leading.length > 0 && random.below(100) < leaderShare;
      return anyOf(random, isLeader ? leading : cluster.replicas);
    };
    const context: FaultContext = { cluster, random, drawReplica, onHit, onWallSkew };
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
    const { random, faults } = this.#options;
    let luck = random.below(faults.reduce((sum, { weight }) => sum + weight, 0));
    for (const fault of faults) {
      luck -= fault.weight;
      if (luck < 0) return fault;
    }
    return faults[0]!;
  }

  #countFailovers(before: TableConfig, after: TableConfig | null): void {
    if (after === null) return;
    for (const { index, primary } of before.partitions) {
      if (after.partitions[index]?.primary !== primary) this.failovers += 1;
    }
  }
}
