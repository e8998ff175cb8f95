/**
 * Full scans of a table, one after the other, in a process of its own: beside a load whose latencies are measured,
 * what a scanning client does with its rows must not count. Runs at the lowest priority for the same reason.
 *
 *   await using scanner = await Scanner.start(metas, 'temp', 1);
 *   …
 *   const { rows } = await scanner.stop();
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { connect } from '../../src/bin/client.ts';

export interface ScannerReport {
  readonly rows: number;
  /** That came to their end. */
  readonly scans: number;
}

export class Scanner implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when the first rows have come. */
  static async start(metas: string, table: string, scansAtOnce: number): Promise<Scanner> {
    const child = fork(import.meta.filename, [metas, table, `${scansAtOnce}`]);
    await once(child, 'message');
    return new Scanner(child);
  }

  async stop(): Promise<ScannerReport> {
    this.#child.send('stop');
    const [report] = (await once(this.#child, 'message')) as [ScannerReport];
    await once(this.#child, 'exit');
    return report;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    return Promise.resolve();
  }
}

async function scanUntilStopped(metas: string, name: string, scansAtOnce: number): Promise<void> {
  setPriority(constants.priority.PRIORITY_LOW);
  let isStopped = false;
  process.once('message', () => {
    isStopped = true;
  });
  await using client = await connect({ metas, timeoutMs: 60_000 });
  const table = client.table(name);
  let rows = 0;
  let scans = 0;
  const scan = async (): Promise<void> => {
    while (!isStopped) {
      await using reader = table.scan();
      for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
        if (rows === 0) process.send?.('running');
        rows += batch.length;
        if (isStopped) return;
      }
      scans += 1;
    }
  };
  await Promise.all(Array.from({ length: scansAtOnce }, scan));
  process.send?.({ rows, scans } satisfies ScannerReport);
  process.disconnect();
}

const [metas, table, scansAtOnce] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename && process.send !== undefined) {
  await scanUntilStopped(metas!, table!, Number(scansAtOnce));
}
