/**
 * A few hosts on the simulated network, for tests of the rpc layer: virtual time, torn deliveries,
 * no sockets. What a host logs is kept, so that a test can claim that something was said.
 */

import { Owner } from '../../sim/kernel/owner.ts';
import { SimClock, SimTimers } from '../../sim/kernel/process.ts';
import { Scheduler } from '../../sim/kernel/scheduler.ts';
import { RandomStreams } from '../../sim/kernel/streams.ts';
import { Trace } from '../../sim/kernel/trace.ts';
import { type Host, Network } from '../../sim/network/network.ts';
import type { ClientEnvironment } from '../../src/env/environment.ts';
import type { Logger } from '../../src/env/logger.ts';

export interface WorldHost {
  readonly host: Host;
  readonly environment: ClientEnvironment;
  /** Names of the events that were logged. */
  readonly events: string[];
}

export class NetworkWorld {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly #streams: RandomStreams;
  #hosts = 0;

  constructor(seed: number) {
    this.scheduler = new Scheduler(new Trace(0), (_owner, error) => {
      throw error;
    });
    this.#streams = new RandomStreams(seed);
    this.network = new Network(this.scheduler, this.#streams.of('network'), {
      link: { latencyUs: 100, jitterUs: 20, lossFraction: 0, bytesPerUs: 100, turnUs: 10 },
      windowBytes: 64 * 1024,
      highWaterMarkBytes: 64 * 1024,
      readBytesMax: 64 * 1024,
      cutFraction: 0.3,
      probeUs: 2_000_000,
      connectTimeoutUs: 3_000_000,
    });
  }

  addHost(name: string): WorldHost {
    const owner = new Owner(this.#hosts++, name);
    const host = this.network.addHost(owner);
    owner.start();
    return this.#attach(host);
  }

  /** Kills the process of the host and starts another one. */
  restart(host: Host): WorldHost {
    host.owner.stop();
    this.network.processDied(host);
    host.owner.start();
    return this.#attach(host);
  }

  run(ms: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowUs + ms * 1000);
  }

  #attach(host: Host): WorldHost {
    const traits = { rate: 1, monotonicOffsetMs: 1000, timerLateUsMax: 0 };
    const clock = new SimClock(this.scheduler, traits);
    const random = this.#streams.of(`host ${host.name} ${host.owner.generation}`);
    const events: string[] = [];
    const note = (event: string): void => {
      events.push(event);
    };
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const timers = new SimTimers(this.scheduler, host.owner, clock, random);
    const transport = this.network.transport(host);
    return { host, environment: { clock, timers, random, transport, logger }, events };
  }
}
