/**
 * A machine of the simulated world: host, disk, clocks, and the process that runs on it.
 *
 *   kill      SIGKILL: the process is gone with everything it knew; the operating system lives and keeps what was
 *   written. power off the machine is gone: un-synced bytes and folder entries are lost or torn, and peers hear
 *   nothing. pause     SIGSTOP: nothing is delivered; what comes meanwhile is delivered late. stop      SIGTERM: the
 *   server closes by itself.
 *
 * Every start is a new life with a new environment; the disk is what they have in common.
 */

import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../../src/adapters/memory/engine.ts';
import { assert } from '../../src/base/assert.ts';
import type { TimerHandle, Timers } from '../../src/env/clock.ts';
import {
  type Engine,
  type EngineFactory,
  EngineStatus,
  type SstWriter,
} from '../../src/env/engine.ts';
import type { ReplicaEnvironment } from '../../src/env/environment.ts';
import type { Random } from '../../src/env/random.ts';
import { Owner } from '../kernel/owner.ts';
import { type ClockTraits, SimClock, SimLogger, SimTimers } from '../kernel/process.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { RandomStreams } from '../kernel/streams.ts';
import type { Host, Network } from '../network/network.ts';
import { Life, LifeDisk, LifeTransport } from './life.ts';

/** What runs on a machine, once it is up. */
export interface RunningProcess {
  close(): Promise<void>;
}

export type Boot<P extends RunningProcess> = (environment: ReplicaEnvironment) => Promise<P>;

export interface MachineTraits {
  readonly clock: ClockTraits;
  readonly syncMsMean: number;
  /** Chance that a synchronous engine call answers wouldBlock. */
  readonly blockFraction: number;
  /** Of the reads that an engine waits for. */
  readonly slowReadFraction: number;
}

export interface MachineEvents {
  /** An engine of the machine took over a batch. */
  onBatchApplied(machine: string, enginePath: string, batch: Uint8Array): void;
  /** The process has just come up; nothing has reached it since. */
  onStarted(machine: string): void;
  onErrorLog(machine: string, event: string, text: string): void;
  onStartFailed(machine: string, error: unknown): void;
}

/** However slow a disk is: what is under way when it is healed still has to end soon. */
const DISK_LATENCY_MS_MAX = 5000;

interface World {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly streams: RandomStreams;
  readonly events: MachineEvents;
}

/** Of a block of rows that an engine has to fetch. */
const READ_BYTES = 4096;
/** A sector that the drive has to try again and again. */
const SLOW_READ_MS_MEAN = 2000;
const SLOW_READ_MS_MAX = 20_000;

export class Machine<P extends RunningProcess> {
  readonly name: string;
  readonly owner: Owner;
  readonly host: Host;
  readonly disk: MemoryDisk;
  readonly clock: SimClock;
  readonly traits: MachineTraits;
  /** The process, when its start is complete. */
  process: P | null = null;
  /** Of the present life. */
  engines: ObservedEngines | null = null;
  /** Not part of the cluster: not yet, or not any more. Nobody starts it. */
  isWithheld: boolean = false;
  /** Multiplies the latency of the disk. */
  diskSlowness: number = 1;
  /** Some are, from the start of the nemesis to the heal. */
  hasSlowReads: boolean = false;
  /** Its log was damaged once, and may complain of it for as long as that part is kept. */
  hasDamagedLog: boolean = false;
  /** The last start came to nothing; the process has ended. */
  hasFailedToStart: boolean = false;
  readonly #world: World;
  readonly #boot: Boot<P>;
  readonly #random: Random;
  /** Some operating systems tell processes in which boot they are. */
  readonly #tellsBoots: boolean;
  #bootCount: number = 1;
  #timers: SimTimers | null = null;

  constructor(name: string, index: number, world: World, traits: MachineTraits, boot: Boot<P>) {
    this.name = name;
    this.owner = new Owner(index, name);
    this.host = world.network.addHost(this.owner);
    this.traits = traits;
    this.#world = world;
    this.#boot = boot;
    this.#random = world.streams.of(`${name}/machine`);
    this.#tellsBoots = world.streams.of(`${name}/boots`).below(4) > 0;
    this.clock = new SimClock(world.scheduler, traits.clock);
    this.disk = new MemoryDisk({ timers: new PresentTimers(() => this.timers) });
    this.disk.latencyMs = (operation, bytes) => {
      if (operation === 'metadata') return 0;
      const meanMs = operation === 'sync' ? traits.syncMsMean : 0.02 + bytes / 500_000;
      const latencyMs = -Math.log(1 - this.#random.fraction()) * meanMs * this.diskSlowness;
      return Math.min(latencyMs, DISK_LATENCY_MS_MAX);
    };
  }

  get isRunning(): boolean {
    return this.owner.state === 'running';
  }

  get isPaused(): boolean {
    return this.owner.state === 'paused';
  }

  get isDown(): boolean {
    return this.owner.state === 'stopped';
  }

  get timers(): SimTimers {
    assert(this.#timers !== null, 'a machine has timers while its process lives');
    return this.#timers;
  }

  start(): void {
    const { scheduler } = this.#world;
    this.host.isUp = true;
    this.hasFailedToStart = false;
    this.owner.start();
    const life = this.owner.generation;
    const environment = this.#environment(new Life(this.owner));
    scheduler.schedule(0, this.owner, 'boot', false, () => void this.#run(environment, life));
  }

  kill(): void {
    this.#end();
    this.#world.network.processDied(this.host);
    this.disk.kill();
  }

  powerOff(): void {
    this.#end();
    this.#bootCount += 1;
    this.host.isUp = false;
    this.#world.network.hostDied(this.host);
    this.disk.crash(this.#random);
  }

  pause(): void {
    this.owner.pause();
  }

  resume(): void {
    this.#world.scheduler.resume(this.owner, this.#random.below(2) === 0);
  }

  /** SIGTERM; the process is gone when the promise resolves, unless it was killed before. */
  stop(onStopped: () => void): void {
    const { process } = this;
    assert(process !== null, 'only a process that is up is asked to stop');
    const life = this.owner.generation;
    this.process = null;
    this.#world.scheduler.schedule(0, this.owner, 'terminate', false, () => {
      void process.close().then(() => {
        if (this.owner.generation !== life) return;
        this.kill();
        onStopped();
      });
    });
  }

  #readMs(): number {
    const isSlow = this.#random.fraction() < this.traits.slowReadFraction;
    if (!isSlow || !this.hasSlowReads) {
      return this.disk.latencyMs('read', READ_BYTES);
    }
    const slowMs = -Math.log(1 - this.#random.fraction()) * SLOW_READ_MS_MEAN;
    return Math.min(slowMs, SLOW_READ_MS_MAX);
  }

  #end(): void {
    this.process = null;
    this.engines = null;
    this.owner.stop();
  }

  async #run(environment: ReplicaEnvironment, life: number): Promise<void> {
    try {
      const process = await this.#boot(environment);
      if (this.owner.generation !== life) return;
      this.process = process;
      this.#world.events.onStarted(this.name);
    } catch (error) {
      if (this.owner.generation !== life) return;
      this.hasFailedToStart = true;
      this.#world.events.onStartFailed(this.name, error);
    }
  }

  #environment(life: Life): ReplicaEnvironment {
    const { scheduler, network, streams, events } = this.#world;
    const timers = new SimTimers(scheduler, this.owner, this.clock, this.#random);
    this.#timers = timers;
    const disk = new LifeDisk(life, this.disk);
    const { blockFraction } = this.traits;
    const engines = new ObservedEngines(
      (isObserved) => {
        const mayBlock = (): boolean =>
          blockFraction > 0 && !isObserved() && this.#random.fraction() < blockFraction;
        const readMs = (): number => this.#readMs();
        return new MemoryEngineFactory({ disk, timers, clock: this.clock, mayBlock, readMs });
      },
      (path, batch) => {
        if (!life.isOver) events.onBatchApplied(this.name, path, batch);
      },
    );
    this.engines = engines;
    const logger = new SimLogger(scheduler, this.owner, (owner, event, text) => {
      events.onErrorLog(owner.name, event, text);
    });
    return {
      clock: this.clock,
      timers,
      random: streams.of(`${this.name}/process/${life.generation}`),
      transport: new LifeTransport(life, network.transport(this.host)),
      logger,
      disk,
      engines,
      ...(this.#tellsBoots ? { bootId: `${this.name}/${this.#bootCount}` } : {}),
    };
  }
}

/** The disk outlives processes, its completions do not: they go to whoever lives now. */
class PresentTimers implements Timers {
  readonly #present: () => Timers;

  constructor(present: () => Timers) {
    this.#present = present;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    return this.#present().after(delayMs, callback);
  }

  every(intervalMs: number, callback: () => void): TimerHandle {
    return this.#present().every(intervalMs, callback);
  }

  cancel(handle: TimerHandle): void {
    this.#present().cancel(handle);
  }

  defer(callback: () => void): void {
    this.#present().defer(callback);
  }
}

/** Remembers which engines are open and tells of each batch, so that the checkers can look into them. */
export class ObservedEngines implements EngineFactory {
  readonly #inner: EngineFactory;
  readonly #onApplied: (path: string, batch: Uint8Array) => void;
  readonly #open: Map<string, Engine> = new Map();
  #isObserved: boolean = false;

  constructor(
    make: (isObserved: () => boolean) => EngineFactory,
    onApplied: (path: string, batch: Uint8Array) => void,
  ) {
    this.#inner = make(() => this.#isObserved);
    this.#onApplied = onApplied;
  }

  async open(path: string): Promise<Engine> {
    const engine = await this.#inner.open(path);
    this.#open.set(path, engine);
    this.#listen(engine, path);
    const close = engine.close.bind(engine);
    engine.close = (options) => {
      if (this.#open.get(path) === engine) this.#open.delete(path);
      return close(options);
    };
    return engine;
  }

  destroy(path: string): Promise<void> {
    return this.#inner.destroy(path);
  }

  createSstWriter(path: string): Promise<SstWriter> {
    return this.#inner.createSstWriter(path);
  }

  /** Calls back with each engine of a replica; synchronous engine calls never block meanwhile. */
  observe(partition: string, look: (engine: Engine) => void): boolean {
    const engine = this.#find(partition);
    if (engine === null) return false;
    this.#isObserved = true;
    try {
      look(engine);
    } finally {
      this.#isObserved = false;
    }
    return true;
  }

  #listen(engine: Engine, path: string): void {
    const write = engine.write.bind(engine);
    const writeLater = engine.writeLater.bind(engine);
    engine.write = (batch) => {
      const status = write(batch);
      if (status === EngineStatus.ok) this.#onApplied(path, batch);
      return status;
    };
    engine.writeLater = (batch, done) => {
      writeLater(batch, (status) => {
        if (status === EngineStatus.ok) this.#onApplied(path, batch);
        done(status);
      });
    };
  }

  #find(partition: string): Engine | null {
    for (const [path, engine] of this.#open) {
      if (path.endsWith(`replicas/${partition}/engine`)) return engine;
    }
    return null;
  }
}
