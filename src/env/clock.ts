/** Time comes in through these; protocol code never reads a clock of its own. */

export interface Clock {
  /**
   * Milliseconds with fraction since some fixed instant; never goes back and goes on while the
   * machine sleeps. For every timeout and lease.
   */
  monotonicMs(): number;
  /** Milliseconds since 1970. May jump. Only for TTLs, time tags and logs. */
  wallMs(): number;
}

/** Opaque; pass it to `cancel` of the object that made it. */
export interface TimerHandle {
  readonly dueMs: number;
}

export interface Timers {
  /** Calls back once, not before `delayMs` milliseconds from now. */
  after(delayMs: number, callback: () => void): TimerHandle;
  /** Calls back every `intervalMs`; a late call is not made up for. */
  every(intervalMs: number, callback: () => void): TimerHandle;
  /** Idempotent. */
  cancel(handle: TimerHandle): void;
  /**
   * Calls back at the end of the current turn: after all input that is already there was handed out
   * and before waiting for more. Grouping of requests, log appends and socket writes hangs on it.
   */
  defer(callback: () => void): void;
}
