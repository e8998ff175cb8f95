/**
 * Independent of the brain's own assertions, checks at every step of a story what must never happen:
 * it knows what was made durable and what was said to whom.
 */
import assert from 'node:assert/strict';
import type { PartitionRecord, StateRecord } from '../../src/cluster/records.ts';
import { gpidKey, type NodeId } from '../../src/model/identity.ts';
import type { ConfigurationPush } from '../../src/wire/generated/internal.ts';

/** What must hold of everything that is made durable or said. */
export class Referee {
  readonly #durable = new Map<number, PartitionRecord>();
  readonly #primaries = new Map<string, NodeId | null>();
  #mayJump = false;

  /** The durable state is an older one from now on; what was said before it was lost stays said. */
  onTimeTravel(log: readonly StateRecord[]): void {
    this.#mayJump = true;
    this.#durable.clear();
    for (const record of log) {
      if (record.kind === 'partition') this.#durable.set(gpidKey(record.config.gpid), record);
    }
  }

  onDurable(record: StateRecord): void {
    if (record.kind !== 'partition') return;
    const key = gpidKey(record.config.gpid);
    const before = this.#durable.get(key);
    const { ballot, primary, secondaries } = record.config;
    const nodes = primary === null ? [...secondaries] : [primary, ...secondaries];
    assert.equal(new Set(nodes).size, nodes.length, 'members are distinct');
    const jumps = this.#mayJump && ballot > (before?.config.ballot ?? 0) + 1;
    const isForced = record.forced?.ballot === ballot;
    // A partition that was recovered without any copy begins with what shows up.
    const isLost = before?.config.ballot === 0;
    if (before !== undefined && before.config.ballot !== ballot && !jumps && !isForced && !isLost) {
      assert.equal(ballot, before.config.ballot + 1, 'ballots grow one by one');
      const old = before.seats.map((seat) => seat.node).concat(before.dormant);
      if (primary !== null) assert.ok(old.includes(primary), 'a new primary was a member');
    }
    const slot = `${key}/${ballot}`;
    if (this.#primaries.has(slot)) {
      assert.equal(this.#primaries.get(slot), primary, 'one primary per ballot');
    }
    this.#primaries.set(slot, primary);
    this.#durable.set(key, record);
  }

  onPush(push: ConfigurationPush): void {
    const { configuration } = push;
    const durable = this.#durable.get(gpidKey(configuration.gpid as never));
    assert.ok(durable !== undefined, 'what is pushed is durable');
    assert.equal(configuration.ballot, durable.config.ballot, 'what is pushed is durable');
    assert.equal(configuration.primary, durable.config.primary ?? '', 'what is pushed is durable');
    assert.deepEqual(configuration.secondaries, durable.config.secondaries);
  }
}
