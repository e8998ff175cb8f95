/**
 * F29 where several meta servers share a service: the service is away, slow, or without a quorum; one meta server
 * alone has lost it; and what happens to the one that leads.
 */
import type { Random } from '../../src/env/random.ts';
import type { ServiceState, SimCoordination } from '../cluster/coordination.ts';
import type { Owner } from '../kernel/owner.ts';
import {
  type ActiveFault,
  downFor,
  drawDuration,
  type Fault,
  kill,
  one,
  running,
} from './fault.ts';
import { type AnyMachine, everyMachine, type Stage } from './stage.ts';

export type SharedFaultName =
  | 'serviceAway'
  | 'serviceSlow'
  | 'serviceNoQuorum'
  | 'cutMetaFromService'
  | 'killLeader'
  | 'killLeaderAtWrite'
  | 'killAllMetas'
  | 'pauseLeader'
  | 'isolateLeader'
  | 'separateMetas';

export const SHARED_FAULTS: Readonly<Record<SharedFaultName, Fault>> = {
  serviceAway,
  serviceSlow,
  serviceNoQuorum,
  cutMetaFromService,
  killLeader,
  killLeaderAtWrite,
  killAllMetas,
  pauseLeader,
  isolateLeader,
  separateMetas,
};

export const SHARED_FAULT_NAMES: readonly SharedFaultName[] = Object.keys(
  SHARED_FAULTS,
) as SharedFaultName[];

function withState(service: SimCoordination, state: ServiceState, durationMs: number): ActiveFault {
  service.state = state;
  return { durationMs, end: () => service.heal() };
}

/** Longer than leads and leases, half of the time. */
function drawAbsence(random: Random): number {
  return drawDuration(random, 3000, 20_000);
}

function serviceAway({ service }: Stage, random: Random): ActiveFault | null {
  if (service === null || service.state !== 'serves') return null;
  return withState(service, one(random, ['refuses', 'hangs'] as const)!, drawAbsence(random));
}

function serviceNoQuorum({ service }: Stage, random: Random): ActiveFault | null {
  if (service === null || service.state !== 'serves') return null;
  return withState(service, 'noQuorum', drawAbsence(random));
}

/** Up to answers that nobody waits for any more. */
function serviceSlow({ service }: Stage, random: Random): ActiveFault | null {
  if (service === null) return null;
  const factor = one(random, [20, 200, 2000])!;
  service.slowness *= factor;
  const end = (): void => {
    service.slowness /= factor;
  };
  return { durationMs: drawDuration(random, 4000, 15_000), end };
}

function cutMetaFromService(stage: Stage, random: Random): ActiveFault | null {
  const { service } = stage;
  const machine = random.below(2) === 0 ? stage.leadingMeta() : one(random, stage.metas);
  if (service === null || machine === null) return null;
  const direction = one(random, ['asking', 'answering', 'both'] as const)!;
  return { durationMs: drawAbsence(random), end: service.cut(machine.name, direction) };
}

function killLeader(stage: Stage, random: Random): ActiveFault | null {
  const leader = stage.leadingMeta();
  if (leader === null) return null;
  kill(stage, [leader]);
  return downFor([leader], random);
}

function killAllMetas(stage: Stage, random: Random): ActiveFault | null {
  const metas = running(stage.metas);
  if (metas.length === 0) return null;
  kill(stage, metas);
  return downFor(metas, random);
}

/** In the middle of a change of many parts: there is one when a table is made. */
function killLeaderAtWrite(stage: Stage, random: Random): ActiveFault | null {
  const { service, scheduler } = stage;
  const leader = stage.leadingMeta();
  if (service === null || leader === null) return null;
  const administrator = stage.administrator();
  if (administrator?.isIdle === true && administrator.servedTables().length <= 2) {
    administrator.createTable(`side${random.below(1_000_000)}`, 4, stage.replicaCount);
  }
  let writesLeft = 1 + random.below(12);
  let isStruck = false;
  // Before the write is carried out; that its answer is lost is the same as a death after it.
  const strike = (owner: Owner): void => {
    if (owner !== leader.owner || isStruck || --writesLeft > 0) return;
    isStruck = true;
    service.strikes.delete(strike);
    scheduler.world(0, 'killLeader', () => {
      if (leader.isRunning) kill(stage, [leader]);
    });
  };
  service.strikes.add(strike);
  const end = (): void => {
    service.strikes.delete(strike);
    if (isStruck && leader.isDown) leader.start();
  };
  return { durationMs: drawDuration(random, 4000, 12_000), end };
}

function pauseLeader(stage: Stage, random: Random): ActiveFault | null {
  const leader = stage.leadingMeta();
  if (leader === null) return null;
  leader.pause();
  const life = leader.owner.generation;
  const end = (): void => {
    if (leader.isPaused && leader.owner.generation === life) leader.resume();
  };
  return { durationMs: drawDuration(random, 4000, 15_000), end };
}

function cutBetween(stage: Stage, one: AnyMachine, others: readonly AnyMachine[]): () => void {
  const { network } = stage;
  for (const { host } of others) {
    network.cut(one.host, host);
    network.cut(host, one.host);
  }
  return () => {
    for (const { host } of others) {
      network.heal(one.host, host);
      network.heal(host, one.host);
    }
  };
}

/** Two leaders, if they were not careful: some servers hear the former one only, and it hears nothing of the others. */
function isolateLeader(stage: Stage, random: Random): ActiveFault | null {
  const leader = stage.leadingMeta();
  if (leader === null || stage.service === null) return null;
  const otherMetas = stage.metas.filter((machine) => machine !== leader);
  const isFar = everyMachine(stage).filter(() => random.below(2) === 0);
  const ends = [cutBetween(stage, leader, otherMetas)];
  if (random.below(4) > 0) ends.push(stage.service.cut(leader.name, 'both'));
  for (const machine of everyMachine(stage)) {
    if (stage.metas.includes(machine)) continue;
    const cut = isFar.includes(machine) ? [leader] : otherMetas;
    ends.push(cutBetween(stage, machine, cut));
  }
  const end = (): void => {
    for (const each of ends) each();
  };
  return { durationMs: drawAbsence(random), end };
}

/** No promise arrives; the service is all they have. */
function separateMetas(stage: Stage, random: Random): ActiveFault | null {
  const [first, ...others] = stage.metas;
  if (first === undefined || others.length === 0) return null;
  const ends = [cutBetween(stage, first, others)];
  if (random.below(2) === 0) ends.push(cutBetween(stage, others[0]!, others.slice(1)));
  const end = (): void => {
    for (const each of ends) each();
  };
  return { durationMs: drawAbsence(random), end };
}
