/**
 * One suite: a program on an official client, run against a cluster of its own with three replica
 * servers. The program prints one JSON document a line:
 *
 *   {"check": "before/set", "ok": true, "detail": ""}   something it looked at
 *   {"do": "kill"}      asks for a change of the cluster; a line on its standard input says: done
 *   {"end": true}       it has looked at everything
 *
 * A suite passes when exactly the checks that are listed for it were made, each once, and all are
 * well; so a program that checks nothing, or stops in the middle, fails. Tables that are there:
 * `temp`, `rows` (empty, 8 partitions) and `doomed`, which is dropped on demand. `missing` is not.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { Client } from '../../src/bin/client.ts';
import { TestOnebox } from '../support/onebox.ts';

export interface Suite {
  readonly program: string;
  /** The addresses of the meta servers follow them, with commas between them. */
  readonly args: readonly string[];
  /** Three meta servers, the first of which is killed before the program begins. */
  readonly isFirstMetaDead?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Names of all checks. */
  readonly checks: readonly string[];
}

interface Line {
  readonly check?: string;
  readonly ok?: boolean;
  readonly detail?: string;
  readonly do?: string;
  readonly end?: boolean;
  readonly crash?: string;
}

/** Checks that are made before a server is killed, and again after it has come back. */
export function beforeAndAfter(...names: readonly string[]): string[] {
  return ['before', 'after'].flatMap((phase) => names.map((name) => `${phase}/${name}`));
}

/** For a program that hangs. */
const LIMIT_MS = 300_000;
const VICTIM = 2;
const ROWS_PARTITIONS = 8;
const OUTPUT_SHOWN_MAX = 4_000;

export async function runSuite(t: TestContext, suite: Suite): Promise<void> {
  const isFirstMetaDead = suite.isFirstMetaDead === true;
  await using onebox = await TestOnebox.start({ metas: isFirstMetaDead ? 3 : 1 });
  await using client = await onebox.connect();
  await client.admin.createTable('rows', { partitionCount: ROWS_PARTITIONS });
  await client.admin.createTable('doomed');
  if (isFirstMetaDead) {
    await onebox.act('kill', 'meta', 1);
    // Until one of the others leads.
    await onebox.untilHealthy();
  }
  const run = new ProgramRun(suite, onebox, client);
  await run.untilEnd();
  t.diagnostic(`${run.passed.length} checks passed in ${run.tookMs} ms`);
  assert.deepEqual(run.failures, []);
  assert.deepEqual(run.passed.toSorted(), suite.checks.toSorted());
  assert(run.isComplete, `the program ended before its end: ${run.stderr}`);
  assert.deepEqual(onebox.complaints(), []);
}

class ProgramRun {
  readonly passed: string[] = [];
  readonly failures: string[] = [];
  isComplete = false;
  tookMs = 0;
  stderr = '';
  readonly #onebox: TestOnebox;
  readonly #client: Client;
  readonly #child: ChildProcess;
  /** Where the program may leave its logs. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'pegasus-interop-'));

  constructor(suite: Suite, onebox: TestOnebox, client: Client) {
    this.#onebox = onebox;
    this.#client = client;
    this.#child = spawn(suite.program, [...suite.args, onebox.meta], {
      cwd: this.#folder,
      env: { ...process.env, ...suite.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-OUTPUT_SHOWN_MAX);
    });
  }

  async untilEnd(): Promise<void> {
    const beganMs = performance.now();
    const exited = new Promise((resolve) => this.#child.once('close', resolve));
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), LIMIT_MS);
    try {
      for await (const text of createInterface({ input: this.#child.stdout! })) {
        // Clients may write words of their own to the same place.
        if (text.startsWith('{')) await this.#take(JSON.parse(text) as Line);
      }
      await exited;
    } finally {
      clearTimeout(timer);
      this.#child.kill('SIGKILL');
      rmSync(this.#folder, { recursive: true, force: true });
    }
    this.tookMs = Math.round(performance.now() - beganMs);
  }

  async #take(line: Line): Promise<void> {
    if (line.check !== undefined) {
      if (line.ok === true) this.passed.push(line.check);
      else this.failures.push(`${line.check}: ${line.detail?.slice(0, OUTPUT_SHOWN_MAX)}`);
    } else if (line.do !== undefined) {
      await this.#change(line.do);
      this.#child.stdin?.write('done\n');
    } else if (line.crash !== undefined) {
      this.failures.push(line.crash);
    } else {
      this.isComplete ||= line.end === true;
    }
  }

  async #change(what: string): Promise<void> {
    switch (what) {
      case 'kill':
        await this.#onebox.act('kill', 'replica', VICTIM);
        return;
      case 'start':
        await this.#onebox.act('start-node', 'replica', VICTIM);
        await this.#onebox.untilHealthy();
        return;
      case 'drop':
        await this.#client.admin.dropTable('doomed');
        return;
      default:
        throw new Error(`nobody knows how to ${what}`);
    }
  }
}
