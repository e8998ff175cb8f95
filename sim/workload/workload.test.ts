import assert from 'node:assert/strict';
import test from 'node:test';
import { checkLinearizable } from '../checkers/linearizability.ts';
import { expiryFault } from './expiry.ts';
import { Ledger } from './ledger.ts';
import { HistoryRecorder } from './recorder.ts';
import { valueNumber, valueText } from './text.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const rows = (...entries: [string, number][]) => ({
  rows: entries.map(([sortKey, value]) => ({
    sortKey: bytes(sortKey),
    value: bytes(valueText(value, 3)),
  })),
  complete: true,
});

test('a value carries its number through any padding', () => {
  assert.equal(valueNumber(bytes(valueText(4711, 20))), 4711);
  assert.equal(valueNumber(null), 0);
});

test('a ledger misses acknowledged rows, and finds what must not be there', () => {
  const ledger = new Ledger();
  ledger.note('h', 'kept', 1, 'acknowledged');
  ledger.note('h', 'doubt', 2, 'inDoubt');
  ledger.note('h', 'failed', 3, 'failed');
  assert.deepEqual(ledger.audit('h', rows(['kept', 1])), []);
  assert.deepEqual(ledger.audit('h', rows(['kept', 1], ['doubt', 2])), []);
  assert.match(ledger.audit('h', rows(['doubt', 2]))[0]!, /acknowledged and is gone/);
  assert.match(ledger.audit('h', rows(['kept', 9]))[0]!, /holds 9 instead of 1/);
  assert.match(ledger.audit('h', rows(['kept', 1], ['failed', 3]))[0]!, /failed for certain/);
  assert.match(ledger.audit('h', rows(['kept', 1], ['new', 4]))[0]!, /written by nobody/);
});

test('a row with a time to live is judged with the skew of the clocks and one second of rounding', () => {
  const row = { ttlSeconds: 3, invokeUs: 0, returnUs: 100_000 };
  const read = (atMs: number): { invokeUs: number; returnUs: number } => ({
    invokeUs: atMs * 1000,
    returnUs: atMs * 1000 + 1000,
  });
  assert.equal(expiryFault(row, true, read(4000), 0), null);
  assert.match(expiryFault(row, true, read(4300), 0)!, /after its expiry/);
  assert.equal(expiryFault(row, true, read(4300), 500_000), null);
  assert.match(expiryFault(row, false, read(1800), 0)!, /before its expiry/);
  assert.equal(expiryFault({ ...row, returnUs: Infinity }, false, read(1000), 0), null);
});

test('a write that failed for certain and is read all the same is a violation', () => {
  let nowUs = 0;
  const recorder = new HistoryRecorder(() => nowUs++);
  const value = recorder.nextValue();
  recorder.failedWith(recorder.begin('h', 'set', [{ row: 0, value }]), false);
  recorder.succeeded(recorder.begin('h', 'get', []), [{ row: 0, value }]);
  assert.equal(checkLinearizable(recorder.histories.get('h')!).kind, 'violation');
});
