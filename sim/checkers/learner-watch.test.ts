import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import {
  makeConfigurationUpdate,
  makeFileRequest,
  makeGroupCheckAck,
  makeLearnRequest,
  writeConfigurationUpdate,
  writeFileRequest,
  writeGroupCheckAck,
  writeLearnRequest,
} from '../../src/wire/generated/internal.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { payloadOf } from '../../test/support/payload.ts';
import { LearnerWatch } from './learner-watch.ts';

const PARTITION = '1.0';
const GPID = { appId: 1, partitionIndex: 0 };

/** `p` leads under ballot 2, has committed up to 10, and has invited `l` for the third time. */
class Stage {
  nowUs: number = 0;
  life: number = 1;
  readonly kinds: string[] = [];
  readonly watch: LearnerWatch = new LearnerWatch({
    nowUs: () => this.nowUs,
    lifeOf: () => this.life,
    viewOf: () => ({
      partition: PARTITION,
      status: ReplicaStatus.primary,
      ballot: 2,
      persistedBallot: 2,
      lastCommittedDecree: 10,
      lastPreparedDecree: 12,
      digestAt: () => null,
    }),
    report: (kind) => this.kinds.push(kind),
  });

  prepares(from: string, ballot: number, decree: number): void {
    const place = { partition: PARTITION, ballot, decree, lastCommittedDecree: 0 };
    const content = { previousDigest: 0, digest: decree, body: new Uint8Array() };
    this.watch.onPrepare(from, 'l', { ...place, ...content });
  }

  asks(decree: number, learnId: number = 3): void {
    const request = {
      ...makeLearnRequest(),
      gpid: GPID,
      ballot: 2,
      learnId,
      appliedDecree: decree,
    };
    const payload = payloadOf(writeLearnRequest, request);
    this.watch.onFrame('l', 'p', InternalMessage.learnRequest, payload);
  }

  acks(decree: number): void {
    this.watch.onPrepareAck('l', 'p', { partition: PARTITION, ballot: 2, decree, result: 0 });
  }

  isProposed(committed: number = 10): void {
    const wish = { gpid: GPID, ballot: 2, change: 1, node: 'l:1', lastCommittedDecree: committed };
    const payload = payloadOf(writeConfigurationUpdate, { ...makeConfigurationUpdate(), ...wish });
    this.watch.onFrame('p', 'meta', InternalMessage.configurationUpdate, payload);
  }

  fetches(): void {
    const request = { ...makeFileRequest(), gpid: GPID, learnId: 3 };
    const payload = payloadOf(writeFileRequest, request);
    this.watch.onFrame('l', 'p', InternalMessage.fileRequest, payload);
  }

  answers(committed: number, logged: number): void {
    const standing = { gpid: GPID, ballot: 2, learnId: 3, lastCommittedDecree: committed };
    const ack = { ...makeGroupCheckAck(), ...standing, lastLoggedDecree: logged };
    const payload = payloadOf(writeGroupCheckAck, ack);
    this.watch.onFrame('l', 'p', InternalMessage.groupCheckAck, payload);
  }
}

test('a learner that has all is proposed', () => {
  const stage = new Stage();
  stage.asks(8);
  stage.acks(10);
  stage.isProposed();
  assert.deepEqual(stage.kinds, []);
});

test('planted: a learner is proposed without what is committed', () => {
  const stage = new Stage();
  stage.asks(8);
  stage.acks(9);
  stage.isProposed();
  assert.deepEqual(stage.kinds, ['V10-early-promotion']);
});

test('planted: a learner is proposed without what the primary before may have committed', () => {
  const stage = new Stage();
  stage.prepares('old', 1, 11);
  stage.prepares('old', 1, 12);
  stage.asks(10);
  stage.prepares('p', 2, 11);
  stage.prepares('p', 2, 12);
  stage.acks(11);
  stage.isProposed();
  assert.deepEqual(stage.kinds, ['V10-early-promotion']);
});

test('what a primary has prepared itself, also under an older ballot, nobody else has committed', () => {
  const stage = new Stage();
  stage.prepares('p', 1, 12);
  stage.asks(10);
  stage.prepares('p', 2, 12);
  stage.acks(11);
  stage.isProposed();
  assert.deepEqual(stage.kinds, []);
});

test('planted: a learner follows an older invitation', () => {
  const stage = new Stage();
  stage.asks(8, 3);
  stage.asks(8, 2);
  assert.deepEqual(stage.kinds, ['V10-early-promotion']);
});

test('planted: a learner loses what it has acknowledged', () => {
  const stage = new Stage();
  stage.asks(8);
  stage.acks(12);
  stage.answers(10, 12);
  assert.deepEqual(stage.kinds, []);
  stage.answers(10, 11);
  assert.deepEqual(stage.kinds, ['V8-log-continuity']);
});

test('what it acknowledged is void in another life, and when it fetches a checkpoint', () => {
  const reborn = new Stage();
  reborn.asks(8);
  reborn.acks(12);
  reborn.life += 1;
  reborn.asks(8);
  reborn.answers(8, 8);
  assert.deepEqual(reborn.kinds, []);
  const fetching = new Stage();
  fetching.asks(8);
  fetching.acks(12);
  fetching.fetches();
  fetching.answers(11, 11);
  assert.deepEqual(fetching.kinds, []);
});

test('planted: a learner that is behind is in touch and asks for nothing', () => {
  const stage = new Stage();
  stage.asks(8);
  stage.acks(9);
  for (let second = 0; second < 8; second++) {
    assert.deepEqual(stage.kinds, []);
    stage.answers(9, 9);
    stage.nowUs += 1_000_000;
  }
  stage.answers(9, 9);
  assert.deepEqual(stage.kinds, ['V19-liveness']);
});

test('a learner that was out of touch, or has what is committed, need not have asked', () => {
  const silent = new Stage();
  silent.asks(8);
  silent.nowUs += 20_000_000;
  silent.answers(8, 8);
  assert.deepEqual(silent.kinds, []);
  const idle = new Stage();
  idle.asks(8);
  idle.acks(10);
  for (let second = 0; second < 20; second++) {
    idle.answers(10, 10);
    idle.nowUs += 1_000_000;
  }
  assert.deepEqual(idle.kinds, []);
});
