/** What faults act on. */

import type { TroubleKind } from '../checkers/expected-trouble.ts';
import type { SimCoordination } from '../cluster/coordination.ts';
import type { Machine, RunningProcess } from '../cluster/machine.ts';
import type { MarkBook } from '../kernel/mark-book.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { Network } from '../network/network.ts';
import type { Administrator } from '../workload/administrator.ts';
import type { Atlas } from './atlas.ts';

export type AnyMachine = Machine<RunningProcess>;

export interface Stage {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly marks: MarkBook;
  readonly metas: readonly AnyMachine[];
  /** That several meta servers share; null when there is one. */
  readonly service: SimCoordination | null;
  /** Null while nobody leads that runs. */
  readonly leadingMeta: () => AnyMachine | null;
  readonly replicas: readonly AnyMachine[];
  readonly clients: readonly AnyMachine[];
  /** Null while its process starts. */
  readonly administrator: () => Administrator | null;
  readonly replicaCount: number;
  /** No fault is active, and all members of all partitions are there and follow the newest ballot. */
  readonly isCalm: () => boolean;
  /** Whose disk may be damaged. */
  readonly atlas: Atlas;
  /** Damage that should have been found was not. */
  readonly onUndetected: (detail: string) => void;
  /** From now on the machine may complain of this, until what is returned is called. */
  readonly expectTrouble: (machine: AnyMachine, kind: TroubleKind) => () => void;
  /** Power may be cut anywhere: what is acknowledged is on disk. */
  readonly isDurable: boolean;
  /** Called before a process dies, while its state can still be seen. */
  readonly beforeDeath: (machine: AnyMachine) => void;
  readonly onWallStep: () => void;
  /** Called when a meta server's disk was replaced by an older one. */
  readonly onMetaRestored: () => void;
}

export function everyMachine(stage: Stage): AnyMachine[] {
  return [...stage.metas, ...stage.replicas, ...stage.clients];
}
