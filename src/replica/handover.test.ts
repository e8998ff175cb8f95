/** What becomes of writes while a lead is handed over. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { toNodeId } from '../model/identity.ts';
import { Handover } from './handover.ts';

const NEXT = toNodeId('b:1');

/** A primary with writes under way. */
class World {
  leading: { ballot: number; isPausing: boolean } | null = { ballot: 3, isPausing: false };
  uncommitted = 0;
  unanswered = false;
  readonly handedTo: string[] = [];
  readonly handover: Handover;

  constructor() {
    const world = this;
    const core = {
      get leading() {
        return world.leading;
      },
      state: {
        list: {
          get uncommittedCount() {
            return world.uncommitted;
          },
        },
      },
      pauseFor: (ballot: number) => {
        if (world.leading?.ballot !== ballot) return false;
        world.leading.isPausing = true;
        return true;
      },
      handOver: (to: string) => {
        world.handedTo.push(to);
        world.leading = null;
      },
    };
    this.handover = new Handover(core as never, () => this.unanswered);
  }
}

test('with nothing under way the lead is handed over at once', () => {
  const world = new World();
  world.handover.ask(3, NEXT, 0);
  assert.deepEqual(world.handedTo, [NEXT]);
  assert.equal(world.handover.isUnderWay, false);
});

test('what is under way is committed and answered before', () => {
  const world = new World();
  world.uncommitted = 1;
  world.handover.ask(3, NEXT, 0);
  world.handover.settle(10);
  world.uncommitted = 0;
  world.unanswered = true;
  world.handover.settle(20);
  assert.deepEqual(world.handedTo, []);
  assert.equal(world.leading?.isPausing, true);
  world.unanswered = false;
  world.handover.settle(30);
  assert.deepEqual(world.handedTo, [NEXT]);
});

test('a primary whose writes do not end leads on', () => {
  const world = new World();
  world.uncommitted = 1;
  world.handover.ask(3, NEXT, 0);
  world.handover.settle(501);
  assert.deepEqual(world.leading, { ballot: 3, isPausing: false });
  world.uncommitted = 0;
  world.handover.settle(502);
  assert.deepEqual(world.handedTo, []);
});

test('a new ballot ends it, and a request of an older one begins nothing', () => {
  const world = new World();
  world.uncommitted = 1;
  world.handover.ask(3, NEXT, 0);
  world.leading = { ballot: 4, isPausing: false };
  world.uncommitted = 0;
  world.handover.settle(10);
  world.handover.ask(3, NEXT, 20);
  assert.deepEqual(world.handedTo, []);
  assert.equal(world.handover.isUnderWay, false);
});
