/**
 * One recovery from replica servers at a time (cluster/recovery.ts): asks the servers that are named what they hold,
 * waits until each has answered or the time is over, and hands what was heard to the commands of the term.
 *
 * The question is repeated, and only answers to this attempt and of the present life of a server count.
 */
import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import type { ClusterBrain } from '../cluster/brain.ts';
import { encodeRecord } from '../cluster/records.ts';
import {
  type HeldReplica,
  type Inventory,
  planRecovery,
  type RecoveryRequest,
} from '../cluster/recovery.ts';
import { type CommandPlan, refused } from '../cluster/table-commands.ts';
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';
import type { Logger } from '../env/logger.ts';
import { STATE_APPEND_BYTES_MAX } from '../env/state-store.ts';
import { configurationFromWire, tableFromWire } from '../model/configuration-wire.ts';
import type { NodeId } from '../model/identity.ts';
import type { InventoryAnswer, InventoryRequest } from '../wire/generated/internal.ts';
import { WireError } from '../wire/types.ts';
import type { CommandQueue } from './command-queue.ts';
import { entryBytes } from './state-entries.ts';

export interface RecoveryParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly brain: ClusterBrain;
  readonly commands: CommandQueue;
  readonly epoch: number;
  /** How long a server that is named may take to show up and to answer. */
  readonly waitMs: number;
  readonly ask: (node: NodeId, request: InventoryRequest) => void;
}

export interface NamedRecovery extends RecoveryRequest {
  readonly nodes: readonly NodeId[];
}

const REPEAT_MS = 500;

interface Run {
  readonly request: NamedRecovery;
  readonly attempt: number;
  readonly deadlineMs: number;
  readonly inventories: Map<NodeId, Inventory>;
  readonly answer: (plan: CommandPlan) => void;
}

export class RecoveryRun {
  readonly #parts: RecoveryParts;
  #run: Run | null = null;
  #attempts = 0;
  #timer: TimerHandle | null = null;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  start(request: NamedRecovery, answer: (plan: CommandPlan) => void): void {
    const { brain, clock, timers, waitMs } = this.#parts;
    if (this.#run !== null || brain.state.hasTables) {
      answer({
        ...refused(ErrorCode.serviceAlreadyRunning),
        hint: 'the meta server knows tables already, or recovers them: only an empty one is recovered',
      });
      return;
    }
    if (request.nodes.length === 0) {
      answer({ ...refused(ErrorCode.invalidParameters), hint: 'name the replica servers' });
      return;
    }
    this.#attempts += 1;
    const deadlineMs = clock.monotonicMs() + waitMs;
    const inventories = new Map<NodeId, Inventory>();
    this.#run = { request, attempt: this.#attempts, deadlineMs, inventories, answer };
    this.#timer = timers.every(REPEAT_MS, () => this.#ask());
    this.#ask();
  }

  onAnswer(from: NodeId, message: InventoryAnswer): void {
    const run = this.#run;
    const node = this.#parts.brain.state.nodes.get(from);
    if (run === null || message.attempt !== run.attempt) return;
    if (node?.usable !== true || node.incarnation !== message.incarnation) return;
    if (!run.request.nodes.includes(from)) return;
    const replicas = heldFrom(message);
    if (replicas === null) return;
    run.inventories.set(from, { node: from, incarnation: message.incarnation, replicas });
    if (this.#unheard(run).length === 0) this.#plan(run);
  }

  /** The term is over: nothing was begun, or it will be answered as a command. */
  close(): void {
    const run = this.#stop();
    run?.answer(refused(ErrorCode.forwardToOthers));
  }

  #ask(): void {
    const run = this.#run;
    assert(run !== null, 'a recovery is under way');
    const { clock, brain, epoch, ask } = this.#parts;
    if (clock.monotonicMs() >= run.deadlineMs) {
      this.#plan(run);
      return;
    }
    for (const node of this.#unheard(run)) {
      if (brain.state.nodes.get(node)?.usable !== true) continue;
      ask(node, { metaEpoch: epoch, attempt: run.attempt });
    }
  }

  /** Named ones whose present life has not answered. */
  #unheard({ request, inventories }: Run): NodeId[] {
    const { nodes } = this.#parts.brain.state;
    return request.nodes.filter((id) => {
      const node = nodes.get(id);
      return node?.usable !== true || inventories.get(id)?.incarnation !== node.incarnation;
    });
  }

  #plan(run: Run): void {
    this.#stop();
    const { brain, commands, logger } = this.#parts;
    const { request, inventories, answer } = run;
    const accepted = commands.push({
      frozenTable: () => undefined,
      plan: () => {
        const unheard = this.#unheard(run);
        const heard = [...inventories.values()].filter(({ node }) => !unheard.includes(node));
        // Who is alive and was not named may know more than those that were.
        const unnamed = brain.state.nodes
          .usableNodes()
          .map(({ id }) => id)
          .filter((id) => !request.nodes.includes(id));
        const plan = planRecovery(brain.state, heard, [...unheard, ...unnamed], request);
        const { code, hint, records } = plan;
        logger.warn('meta.recovery', { code, hint, records: records.length });
        return sizeOf(plan) <= STATE_APPEND_BYTES_MAX ? plan : TOO_LARGE;
      },
      answer,
    });
    if (!accepted) answer(refused(ErrorCode.busy));
  }

  #stop(): Run | null {
    if (this.#timer !== null) this.#parts.timers.cancel(this.#timer);
    this.#timer = null;
    const run = this.#run;
    this.#run = null;
    return run;
  }
}

const TOO_LARGE: CommandPlan = {
  ...refused(ErrorCode.capacityExceeded),
  hint: 'there is more than a state store takes at once',
};

function sizeOf({ records }: CommandPlan): number {
  return records.reduce((sum, record) => sum + entryBytes(encodeRecord(record)), 0);
}

/** Null when the answer breaks a rule. */
function heldFrom(message: InventoryAnswer): HeldReplica[] | null {
  try {
    const tables = message.tables.map(tableFromWire);
    return message.replicas.map(({ state, configuration, tableAt }) => {
      if (tableAt < 0) return { state, config: null, table: null };
      const table = tables[tableAt];
      const config = configurationFromWire(configuration);
      const isFitting =
        table?.appId === state.gpid.appId &&
        config.gpid.appId === state.gpid.appId &&
        config.gpid.partitionIndex === state.gpid.partitionIndex &&
        config.gpid.partitionIndex < table.partitionCount;
      if (!isFitting) throw new WireError('badValue', 'a replica and its table do not fit');
      return { state, config, table };
    });
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
