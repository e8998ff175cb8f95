import assert from 'node:assert/strict';
import test from 'node:test';
import { PinoLogger } from './logger.ts';

test('a line is one JSON object with event, level, bindings and fields; levels below are left out', () => {
  const lines: string[] = [];
  const logger = new PinoLogger({
    level: 'info',
    bindings: { node: 'replica-1' },
    destination: { write: (line: string) => void lines.push(line) },
  });
  logger.debug('log.replayed', { records: 3 });
  logger.warn('log.torn_tail', { segment: 7, bytes: 512 });
  logger.error('log.failed');
  const parsed = lines.map((line) => JSON.parse(line) as { time: string; event: string });
  assert.equal(parsed.length, 2);
  const { time, ...rest } = parsed[0]!;
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(rest, {
    level: 'warn',
    node: 'replica-1',
    event: 'log.torn_tail',
    segment: 7,
    bytes: 512,
  });
  assert.equal(parsed[1]?.event, 'log.failed');
});
