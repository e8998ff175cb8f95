/** Everything that takes bytes from outside, in the order in which campaigns go round. */
import { fileTargets } from './file-targets.ts';
import { httpTargets } from './http-targets.ts';
import { logTargets } from './log-target.ts';
import { SessionTargets } from './session-targets.ts';
import { storageTargets } from './storage-targets.ts';
import { StructTargets } from './struct-targets.ts';
import type { Coverage, FuzzTarget } from './target.ts';

export class AllTargets {
  readonly targets: readonly FuzzTarget[];
  readonly #structs = new StructTargets();
  readonly #sessions = new SessionTargets();

  constructor() {
    this.targets = [
      ...this.#structs.targets,
      ...this.#sessions.targets,
      ...storageTargets(),
      ...fileTargets(),
      ...logTargets(),
      ...httpTargets(),
    ];
  }

  coverage(): readonly Coverage[] {
    return [this.#structs.coverage(), ...this.#sessions.coverage()];
  }
}
