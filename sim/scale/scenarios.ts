/**
 * What happens to a large cluster, one after the other on the same fleet: it is made, it is left alone, all of it is
 * started anew, servers die, servers join. Each scenario says how long, in simulated time, the cluster took to come to
 * rest, and within what bound it has to.
 */
import { assert } from '../../src/base/assert.ts';
import type { Partition } from '../../src/cluster/partition.ts';
import { isHealthy } from '../../src/cluster/reports.ts';
import { intactHolding, seatState } from '../../src/cluster/seats.ts';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import type { Fleet } from './fleet.ts';
import type { FleetServer } from './fleet-server.ts';

const STEP_MS = 100;
const TABLE_PARTITIONS_MAX = 16_384;

export interface Convergence {
  readonly name: string;
  /** Infinite when the bound has passed. */
  readonly ms: number;
  readonly boundMs: number;
}

export class Scenarios {
  readonly fleet: Fleet;
  #tableCount = 0;

  constructor(fleet: Fleet) {
    this.fleet = fleet;
  }

  /** Servers that have been seen by the meta server. */
  start(serverCount: number): Convergence[] {
    this.fleet.meta.start();
    this.fleet.addServers(serverCount);
    const areKnown = (): boolean =>
      this.fleet.meta.term.brain.state.nodes.usableNodes().length === serverCount;
    return [this.#converge('all servers known', 5_000, areKnown)];
  }

  /** Tables of powers of two, the largest first. */
  createTables(partitionCount: number): Convergence[] {
    const { meta } = this.fleet;
    let left = partitionCount;
    let pending = 0;
    while (left > 0) {
      const count = Math.min(TABLE_PARTITIONS_MAX, 2 ** Math.floor(Math.log2(left)));
      left -= count;
      this.#tableCount += 1;
      pending += 1;
      const request = {
        appName: `table${this.#tableCount}`,
        partitionCount: count,
        replicaCount: 3,
        successIfExist: false,
        appType: 'pegasus',
        isStateful: true,
        envs: new Map(),
        atomicIdempotent: false,
      };
      meta.createTable(request, () => {
        pending -= 1;
      });
      this.#converge('created', 10_000, () => pending === 0);
    }
    return [this.#untilHealthy('all healthy', 20_000)];
  }

  rest(ms: number): void {
    this.fleet.timeline.run(this.fleet.nowMs() + ms);
  }

  /** Every process of the cluster dies and is started again. */
  coldStart(): Convergence[] {
    const { fleet } = this;
    fleet.killAll();
    this.rest(5_000);
    fleet.meta.start();
    for (const server of fleet.servers) server.start();
    const leads = this.#untilEach('all led', 30_000, (partition) => this.#isLed(partition));
    return [leads, this.#untilHealthy('all healthy', 300_000, leads.ms)];
  }

  /** The process of a server dies, or its whole machine goes silent; it does not come back. */
  fail(server: FleetServer, isUnreachable: boolean): Convergence[] {
    this.fleet.kill(server, isUnreachable);
    const boundMs = isUnreachable ? 10_000 : 2_000;
    const leads = this.#untilEach('all led', boundMs, (partition) => this.#isLed(partition));
    return [leads, this.#untilHealthy('all copied', 120_000, leads.ms)];
  }

  grow(serverCount: number, partitionCount: number): Convergence[] {
    const known = this.fleet.servers.length + serverCount;
    this.fleet.addServers(serverCount);
    const { nodes } = this.fleet.meta.term.brain.state;
    const alive = nodes.usableNodes().length + serverCount;
    const areKnown = (): boolean => nodes.usableNodes().length === alive;
    assert(known === this.fleet.servers.length, 'the servers were added');
    return [
      this.#converge('all servers known', 5_000, areKnown),
      ...this.createTables(partitionCount),
    ];
  }

  partitions(): Partition[] {
    const { state } = this.fleet.meta.term.brain;
    return [...state.tables()].filter((table) => table.isAvailable).flatMap((t) => t.partitions);
  }

  #isLed(partition: Partition): boolean {
    const { state } = this.fleet.meta.term.brain;
    const { primary, ballot } = partition.record.config;
    if (primary === null || partition.changing) return false;
    if (this.fleet.peer(primary)?.isRunning !== true) return false;
    const seat = partition.seatOf(primary);
    assert(seat !== undefined, 'a primary is a member');
    if (seatState(state, partition, seat) !== 'live') return false;
    const holding = intactHolding(state, partition, primary);
    return holding?.status === ReplicaStatus.primary && holding.ballot === ballot;
  }

  #untilHealthy(name: string, boundMs: number, spentMs = 0): Convergence {
    const { state } = this.fleet.meta.term.brain;
    const reached = this.#untilEach(name, boundMs, (partition) => isHealthy(state, partition));
    return { ...reached, ms: reached.ms + spentMs };
  }

  /** Looks at all partitions again only when all were well once: the looking is not what is measured. */
  #untilEach(
    name: string,
    boundMs: number,
    isWell: (partition: Partition) => boolean,
  ): Convergence {
    const partitions = this.partitions();
    let at = 0;
    return this.#converge(name, boundMs, () => {
      while (at < partitions.length && isWell(partitions[at]!)) at += 1;
      if (at < partitions.length) return false;
      at = partitions.findIndex((partition) => !isWell(partition));
      return at === -1;
    });
  }

  #converge(name: string, boundMs: number, isReached: () => boolean): Convergence {
    const { timeline } = this.fleet;
    const startMs = timeline.monotonicMs();
    for (let ms = STEP_MS; ms <= boundMs; ms += STEP_MS) {
      timeline.run(startMs + ms);
      if (isReached()) return { name, ms, boundMs };
    }
    return { name, ms: Number.POSITIVE_INFINITY, boundMs };
  }
}
