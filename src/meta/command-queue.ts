/**
 * Commands on tables, one after the other: each looks at what the one before has made durable.
 *
 * A command that replaces records of partitions freezes its table first and waits for the changes that are under
 * way; the guardian begins no new ones meanwhile.
 */
import { assert } from '../base/assert.ts';
import type { ErrorCode } from '../base/error-names.ts';
import type { ClusterBrain, Now } from '../cluster/brain.ts';
import type { Table } from '../cluster/table.ts';
import { type CommandPlan, refused } from '../cluster/table-commands.ts';

export interface TableCommand {
  /** The table whose partitions it replaces, if any. Asked when its turn comes. */
  frozenTable(): Table | undefined;
  plan(): CommandPlan;
  /** Called once, when the plan has taken effect or was refused. */
  answer(plan: CommandPlan): void;
}

export const COMMANDS_MAX = 1_024;

export class CommandQueue {
  readonly #brain: ClusterBrain;
  readonly #now: () => Now;
  #waiting: TableCommand[] = [];
  #current: TableCommand | null = null;
  /** The current command waits for changes of this table. */
  #freezing: Table | null = null;

  constructor(brain: ClusterBrain, now: () => Now) {
    this.#brain = brain;
    this.#now = now;
  }

  /** False when too many wait already. */
  push(command: TableCommand): boolean {
    if (this.#waiting.length >= COMMANDS_MAX) return false;
    this.#waiting.push(command);
    this.#next();
    return true;
  }

  /** Something became durable: what the current command waits for may be over. */
  onProgress(): void {
    const table = this.#freezing;
    if (table === null || !this.#brain.freeze(table)) return;
    this.#freezing = null;
    this.#run(table);
    this.#next();
  }

  /** The term is over: nothing that was begun will be seen to end here. What waits was not begun. */
  close(waiting: ErrorCode, begun: ErrorCode): void {
    const notBegun = this.#waiting;
    this.#waiting = [];
    const current = this.#current;
    this.#current = null;
    this.#freezing = null;
    current?.answer(refused(begun));
    for (const command of notBegun) command.answer(refused(waiting));
  }

  #next(): void {
    while (this.#current === null) {
      const command = this.#waiting.shift();
      if (command === undefined) return;
      this.#current = command;
      const table = command.frozenTable();
      if (table === undefined || this.#brain.freeze(table)) this.#run(table);
      else this.#freezing = table;
    }
  }

  #run(table: Table | undefined): void {
    const command = this.#current;
    assert(command !== null, 'a command runs');
    const plan = command.plan();
    if (plan.records.length === 0) {
      this.#finish(command, plan, table);
      return;
    }
    this.#brain.submit(plan.records, () => {
      this.#finish(command, plan, table);
      this.#next();
    });
  }

  #finish(command: TableCommand, plan: CommandPlan, table: Table | undefined): void {
    assert(this.#current === command, 'commands end in their order');
    this.#current = null;
    if (table !== undefined) this.#brain.unfreeze(table, this.#now());
    command.answer(plan);
  }
}
