/** What the client requests of a replica need of it, and what they work with. */
import type { Lease } from '../consensus/lease.ts';
import type { ReplicaCore } from '../consensus/replica-core.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import type { Gpid } from '../model/identity.ts';
import type { ReadMeter } from '../storage/read-meter.ts';
import type { Reads } from '../storage/read-outcome.ts';
import type { WriteFamily } from '../storage/write-service.ts';
import type { RequestCounters } from './request-counters.ts';
import type { ServerLoad } from './server-load.ts';
import type { SlowReadOptions } from './slow-reads.ts';

export interface RequestHost {
  readonly core: ReplicaCore;
  readonly lease: Lease;
  readonly clock: ReplicaEnvironment['clock'];
  readonly log: { readonly isCongested: boolean; readonly isFull: boolean };
  /** Nothing is let through. */
  readonly isDeaf: boolean;
  appliedDecree(): number;
  /** As of when this replica holds all that was committed; −∞ = not known. */
  completeAsOfMs(nowMs: number): number;
  /** Calls `endTurn` when this turn ends. */
  endTurnSoon(): void;
  onEngineFailed(): void;
}

export interface RequestParts {
  readonly environment: Pick<ReplicaEnvironment, 'clock' | 'timers' | 'logger'>;
  readonly gpid: Gpid;
  readonly source: { readonly reads: Reads };
  readonly writes: WriteFamily;
  readonly meter: ReadMeter;
  readonly counters: RequestCounters;
  readonly load: ServerLoad;
  readonly options: SlowReadOptions & {
    readonly writeBytesMax: number;
    readonly mutationBytesMax: number;
  };
}
