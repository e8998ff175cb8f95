/**
 * What learning may take of the network and the disks of this server, for all its replicas together: pieces of
 * checkpoints that are fetched, and mutations that are read from the log for learners. Whoever takes more than there is
 * waits, in the order of asking, so clients keep their share.
 */
import { assertAtLeast } from '../base/assert.ts';
import type { Mutation } from '../consensus/mutation.ts';
import type { Clock, Timers } from '../env/clock.ts';
import type { Decree, Gpid } from '../model/identity.ts';
import type { ReplicaHost } from './replica-host.ts';

export class Bandwidth {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #bytesPerMs = 0;
  /** When all that was asked for so far has had its time. */
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, timers: Timers, bytesPerSecondMax: number) {
    this.#clock = clock;
    this.#timers = timers;
    this.setRate(bytesPerSecondMax);
  }

  /** For what is asked for from now on. */
  setRate(bytesPerSecondMax: number): void {
    assertAtLeast(bytesPerSecondMax, 1, 'the bandwidth for learning');
    this.#bytesPerMs = bytesPerSecondMax / 1_000;
  }

  /** Bytes a second. */
  get rate(): number {
    return this.#bytesPerMs * 1_000;
  }

  /** Resolves when so much may be transferred. */
  take(byteCount: number): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + byteCount / this.#bytesPerMs;
    if (startMs <= nowMs) return Promise.resolve();
    return new Promise((resolve) => {
      this.#timers.after(startMs - nowMs, resolve);
    });
  }
}

/** What a learner lacks, from the log, when there is room for it to travel. */
export async function readForLearner(
  host: Pick<ReplicaHost, 'log' | 'coreOptions' | 'learnBandwidth'>,
  gpid: Gpid,
  fromDecree: Decree,
): Promise<Mutation[] | null> {
  const mutations = await host.log.read(gpid, fromDecree, host.coreOptions.learnBatchBytesMax);
  let bytes = 0;
  for (const { body } of mutations ?? []) bytes += body.length;
  await host.learnBandwidth.take(bytes);
  return mutations;
}
