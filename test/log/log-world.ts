/** A mutation log on a memory disk in virtual time, with partitions that write to it, for the tests of the log. */
import assert from 'node:assert/strict';
import { VirtualTime } from '../../src/adapters/memory/clock.ts';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import { DIGEST_NONE, Mutation, sealDigest } from '../../src/consensus/mutation.ts';
import type { DiskError } from '../../src/env/disk.ts';
import type { Ballot, Decree, Gpid } from '../../src/model/identity.ts';
import { gpidOf, gpidText } from '../../src/model/identity.ts';
import {
  type LogEnvironment,
  type LogOptions,
  type LogOwner,
  type LogRecoveryReport,
  MutationLog,
} from '../../src/storage/log/mutation-log.ts';

export const DIRECTORY = 'data/log';

/** One replica: makes mutations that chain, and remembers what it was told. */
export class Partition implements LogOwner {
  readonly gpid: Gpid;
  ballot = 1;
  decree = 0;
  /** Digest after each decree. */
  readonly digests: number[] = [DIGEST_NONE];
  readonly acked: { mutation: Mutation; ballot: number }[] = [];
  readonly failures: DiskError[] = [];
  #waiting: { count: number; resolve: () => void }[] = [];

  constructor(appId: number, partitionIndex: number) {
    this.gpid = gpidOf(appId, partitionIndex);
  }

  make(
    bodyBytes: number = 20,
    fill: number = this.decree + 1,
    timestampUs: number = 1_001 + this.decree,
  ): Mutation {
    const previous = this.digests[this.decree]!;
    this.decree += 1;
    const body = new Uint8Array(bodyBytes).fill(fill & 0xff);
    const digest = sealDigest(previous, this.decree, body);
    this.digests[this.decree] = digest;
    this.digests.length = this.decree + 1;
    return new Mutation(
      this.gpid,
      this.ballot as Ballot,
      this.decree as Decree,
      (this.decree - 1) as Decree,
      timestampUs,
      previous,
      digest,
      body,
    );
  }

  /** The next mutation will follow `decree`. */
  goBack(decree: number): void {
    this.decree = decree;
  }

  onLogAppended(mutation: Mutation, ballot: Ballot): void {
    this.acked.push({ mutation, ballot });
    for (const waiter of this.#waiting) if (this.acked.length >= waiter.count) waiter.resolve();
    this.#waiting = this.#waiting.filter((waiter) => this.acked.length < waiter.count);
  }

  onLogFailed(error: DiskError): void {
    this.failures.push(error);
  }

  untilAcked(count: number): Promise<void> {
    if (this.acked.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
    });
  }
}

export interface Replayed {
  readonly report: LogRecoveryReport;
  readonly mutations: Mutation[];
  /** Those among them that no reset follows. */
  readonly valid: Mutation[];
  /** `gpid:decree/ballot`, `gpid<=decree` for a truncation, `gpid=decree` for a reset. */
  readonly lines: string[];
}

export class LogWorld {
  readonly time: VirtualTime = new VirtualTime();
  readonly disk: MemoryDisk = new MemoryDisk({ timers: this.time });
  readonly random: SeededRandom;
  readonly options: Partial<LogOptions>;
  readonly failures: DiskError[] = [];
  readonly events: string[] = [];
  log: MutationLog;

  constructor(seed: number = 1, options: Partial<LogOptions> = {}) {
    this.random = new SeededRandom(seed);
    this.options = { onFailed: (error) => this.failures.push(error), ...options };
    this.log = this.#make();
  }

  get environment(): LogEnvironment {
    const note = (event: string): void => {
      this.events.push(event);
    };
    return {
      disk: this.disk,
      timers: this.time,
      clock: this.time,
      random: this.random,
      logger: { debug: note, info: note, warn: note, error: note },
    };
  }

  async replay(
    lineOf: (mutation: Mutation) => string = (mutation) =>
      `${gpidText(mutation.gpid)}:${mutation.decree}/${mutation.ballot}`,
  ): Promise<Replayed> {
    const mutations: Mutation[] = [];
    const valid: Mutation[] = [];
    const lines: string[] = [];
    const report = await this.time.run(
      this.log.replay({
        onMutation: (mutation, isVoid) => {
          mutations.push(mutation);
          if (!isVoid) valid.push(mutation);
          lines.push(lineOf(mutation));
        },
        onTruncated: (gpid, decree) => lines.push(`${gpidText(gpid)}<=${decree}`),
        onReset: (gpid, decree) => lines.push(`${gpidText(gpid)}=${decree}`),
      }),
    );
    return { report, mutations, valid, lines };
  }

  /** Appends in one turn and waits for the last acknowledgement. */
  async append(partition: Partition, count: number, durable: boolean, bytes = 20): Promise<void> {
    const target = partition.acked.length + count;
    for (let index = 0; index < count; index++) {
      assert.equal(this.log.append(partition.make(bytes), partition, durable), true);
    }
    await this.time.run(partition.untilAcked(target));
  }

  /** Power is lost; the next life has a log that is yet to be replayed. */
  crash(): void {
    this.disk.crash(this.random);
    this.#forget();
  }

  /** The process dies and the machine lives. */
  kill(): void {
    this.disk.kill();
    this.#forget();
  }

  async restart(): Promise<Replayed> {
    await this.time.run(this.log.close());
    this.log = this.#make();
    return await this.replay();
  }

  /** Files of the log folder. */
  async files(): Promise<{ name: string; size: number }[]> {
    return [...(await this.time.run(this.disk.list(DIRECTORY)))];
  }

  async segmentFiles(): Promise<{ path: string; size: number }[]> {
    return (await this.files())
      .filter(({ name }) => name.endsWith('.log'))
      .map(({ name, size }) => ({ path: `${DIRECTORY}/${name}`, size }));
  }

  #forget(): void {
    this.time.drop();
    this.log = this.#make();
  }

  #make(): MutationLog {
    return new MutationLog(this.environment, DIRECTORY, this.options);
  }
}
