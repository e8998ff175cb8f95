/**
 * What every real coordination service has to pass: the contract of a service, the contract of a state store that is
 * kept in it, and what only real processes do. The test files of the adapters register it, and add their own.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { coordinationContract } from '../../src/adapters/coordination-contract.ts';
import {
  type CoordinationOptions,
  DEFAULT_COORDINATION_TIMEOUTS,
} from '../../src/adapters/coordination-options.ts';
import { NodeClock } from '../../src/adapters/node/clock.ts';
import { NodeTimers } from '../../src/adapters/node/timers.ts';
import type { ServiceProcess } from '../../src/adapters/service-process.ts';
import { stateStoreContract } from '../../src/adapters/state-store-contract.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import { CoordinationError, type CoordinationService } from '../../src/env/coordination.ts';
import type { Logger } from '../../src/env/logger.ts';
import { SharedStateStore } from '../../src/meta/shared-state-store.ts';
import type { HostPort } from '../../src/model/identity.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const REQUEST_TIMEOUT_MS = 10_000;
const HANGING_TIMEOUT_MS = 300;

export interface RealService {
  readonly name: string;
  /** In this folder, which is removed at the end. */
  start(folder: string): Promise<ServiceProcess>;
  client(options: CoordinationOptions): CoordinationService;
}

export class RealServiceSuite {
  readonly timers: NodeTimers = new NodeTimers(new NodeClock());
  readonly #service: RealService;
  #folder = '';
  #process: ServiceProcess | null = null;
  #rootCount = 0;
  #opened: CoordinationService[] = [];

  constructor(service: RealService) {
    this.#service = service;
  }

  get folder(): string {
    return this.#folder;
  }

  /** It runs while the tests do. */
  get process(): ServiceProcess {
    assert(this.#process !== null, 'the service is started before the tests');
    return this.#process;
  }

  /** Of nobody else. */
  newRoot(): string {
    this.#rootCount += 1;
    return `/tests/${this.#rootCount}`;
  }

  connect(root: string, options: Partial<CoordinationOptions> = {}): CoordinationService {
    const members: readonly HostPort[] = options.members ?? [this.process.address];
    const client = this.#service.client({
      ...DEFAULT_COORDINATION_TIMEOUTS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      root,
      ...options,
      members,
    });
    this.#opened.push(client);
    return client;
  }

  async closeAll(): Promise<void> {
    for (const client of this.#opened.splice(0)) await client.close();
  }

  /** On a client of its own, unless one is given. */
  openStore(
    root: string,
    options: {
      readonly service?: CoordinationService;
      readonly clusterName?: string | undefined;
    } = {},
  ): Promise<SharedStateStore> {
    const { service = this.connect(root), clusterName = 'c' } = options;
    const environment = {
      service,
      timers: this.timers,
      random: new SeededRandom(1),
      logger: SILENT,
    };
    const metaServers = ['a:1', 'b:1'];
    const identity = { clusterName, self: 'a:1', metaServers };
    return SharedStateStore.open(environment, { ...identity, retryDelayMs: 50 });
  }

  async untilTroubled(store: SharedStateStore): Promise<void> {
    while (store.trouble === null) await new Promise<void>((done) => this.timers.after(5, done));
  }

  /** Within the `describe` of the service. */
  register(): void {
    const { name } = this.#service;
    before(async () => {
      this.#folder = mkdtempSync(join(tmpdir(), 'pegasus-service-'));
      this.#process = await this.#service.start(this.#folder);
    });
    after(async () => {
      await this.process.kill();
      rmSync(this.#folder, { recursive: true });
    });
    const faults = {
      timers: this.timers,
      breakDown: () => this.process.kill(),
      repair: () => this.process.start(),
    };

    describe('as a service', () => {
      for (const { claim, run } of coordinationContract) {
        test(claim, async () => {
          const root = this.newRoot();
          await run({ ...faults, connect: () => this.connect(root) });
          await this.closeAll();
        });
      }
    });

    describe('under the shared store', () => {
      for (const { claim, run } of stateStoreContract) {
        test(claim, async () => {
          const root = this.newRoot();
          await run({ ...faults, open: (clusterName) => this.openStore(root, { clusterName }) });
          await this.closeAll();
        });
      }
    });

    test(`${name} that hangs is an error in time, and a write that reached it counts once`, async () => {
      const root = this.newRoot();
      const hurried = (): CoordinationService =>
        this.connect(root, { requestTimeoutMs: HANGING_TIMEOUT_MS });
      const store = await this.openStore(root, { service: hurried() });
      this.process.pause();
      const appended = new Promise((resolve) => {
        store.append([{ key: 'a', value: new Uint8Array([1]) }], resolve);
      });
      await this.untilTroubled(store);
      await assert.rejects(hurried().attend('a:1'), CoordinationError);
      this.process.resume();
      assert.equal(await appended, 'durable');
      const next = await this.openStore(root);
      assert.deepEqual(next.entries(), [{ key: 'a', value: new Uint8Array([1]) }]);
      await store.close();
      await next.close();
      await this.closeAll();
    });
  }
}
