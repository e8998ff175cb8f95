import assert from 'node:assert/strict';
import test from 'node:test';
import {
  makeBeacon,
  makeBeaconAck,
  makeConfigurationUpdate,
  makeGroupCheckAck,
  makeLearnCheckpoint,
  makeLearnRequest,
  makePrepareAck,
  writeBeacon,
  writeBeaconAck,
  writeConfigurationUpdate,
  writeGroupCheckAck,
  writeLearnCheckpoint,
  writeLearnRequest,
  writePrepareAck,
} from '../../src/wire/generated/internal.ts';
import { payloadOf } from '../../test/support/payload.ts';
import {
  readSeenBeacon,
  readSeenBeaconAck,
  readSeenLearnRequest,
  readSeenPartition,
  readSeenPrepareAck,
  readSeenStanding,
  readSeenUpdate,
} from './wire-view.ts';

const GPID = { appId: 7, partitionIndex: 3 };

test('what the checkers read off the wire is what servers write to it', () => {
  const update = {
    ...makeConfigurationUpdate(),
    gpid: GPID,
    ballot: 5,
    change: 3,
    node: 'replica2:34801',
    lastCommittedDecree: 8,
    reason: 'slow',
  };
  assert.deepEqual(readSeenUpdate(payloadOf(writeConfigurationUpdate, update)), {
    partition: '7.3',
    ballot: 5,
    change: 3,
    node: 'replica2',
    committed: 8,
  });
  const request = { ...makeLearnRequest(), gpid: GPID, ballot: 5, learnId: 2, appliedDecree: 9 };
  assert.deepEqual(readSeenLearnRequest(payloadOf(writeLearnRequest, request)), {
    partition: '7.3',
    ballot: 5,
    learnId: 2,
    decree: 9,
  });
  const ack = { ...makePrepareAck(), ...GPID, ballot: 5, decree: 6, result: 3 };
  assert.deepEqual(readSeenPrepareAck(payloadOf(writePrepareAck, ack)), {
    partition: '7.3',
    ballot: 5,
    decree: 6,
    result: 3,
  });
  const standing = {
    ...makeGroupCheckAck(),
    gpid: GPID,
    ballot: 5,
    lastCommittedDecree: 3,
    lastLoggedDecree: 4,
    learnId: 2,
  };
  assert.deepEqual(readSeenStanding(payloadOf(writeGroupCheckAck, standing)), {
    partition: '7.3',
    ballot: 5,
    committed: 3,
    logged: 4,
    learnId: 2,
  });
  const offer = { ...makeLearnCheckpoint(), gpid: GPID, fileNames: ['a'], fileSizes: [1] };
  assert.equal(readSeenPartition(payloadOf(writeLearnCheckpoint, offer)), '7.3');
});

test('an answer to a beacon grants what it says, and nothing when it is a refusal', () => {
  const address = { host: 'replica1', port: 34801 };
  const beacon = {
    ...makeBeacon(),
    nodeId: 'replica1:34801',
    incarnation: 4,
    sequence: 9,
    address,
  };
  const granted = {
    ...makeBeaconAck(),
    sequence: 9,
    incarnation: 4,
    leader: address,
    leaseMs: 5000,
  };
  const leaseOf = (allowed: boolean): number =>
    readSeenBeaconAck(payloadOf(writeBeaconAck, { ...granted, allowed })).leaseMs;
  const { incarnation, sequence } = readSeenBeacon(payloadOf(writeBeacon, beacon));
  assert.deepEqual([incarnation, sequence], [4, 9]);
  assert.deepEqual([leaseOf(true), leaseOf(false)], [5000, 0]);
});
