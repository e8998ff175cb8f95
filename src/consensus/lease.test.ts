import assert from 'node:assert/strict';
import test from 'node:test';
import { Lease } from './lease.ts';

test('a lease counts from when the beacon was sent, not from when it was answered', () => {
  const lease = new Lease(5_000);
  const sequence = lease.onBeaconSent(1_000);
  assert.equal(lease.isValid(1_001), false, 'not before the first answer');
  lease.onBeaconAcked(sequence, true, 60_000);
  assert.equal(lease.isValid(5_999), true);
  assert.equal(lease.isValid(6_000), false);
});

test('answers that overtake each other only ever extend it', () => {
  const lease = new Lease(5_000);
  const first = lease.onBeaconSent(0);
  const second = lease.onBeaconSent(1_000);
  lease.onBeaconAcked(second, true, 5_000);
  lease.onBeaconAcked(first, true, 5_000);
  assert.equal(lease.isValid(5_500), true);
});

test('an answer to a beacon of long ago, or to none, counts for nothing', () => {
  const lease = new Lease(5_000);
  const old = lease.onBeaconSent(0);
  for (let beacon = 1; beacon <= 64; beacon++) lease.onBeaconSent(beacon * 1_000);
  lease.onBeaconAcked(old, true, 5_000);
  lease.onBeaconAcked(999, true, 5_000);
  assert.equal(lease.isValid(1), false);
});

test('the meta server may grant less than was asked for, and may refuse', () => {
  const lease = new Lease(5_000);
  lease.onBeaconAcked(lease.onBeaconSent(0), true, 2_000);
  assert.equal(lease.isValid(2_000), false);
  lease.onBeaconAcked(lease.onBeaconSent(2_000), true, 5_000);
  lease.onBeaconAcked(lease.onBeaconSent(2_100), false, 5_000);
  assert.equal(lease.isValid(2_200), false);
});

test('a pause of any length ends it without anybody noticing the pause', () => {
  const lease = new Lease(5_000);
  lease.onBeaconAcked(lease.onBeaconSent(0), true, 5_000);
  assert.equal(lease.isValid(3_600_000), false);
});

test('what was granted or asked for before a forfeit is void, what is asked for later counts', () => {
  const lease = new Lease(5_000);
  lease.onBeaconAcked(lease.onBeaconSent(0), true, 5_000);
  const under = lease.onBeaconSent(1_000);
  lease.forfeit();
  assert.equal(lease.isValid(1_001), false);
  lease.onBeaconAcked(under, true, 5_000);
  assert.equal(lease.isValid(1_002), false);
  lease.onBeaconAcked(lease.onBeaconSent(1_010), true, 5_000);
  assert.equal(lease.isValid(1_020), true);
});

test('a lease that was surrendered does not come back, whatever is still on its way', () => {
  const lease = new Lease(5_000);
  const sequence = lease.onBeaconSent(0);
  lease.surrender();
  const last = lease.onBeaconSent(10);
  lease.onBeaconAcked(sequence, true, 5_000);
  lease.forfeit();
  lease.onBeaconAcked(last, true, 5_000);
  assert.equal(lease.isValid(20), false);
});

test('an answer without a lease says as well that this server is not counted out yet', () => {
  const lease = new Lease(5_000);
  assert.equal(lease.answeredUntilMs, Number.NEGATIVE_INFINITY);
  lease.onBeaconAcked(lease.onBeaconSent(1_000), true, 0);
  assert.equal(lease.answeredUntilMs, 6_000);
  assert.equal(lease.isValid(1_001), false);
  const late = lease.onBeaconSent(2_000);
  lease.onBeaconAcked(lease.onBeaconSent(3_000), true, 4_000);
  lease.onBeaconAcked(late, true, 4_000);
  assert.equal(lease.answeredUntilMs, 7_000, 'its grace may be as short as what it grants');
  lease.forfeit();
  assert.equal(lease.answeredUntilMs, Number.NEGATIVE_INFINITY);
});
