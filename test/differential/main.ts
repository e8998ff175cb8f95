/**
 * `npm run test:differential -- --operations 1000000 --seed 1`: random operations through client and cluster, every
 * answer compared with the rules of the protocol. See docs/testing.md.
 */
import { parseArgs } from 'node:util';
import { explore } from './explore.ts';

const { values: flags } = parseArgs({
  options: {
    operations: { type: 'string', default: '20000' },
    faults: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
});
const beganMs = performance.now();
const report = await explore({
  seed: Number(flags.seed),
  operations: Number(flags.operations),
  hasFaults: flags.faults,
  onProgress: (operations) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${operations} `);
  },
});
const seconds = Math.round((performance.now() - beganMs) / 100) / 10;
process.stdout.write(`${JSON.stringify({ ...report, seconds }, null, 2)}\n`);
process.exitCode = report.differences.length === 0 ? 0 : 1;
