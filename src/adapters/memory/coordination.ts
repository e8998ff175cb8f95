/**
 * A coordination service in memory, for tests: its clients live in one process, and everything that goes wrong
 * between a client and a real service can be made to happen.
 */
import { assert, assertAtMost } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import {
  CoordinationError,
  type CoordinationService,
  type FencedWrite,
  HEAD_ABSENT,
  type Head,
  type SharedState,
  type Standing,
  type WriteLimits,
} from '../../env/coordination.ts';
import { STATE_ENTRY_BYTES_MAX } from '../../env/state-store.ts';

export interface MemoryCoordinationOptions {
  readonly limits: WriteLimits;
  readonly leadTimeoutMs: number;
  /** From a request to its answer, or to the error when there is none. */
  readonly latencyMs: number;
}

export const DEFAULT_MEMORY_COORDINATION: MemoryCoordinationOptions = {
  limits: { changesMax: 100, bytesMax: STATE_ENTRY_BYTES_MAX },
  leadTimeoutMs: 3_000,
  latencyMs: 1,
};

/** What becomes of the next write. */
export type WriteFault =
  /** It is done, and its writer is not told. */
  | 'answerLost'
  /** It is not done, and its writer is not told. */
  | 'requestLost'
  /** Its writer hears nothing; it is done later, when `deliverLate` is called. */
  | 'late';

interface Lead {
  readonly client: CoordinationService;
  readonly candidate: string;
  untilMs: number;
}

/** Of the service itself. */
export interface CoordinationTime {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): unknown;
}

export class MemoryCoordination {
  /** Nobody is answered. */
  isDown = false;
  /** One per write from now on; none = it goes well. */
  readonly faults: WriteFault[] = [];
  writeCount = 0;
  readonly #time: CoordinationTime;
  readonly #options: MemoryCoordinationOptions;
  readonly #entries = new Map<string, Uint8Array>();
  #head: Head | null = null;
  #lead: Lead | null = null;
  #late: FencedWrite[] = [];

  constructor(
    time: CoordinationTime,
    options: MemoryCoordinationOptions = DEFAULT_MEMORY_COORDINATION,
  ) {
    this.#time = time;
    this.#options = options;
  }

  client(): CoordinationService {
    const { limits, leadTimeoutMs } = this.#options;
    const client: CoordinationService = {
      limits,
      leadTimeoutMs,
      readHead: () => this.#answer(() => this.#head),
      readAll: () => this.#answer(() => this.#readAll()),
      write: (request) => this.#write(request),
      attend: (candidate) => this.#answer(() => this.#attend(client, candidate)),
      resign: () => this.#answer(() => this.#resign(client)),
      close: async () => {},
    };
    return client;
  }

  /** What was late arrives now, and is judged as if it were new. */
  deliverLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const request of late) this.#apply(request);
  }

  #answer<T>(compute: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#time.after(this.#options.latencyMs, () => {
        if (this.isDown) reject(new CoordinationError('the service does not answer'));
        else resolve(compute());
      });
    });
  }

  async #write(request: FencedWrite): Promise<number | null> {
    const { limits } = this.#options;
    const keys = new Set([...request.puts.map((put) => put.key), ...request.removals]);
    const count = request.puts.length + request.removals.length;
    assert(keys.size === count, 'a write has each key once');
    assertAtMost(count, limits.changesMax, 'a write has few changes');
    this.writeCount += 1;
    const fault = this.faults.shift();
    if (fault === 'late') this.#late.push(request);
    const isLost = fault === 'late' || fault === 'requestLost';
    const version = await this.#answer(() => (isLost ? null : this.#apply(request)));
    if (fault !== undefined) throw new CoordinationError('the answer does not come');
    return version;
  }

  #apply(request: FencedWrite): number | null {
    const version = this.#head?.version ?? HEAD_ABSENT;
    if (version !== request.fence) return null;
    for (const { key, value } of request.puts) this.#entries.set(key, copyBytes(value));
    for (const key of request.removals) this.#entries.delete(key);
    if (request.head === null) return version;
    this.#head = { version: version + 1, value: copyBytes(request.head) };
    return version + 1;
  }

  #readAll(): SharedState {
    const entries = [...this.#entries].map(([key, value]) => ({ key, value }));
    return { head: this.#head, entries };
  }

  #attend(client: CoordinationService, candidate: string): Standing {
    const nowMs = this.#time.monotonicMs();
    const untilMs = nowMs + this.#options.leadTimeoutMs;
    if (this.#lead === null || this.#lead.untilMs <= nowMs) {
      this.#lead = { client, candidate, untilMs };
    }
    if (this.#lead.client === client) this.#lead.untilMs = untilMs;
    return { leader: this.#lead.candidate, isSelf: this.#lead.client === client };
  }

  #resign(client: CoordinationService): void {
    if (this.#lead?.client === client) this.#lead = null;
  }
}
