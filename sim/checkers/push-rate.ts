/**
 * V19, quiet: servers do not keep each other busy. A push of a configuration answers a report or tells
 * of a change, so a server that gets hundreds of them in a second for one partition is in a circle.
 */
import type { Violations } from './violations.ts';

const WINDOW_US = 1_000_000;
/** A flapping cluster comes to a few dozen. */
const PUSHES_MAX = 200;

interface Window {
  sinceUs: number;
  count: number;
}

export class PushRate {
  readonly #violations: Violations;
  readonly #windows: Map<string, Window> = new Map();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  onPush(to: string, partition: string, nowUs: number): void {
    const key = `${to} ${partition}`;
    let window = this.#windows.get(key);
    if (window === undefined || nowUs - window.sinceUs > WINDOW_US) {
      window = { sinceUs: nowUs, count: 0 };
      this.#windows.set(key, window);
    }
    window.count += 1;
    if (window.count !== PUSHES_MAX) return;
    const detail = `${to} is told of partition ${partition} ${PUSHES_MAX} times within a second`;
    this.#violations.add('V19-liveness', nowUs, detail);
  }
}
