/**
 * Random lives of a log, each ended by a loss of power or a kill, against a model that is just the
 * list of what was appended.
 *
 * After each end the log must give back one unbroken piece of that list: it begins no later than
 * the first record that a holder needs, and reaches at least to the last durable acknowledgement
 * (after a kill: to the last one of any kind).
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { LogWorld, Partition } from '../../../test/log/log-world.ts';
import { DIGEST_NONE, type Mutation } from '../../consensus/mutation.ts';
import type { Decree } from '../../model/identity.ts';
import { gpidText } from '../../model/identity.ts';

interface Appended {
  /** As the log replays it. Mutations are told apart by their timestamp, which only grows. */
  readonly line: string;
  readonly partition: ModelPartition;
  /** For truncations and resets: the decree to go on after. */
  readonly decree: number;
  readonly digest: number;
}

class Model {
  appended: Appended[] = [];
  clockUs = 0;
  /** How many of them must be there after a loss of power, and after a kill. */
  durable = 0;
  acked = 0;
  readonly partitions: readonly ModelPartition[];

  constructor() {
    this.partitions = [0, 1, 2, 3].map((index) => new ModelPartition(this, index));
  }
}

class ModelPartition extends Partition {
  readonly model: Model;
  floor = 0;
  /** Of the last reset: the state that it came with holds this. */
  base = 0;
  /** Acknowledgements to come: of which of the appended records, and whether durable. */
  awaited: { index: number; durable: boolean }[] = [];

  constructor(model: Model, index: number) {
    super(1, index);
    this.model = model;
  }

  override onLogAppended(...args: Parameters<Partition['onLogAppended']>): void {
    super.onLogAppended(...args);
    const { index, durable } = this.awaited.shift()!;
    this.model.acked = Math.max(this.model.acked, index + 1);
    if (durable) this.model.durable = Math.max(this.model.durable, index + 1);
  }
}

function lineOf(mutation: Mutation): string {
  const { gpid, decree, ballot, timestampUs, digest } = mutation;
  return `${gpidText(gpid)}:${decree}/${ballot} ${timestampUs} ${digest}`;
}

function appendMutation(world: LogWorld, model: Model, partition: ModelPartition): void {
  const { random } = world;
  const durable = random.below(3) === 0;
  const uncommitted = partition.decree - partition.floor;
  if (uncommitted > 0 && random.below(12) === 0) {
    partition.ballot += 1;
    partition.goBack(partition.decree - random.below(uncommitted));
  }
  const bytes = random.below(20) === 0 ? 3_000 : 8 + random.below(300);
  model.clockUs += 1;
  const mutation = partition.make(bytes, random.below(256), model.clockUs);
  const line = lineOf(mutation);
  const { decree, digest } = mutation;
  partition.awaited.push({ index: model.appended.length, durable });
  model.appended.push({ line, partition, decree, digest });
  assert.equal(world.log.append(mutation, partition, durable), true);
}

function appendControl(world: LogWorld, model: Model, partition: ModelPartition): void {
  const { random } = world;
  const text = gpidText(partition.gpid);
  if (random.below(3) > 0) {
    const decree = partition.decree - random.below(partition.decree - partition.floor + 1);
    model.appended.push({
      line: `${text}<=${decree}`,
      partition,
      decree,
      digest: partition.digests[decree]!,
    });
    world.log.appendTruncated(partition.gpid, decree as Decree, random.below(2) === 0);
    partition.goBack(decree);
  } else {
    const decree = partition.decree + random.below(5);
    const digest = random.below(0x7fff_ffff);
    model.appended.push({ line: `${text}=${decree}`, partition, decree, digest });
    world.log.appendReset(partition.gpid, decree as Decree, random.below(2) === 0);
    partition.base = decree;
    partition.decree = decree;
    partition.digests[decree] = digest;
  }
}

async function checkRead(world: LogWorld, partition: ModelPartition): Promise<void> {
  // What is under way may change the history that the read is compared with.
  if (world.log.pendingBytes > 0 || partition.decree <= partition.floor) return;
  const from = (partition.floor + 1) as Decree;
  const found = await world.time.run(world.log.read(partition.gpid, from, 1e9));
  if (found === null) return;
  for (const mutation of found) {
    assert.equal(mutation.digest, partition.digests[mutation.decree]);
  }
}

async function live(world: LogWorld, model: Model): Promise<void> {
  const { random } = world;
  world.disk.latencyMs = (operation) =>
    operation === 'sync' ? random.below(8) : random.below(4) === 0 ? 1 : 0;
  const steps = random.below(120);
  for (let step = 0; step < steps; step++) {
    const partition = model.partitions[random.below(model.partitions.length)]!;
    const choice = random.below(20);
    if (choice < 12) appendMutation(world, model, partition);
    else if (choice === 12) appendControl(world, model, partition);
    else if (choice === 13) await checkRead(world, partition);
    else if (choice === 14) holdSome(world, partition);
    else if (choice === 15) await world.time.advance(1_200);
    else await world.time.advance(random.below(6));
  }
}

/** Moves the floor up to a decree that was acknowledged: what a checkpoint may hold. */
function holdSome(world: LogWorld, partition: ModelPartition): void {
  const room = partition.awaited.length > 0 ? 0 : partition.decree - partition.floor;
  if (room > 0) partition.floor += world.random.below(room + 1);
  world.log.hold(partition.gpid, 'checkpoint', partition.floor as Decree);
}

/** Takes over what the log gave back as the truth, and checks that it may be. */
function reconcile(model: Model, lines: readonly string[], reached: number): void {
  const start = findPiece(model.appended, lines, reached);
  const end = start + lines.length;
  assert.ok(start >= 0, 'it is no unbroken piece of what was appended');
  assert.ok(end >= reached, `it ends at ${end} before ${reached}, which was acknowledged`);
  checkFreed(model.appended.slice(0, start), model.appended.slice(start, end));
  model.appended.length = end;
  model.durable = end;
  model.acked = end;
  for (const partition of model.partitions) {
    partition.awaited = [];
    partition.decree = 0;
    partition.digests[0] = DIGEST_NONE;
  }
  for (const { partition, decree, digest } of model.appended) {
    partition.decree = decree;
    partition.digests[decree] = digest;
    partition.digests.length = decree + 1;
  }
}

/** What went was not needed by a holder, or taken back or made void by what is still there. */
function checkFreed(freed: readonly Appended[], kept: readonly Appended[]): void {
  for (const [index, { line, partition, decree }] of freed.entries()) {
    if (decree <= partition.floor || !line.includes(':')) continue;
    const later = [...freed.slice(index + 1), ...kept].filter(
      (entry) => entry.partition === partition,
    );
    const isVoid = later.some((entry) => /\d=\d/.test(entry.line) || entry.decree <= decree);
    assert.ok(isVoid, `${line} went although it is needed above ${partition.floor}`);
  }
}

/**
 * Where `piece` begins in what was appended; −1 if it is nowhere. An empty one is as late as it has
 * to be.
 */
function findPiece(all: readonly Appended[], piece: readonly string[], reached: number): number {
  if (piece.length === 0) return reached;
  for (let start = all.length - piece.length; start >= 0; start--) {
    if (piece.every((line, index) => all[start + index]!.line === line)) return start;
  }
  return -1;
}

test('after any crash the log gives back an unbroken piece that holds all that it must', async () => {
  let records = 0;
  let cuts = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const world = new LogWorld(seed, { segmentBytesMax: 4_000, blockBytesMax: 2_000 });
    const model = new Model();
    await world.replay();
    for (let life = 0; life < 5; life++) {
      await live(world, model);
      const isPowerLoss = world.random.below(3) > 0;
      const reached = isPowerLoss ? model.durable : model.acked;
      const before = model.appended.length;
      if (isPowerLoss) world.crash();
      else world.kill();
      world.disk.latencyMs = () => 0;
      const { report, lines } = await world.replay(lineOf);
      assert.deepEqual(report.damages, [], `seed ${seed} life ${life}`);
      reconcile(model, lines, reached);
      for (const partition of model.partitions) {
        assert.equal(
          report.isSuspect(partition.gpid, Math.max(partition.floor, partition.base)),
          false,
        );
        partition.floor = Math.min(partition.floor, partition.decree);
        world.log.hold(partition.gpid, 'checkpoint', partition.floor as Decree);
      }
      records += lines.length;
      if (model.appended.length < before) cuts += 1;
    }
  }
  assert.ok(records > 20_000, `enough was replayed: ${records}`);
  assert.ok(cuts > 100, `enough was lost: ${cuts}`);
});
