/**
 * All that a node gets from the outside, as one record built once per node by `bin/` (real) or the
 * simulator. A hundred nodes run in one process, so nothing here may be reached any other way.
 */
import type { Clock, Timers } from './clock.ts';
import type { Disk } from './disk.ts';
import type { EngineFactory } from './engine.ts';
import type { Logger } from './logger.ts';
import type { Random } from './random.ts';
import type { Transport } from './transport.ts';

/** What a client needs: no disk, no engine. */
export interface ClientEnvironment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly transport: Transport;
  readonly logger: Logger;
}

export interface MetaEnvironment extends ClientEnvironment {
  readonly disk: Disk;
}

export interface ReplicaEnvironment extends MetaEnvironment {
  readonly engines: EngineFactory;
  /**
   * Differs between two boots of the machine's operating system, and only then. Not given: it may be
   * another boot each time. What a killed process wrote survives in the same boot, synced or not.
   */
  readonly bootId?: string;
  /** Of the local time at a moment, east is positive. Not given: UTC. */
  readonly utcOffsetMinutes?: (wallMs: number) => number;
}
