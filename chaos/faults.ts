/**
 * What can be done to the cluster. Each fault draws its victims from the seed, does its damage, and
 * resolves when its time is over; what it leaves behind (a stopped process, a cut link) is undone
 * by `ChaosCluster.heal`. Names are those of the simulator (docs/testing.md).
 */
import type { SeededRandom } from '../src/base/prng.ts';
import { type ChaosCluster, pauseMs, type ServerNode } from './cluster.ts';
import type { DiskTrouble } from './fault-library.ts';

export interface FaultContext {
  readonly cluster: ChaosCluster;
  readonly random: SeededRandom;
  /** A replica server, mostly one that leads partitions. */
  readonly drawReplica: () => ServerNode;
  /** At the moment of the damage: what the victim leads is out of service from now on. */
  readonly onHit: (outage: string, victim: ServerNode) => void;
  /** From now on until the heal, wall clocks differ by so much. */
  readonly onWallSkew: (skewMs: number) => void;
}

export interface Fault {
  readonly name: string;
  readonly weight: number;
  /** Only with the fault-injecting library. */
  readonly needsLibrary?: boolean;
  run(context: FaultContext): Promise<void>;
}

const LEASE_MS = 5_000;
const GRACE_MS = 6_000;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 3 * GRACE_MS;
const DOWN_MS_MAX = 10_000;
const CUT_MS_MIN = 500;
const CUT_MS_MAX = 15_000;
const WALL_STEP_MS_MAX = 60_000;

export const FAULTS: readonly Fault[] = [
  {
    name: 'killReplica',
    weight: 6,
    run: async ({ cluster, random, drawReplica, onHit }) => {
      const victim = drawReplica();
      onHit('crash', victim);
      await cluster.kill(victim);
      await pauseMs(between(random, 100, DOWN_MS_MAX));
      await cluster.startNode(victim);
    },
  },
  {
    name: 'killMeta',
    weight: 2,
    run: async ({ cluster, random }) => {
      await cluster.kill(cluster.meta);
      await pauseMs(between(random, 100, DOWN_MS_MAX));
      await cluster.startNode(cluster.meta);
    },
  },
  {
    name: 'killAllReplicas',
    weight: 1,
    run: async ({ cluster, random }) => {
      await Promise.all(cluster.replicas.map((node) => cluster.kill(node)));
      await pauseMs(between(random, 100, 2_000));
      await Promise.all(cluster.replicas.map((node) => cluster.startNode(node)));
    },
  },
  {
    name: 'terminate',
    weight: 2,
    run: async ({ cluster, random, onHit }) => {
      const victim = anyOf(random, cluster.nodes);
      if (victim.kind === 'replica') onHit('terminate', victim);
      await cluster.terminate(victim);
      await pauseMs(between(random, 100, DOWN_MS_MAX));
      await cluster.startNode(victim);
    },
  },
  {
    name: 'pauseReplica',
    weight: 5,
    run: async ({ cluster, random, drawReplica, onHit }) => {
      const victim = drawReplica();
      const isLong = random.below(2) === 0;
      const durationMs = isLong
        ? between(random, GRACE_MS, PAUSE_MS_MAX)
        : between(random, PAUSE_MS_MIN, LEASE_MS);
      onHit(isLong ? 'pause' : 'shortPause', victim);
      cluster.pause(victim);
      await pauseMs(durationMs);
      cluster.resume(victim);
    },
  },
  {
    name: 'pauseMeta',
    weight: 1,
    run: async ({ cluster, random }) => {
      cluster.pause(cluster.meta);
      await pauseMs(between(random, PAUSE_MS_MIN, PAUSE_MS_MAX));
      cluster.resume(cluster.meta);
    },
  },
  cutting('isolateReplica', 3, 'partition', ({ cluster }, victim) => {
    for (const name of othersOf(cluster, victim)) cluster.cutBoth(victim.name, name);
  }),
  cutting('deafReplica', 2, 'partition', ({ cluster }, victim) => {
    for (const name of othersOf(cluster, victim)) cluster.network.cut(name, victim.name);
  }),
  cutting('muteReplica', 2, 'partition', ({ cluster }, victim) => {
    for (const name of othersOf(cluster, victim)) cluster.network.cut(victim.name, name);
  }),
  cutting('cutReplicaFromMeta', 2, 'metaPartition', ({ cluster }, victim) => {
    cluster.cutBoth(victim.name, cluster.meta.name);
  }),
  cutting('cutReplicaPair', 3, 'pairPartition', ({ cluster, random }, victim) => {
    const others = cluster.replicas.filter((node) => node !== victim);
    cluster.cutBoth(victim.name, anyOf(random, others).name);
  }),
  cutting('cutClientFromReplica', 1, null, ({ cluster }, victim) => {
    cluster.cutBoth(victim.name, 'client');
  }),
  cutting('slowLink', 2, null, ({ cluster, random }, victim) => {
    for (const name of othersOf(cluster, victim)) {
      cluster.network.delay(victim.name, name, between(random, 1, 300));
    }
  }),
  troubling('slowSync', 2, null, (random) => ({ slowMs: between(random, 10, 2_000) })),
  troubling('failedSync', 2, 'failedSync', () => ({ syncError: 'EIO' })),
  troubling('failedWrite', 1, 'failedWrite', () => ({ writeError: 'EIO' })),
  {
    name: 'diskFull',
    weight: 2,
    // Not where it has a file system of its own.
    needsLibrary: true,
    run: async ({ cluster, random, drawReplica, onHit }) => {
      const victim = drawReplica();
      onHit('diskFull', victim);
      cluster.fillDisk(victim);
      await pauseMs(between(random, CUT_MS_MIN, CUT_MS_MAX));
    },
  },
  troubling('wallClockStep', 2, null, (random) => {
    const stepMs = between(random, 500, WALL_STEP_MS_MAX);
    return { wallOffsetMs: random.below(2) === 0 ? stepMs : -stepMs };
  }),
  {
    name: 'resetConnection',
    weight: 1,
    run: async ({ cluster, random }) => {
      cluster.network.reset(anyOf(random, cluster.nodes).name);
      await pauseMs(CUT_MS_MIN);
    },
  },
];

/** Bad until the heal, which follows when the round is over. */
function troubling(
  name: string,
  weight: number,
  outage: string | null,
  draw: (random: SeededRandom) => DiskTrouble,
): Fault {
  return {
    name,
    weight,
    needsLibrary: true,
    run: async ({ cluster, random, drawReplica, onHit, onWallSkew }) => {
      const victim = drawReplica();
      const durationMs = between(random, CUT_MS_MIN, CUT_MS_MAX);
      const trouble = draw(random);
      if (outage !== null) onHit(outage, victim);
      if (trouble.wallOffsetMs !== undefined) onWallSkew(Math.abs(trouble.wallOffsetMs));
      cluster.trouble(victim, trouble);
      await pauseMs(durationMs);
    },
  };
}

function cutting(
  name: string,
  weight: number,
  outage: string | null,
  cut: (context: FaultContext, victim: ServerNode) => void,
): Fault {
  return {
    name,
    weight,
    run: async (context) => {
      const victim = context.drawReplica();
      const durationMs = between(context.random, CUT_MS_MIN, CUT_MS_MAX);
      if (outage !== null) context.onHit(outage, victim);
      cut(context, victim);
      await pauseMs(durationMs);
    },
  };
}

function othersOf(cluster: ChaosCluster, victim: ServerNode): string[] {
  const servers = cluster.nodes.filter((node) => node !== victim).map((node) => node.name);
  return [...servers, 'client'];
}

export function anyOf<T>(random: SeededRandom, items: readonly T[]): T {
  return items[random.below(items.length)]!;
}

/** Mostly short, now and then long. */
function between(random: SeededRandom, lowMs: number, highMs: number): number {
  const span = random.fraction();
  return Math.round(lowMs * (highMs / lowMs) ** span);
}
