/**
 * The way to the leader of the meta servers.
 *
 * One of the known servers is believed to lead. When it is down, silent, or says that it does not
 * lead, the next one is believed; an answer that names the leader is followed, also to a server
 * that was not in the list. After a whole round without success the operation pauses.
 */
import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { CallQueue } from '../rpc/client-call.ts';
import type { QueryCfgResponse } from '../wire/generated/meta.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import type { Engine } from './engine.ts';
import type { Operation, Route } from './operation.ts';
import { type Reaction, reactionAtMeta } from './retry-policy.ts';

/** Leaders learned from answers are added to the list up to here. */
const SERVERS_MAX = 16;

export class MetaRoute implements Route {
  readonly table = '';
  readonly waiting: CallQueue<Operation> = new CallQueue<Operation>();
  readonly #engine: Engine;
  readonly #servers: HostPort[];
  #current = 0;

  constructor(engine: Engine, servers: readonly HostPort[]) {
    assert(servers.length > 0, 'a client knows a meta server');
    this.#engine = engine;
    this.#servers = [...servers];
  }

  /** `host:port` of all that are known, for messages. */
  get servers(): string {
    return this.#servers.map(hostPortText).join(', ');
  }

  reactionTo(code: ErrorCode): Reaction {
    return reactionAtMeta(code);
  }

  dispatch(operation: Operation): void {
    const count = this.#servers.length;
    for (let offset = 0; offset < count; offset++) {
      const index = (this.#current + offset) % count;
      operation.epoch = index;
      if (operation.submitTo(this.#engine.session(this.#servers[index]!), 0, 0)) {
        this.#current = index;
        return;
      }
    }
    operation.pause();
  }

  redirect(operation: Operation): void {
    const leader =
      operation.rpc === RpcCode.queryPartitionConfig ? leaderIn(operation.peek()) : null;
    if (leader !== null) {
      this.#follow(leader);
    } else if (operation.epoch === this.#current) {
      // The first of many that fail at this server moves on; the others follow it.
      this.#current = (this.#current + 1) % this.#servers.length;
    }
    if (operation.attempts % this.#servers.length === 0) operation.pause();
    else this.dispatch(operation);
  }

  close(): void {
    for (const operation of this.waiting.snapshot()) {
      if (!operation.isWaiting) continue;
      operation.unpark();
      operation.fail('closed', ErrorCode.ok);
    }
  }

  #follow(leader: HostPort): void {
    const name = hostPortText(leader);
    const known = this.#servers.findIndex((server) => hostPortText(server) === name);
    if (known >= 0) {
      this.#current = known;
    } else if (this.#servers.length < SERVERS_MAX) {
      this.#current = this.#servers.push(leader) - 1;
    } else {
      this.#current = (this.#current + 1) % this.#servers.length;
    }
  }
}

/** The leader that an answer of a follower names in place of partitions. */
function leaderIn(result: unknown): HostPort | null {
  if (result === null) return null;
  const first = (result as QueryCfgResponse).partitions[0];
  if (first === undefined) return null;
  return first.hpPrimary ?? first.primary;
}
