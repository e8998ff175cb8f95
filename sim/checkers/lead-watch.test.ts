import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import {
  makeBeacon,
  makeBeaconAck,
  makeConfigurationUpdate,
  makeGroupCheck,
  writeBeacon,
  writeBeaconAck,
  writeConfigurationUpdate,
  writeGroupCheck,
} from '../../src/wire/generated/internal.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { payloadOf } from '../../test/support/payload.ts';
import { LeadWatch, type NewestConfiguration } from './lead-watch.ts';
import type { ReplicaView } from './observer.ts';

const PARTITION = '1.0';
const GPID = { appId: 1, partitionIndex: 0 };

/** `a` leads under ballot 1. */
class Stage {
  nowUs: number = 0;
  view: ReplicaView = {
    partition: PARTITION,
    status: ReplicaStatus.primary,
    ballot: 1,
    persistedBallot: 1,
    lastCommittedDecree: 0,
    lastPreparedDecree: 0,
    digestAt: () => null,
  };
  newest: NewestConfiguration | null = null;
  readonly kinds: string[] = [];
  readonly watch: LeadWatch = new LeadWatch({
    nowUs: () => this.nowUs,
    viewsOf: (server) => (server === 'a' ? [this.view] : []),
    newest: () => this.newest,
    report: (kind) => this.kinds.push(kind),
  });

  yields(): void {
    const update = { ...makeConfigurationUpdate(), gpid: GPID, ballot: 1, change: 3 };
    const payload = payloadOf(writeConfigurationUpdate, update);
    this.watch.onFrame('a', 'meta', InternalMessage.configurationUpdate, payload);
  }

  /** From now on `b` leads, under ballot 2. */
  succeeded(): void {
    const seen = { partition: PARTITION, ballot: 2, primary: 'b', secondaries: ['c'] };
    this.newest = { seen, sinceUs: this.nowUs };
  }

  beacon(sequence: number): void {
    const beacon = { ...makeBeacon(), nodeId: 'a:1', incarnation: 1, sequence };
    this.watch.onFrame('a', 'meta', InternalMessage.beacon, payloadOf(writeBeacon, beacon));
    this.nowUs += 1;
  }

  granted(sequence: number, leaseMs: number): void {
    const ack = { ...makeBeaconAck(), incarnation: 1, sequence, allowed: true, leaseMs };
    this.watch.onFrame('meta', 'a', InternalMessage.beaconAck, payloadOf(writeBeaconAck, ack));
  }
}

test('planted: a primary leads again under a ballot that it has given up', () => {
  const stage = new Stage();
  stage.yields();
  stage.watch.onLook('a', { ...stage.view, status: ReplicaStatus.inactive });
  stage.watch.onLook('a', { ...stage.view, ballot: 2 });
  assert.deepEqual(stage.kinds, []);
  stage.watch.onLook('a', stage.view);
  assert.deepEqual(stage.kinds, ['V4-one-primary-per-ballot']);
});

test('planted: two lead under one ballot; who has not stored it yet does not count', () => {
  const stage = new Stage();
  stage.watch.onLook('b', { ...stage.view, persistedBallot: 0 });
  stage.watch.onLook('a', stage.view);
  assert.deepEqual(stage.kinds, []);
  stage.watch.onLook('b', stage.view);
  assert.deepEqual(stage.kinds, ['V4-one-primary-per-ballot']);
});

test('planted: it leads again for a moment, between two looks', () => {
  const stage = new Stage();
  stage.yields();
  const check = payloadOf(writeGroupCheck, makeGroupCheck());
  stage.watch.onFrame('a', 'b', InternalMessage.groupCheck, check);
  assert.deepEqual(stage.kinds, ['V4-one-primary-per-ballot']);
});

test('planted: a server that still leads what another one leads since is granted a lease', () => {
  const stage = new Stage();
  stage.succeeded();
  stage.nowUs += 1;
  stage.beacon(1);
  stage.granted(1, 0);
  assert.deepEqual(stage.kinds, [], 'it is heard, no more');
  stage.granted(1, 5000);
  assert.deepEqual(stage.kinds, ['V4-one-reader']);
});

test('an answer to a beacon from before the change may have been given before the change', () => {
  const stage = new Stage();
  stage.beacon(1);
  stage.succeeded();
  stage.granted(1, 5000);
  assert.deepEqual(stage.kinds, []);
});

test('a server that follows the new primary is granted its lease', () => {
  const stage = new Stage();
  stage.succeeded();
  stage.nowUs += 1;
  stage.view = { ...stage.view, status: ReplicaStatus.secondary, ballot: 2 };
  stage.beacon(1);
  stage.granted(1, 5000);
  assert.deepEqual(stage.kinds, []);
});
