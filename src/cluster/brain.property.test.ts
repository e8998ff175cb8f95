/**
 * Random histories: servers die, restart, lose replicas and connections, the store stalls, the meta server restarts,
 * messages come twice or late. Whatever happens
 *  - the story's referee finds ballots that grow one by one, one primary per ballot, members that are distinct, a
 *    new primary that was a member, and nothing pushed that is not durable;
 *  - whoever is made primary has everything that was ever committed;
 *  - once the trouble ends, all partitions are healthy again.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type FakeServer, Story } from '../../test/cluster/story.ts';
import { SeededRandom } from '../base/prng.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const PARTITIONS = 4;

class History {
  readonly story = new Story(NAMES, { learnStallMs: 5_000, learnRetryDelayMs: 3_000 });
  readonly random: SeededRandom;
  readonly committed: number[] = new Array(PARTITIONS).fill(0);
  readonly steps: string[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.story.createTable({ partitionCount: PARTITIONS });
    this.story.advance(3_000);
  }

  step(): void {
    const { story } = this;
    const name = NAMES[this.random.below(NAMES.length)]!;
    const server = story.server(name);
    const action = this.random.below(14);
    this.steps.push(`${action}${name}`);
    switch (action) {
      case 0:
        story.kill(name);
        break;
      case 1:
      case 2:
        if (!server.running) story.start(name);
        break;
      case 3:
        story.restart(name);
        break;
      case 4:
        server.connected = !server.connected;
        break;
      case 5:
        story.storeStalled = !story.storeStalled;
        break;
      case 6:
        if (this.random.below(4) === 0) story.restartMeta();
        break;
      case 7:
        this.#loseReplica(server);
        break;
      case 8:
        this.#removeSomebody(server);
        break;
      case 9:
        this.#repeat(server);
        break;
      case 10:
        server.teaches = !server.teaches;
        break;
      default:
        break;
    }
    for (let round = this.random.below(4); round > 0; round--) this.commitSomewhere();
    story.advance(200 * this.random.below(12));
    this.check();
  }

  commitSomewhere(): void {
    const index = this.random.below(PARTITIONS);
    const { key } = this.story.partition(index);
    for (const server of this.story.servers.values()) {
      const decree = this.story.commit(server, key);
      if (decree > 0) this.committed[index] = Math.max(this.committed[index]!, decree);
    }
  }

  check(): void {
    for (let index = 0; index < PARTITIONS; index++) {
      const partition = this.story.partition(index);
      for (const server of this.story.servers.values()) {
        const replica = server.replicas.get(partition.key);
        if (replica === undefined || replica.status !== ReplicaStatus.primary) continue;
        if (replica.ballot !== partition.ballot) continue;
        assert.ok(
          replica.prepared >= this.committed[index]!,
          `${server.id} leads ${index} with ${replica.prepared} of ${this.committed[index]}: ${this.steps.join(' ')}`,
        );
      }
    }
  }

  /** No member has its replica: more was lost than three copies can bear. Then nothing may be made up for it. */
  isLost(index: number): boolean {
    const { key, record } = this.story.partition(index);
    const servers = [...this.story.servers.values()];
    return record.seats.every(
      (seat) => servers.find((one) => one.id === seat.node)?.replicas.has(key) !== true,
    );
  }

  heal(): void {
    const { story } = this;
    story.storeStalled = false;
    story.flush();
    for (const [name, server] of story.servers) {
      server.connected = true;
      server.teaches = true;
      if (!server.running) story.start(name);
    }
    story.advance(60_000);
  }

  /** At most one copy of a partition is ever lost at a time, and only one that is known to have been there. */
  #loseReplica(server: FakeServer): void {
    const index = this.random.below(PARTITIONS);
    const partition = this.story.partition(index);
    const { seats, materialised } = partition.record;
    const copies = [...this.story.servers.values()].filter((one) => {
      const isMember = seats.some((seat) => seat.node === one.id);
      return isMember && one.replicas.has(partition.key);
    });
    if (copies.length < 2 || partition.changing) return;
    if (seats.some((seat) => !materialised.includes(seat.node))) return;
    server.replicas.delete(partition.key);
  }

  #removeSomebody(server: FakeServer): void {
    const index = this.random.below(PARTITIONS);
    const own = server.replicas.get(this.story.partition(index).key);
    if (own === undefined || own.status !== ReplicaStatus.primary || !server.running) return;
    const other = this.story.server(NAMES[this.random.below(NAMES.length)]!);
    const { removeSecondary } = ConfigurationChange;
    this.story.ask(server.id.split(':')[0]!, removeSecondary, other.id, index, own.ballot);
  }

  /** A beacon and a report once more, or of a former life. */
  #repeat(server: FakeServer): void {
    const { incarnation, sequence, reports } = server;
    server.sequence = Math.max(0, sequence - 1);
    server.reports = Math.max(0, reports - 1);
    if (this.random.below(2) === 0 && incarnation > 1) server.incarnation -= 1;
    this.story.sendBeacon(server);
    this.story.sendReport(server);
    server.incarnation = incarnation;
    server.sequence = sequence;
    server.reports = reports;
    this.story.flush();
  }
}

test('random histories keep the rules, lose nothing that was committed, and end well', () => {
  let lostCount = 0;
  for (let seed = 0; seed < 60; seed++) {
    const history = new History(seed);
    for (let step = 0; step < 60; step++) history.step();
    history.heal();
    history.check();
    for (let index = 0; index < PARTITIONS; index++) {
      const { record } = history.story.partition(index);
      const shape = history.story.shape(index);
      if (history.isLost(index)) {
        lostCount += 1;
        continue;
      }
      assert.equal(record.seats.length, 3, `seed ${seed}, partition ${index}: ${shape}`);
      assert.notEqual(record.config.primary, null);
    }
    assert.ok(
      history.committed.some((decree) => decree > 0),
      'something was committed',
    );
  }
  assert.ok(lostCount < 5, 'few histories lose all copies');
});
