/**
 * All decoders under damaged input for as long as one likes:
 *
 *   npm run fuzz -- [--minutes 10] [--seed N] [--runs N] [--target TEXT]
 *
 * Prints one JSON document: runs and accepted inputs of each target, how much of what is declared was met, and
 * findings. The exit code is 1 when there is any. `--seed N --target NAME --runs R` shows a finding again, where R is
 * one more than its run.
 *
 * The campaign runs in a process of its own: a target that never comes back, or takes the process with it (there is a
 * native engine among them), is a finding as well.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { printJson, runProgram } from '../../src/bin/program.ts';
import { AllTargets } from './all-targets.ts';
import { Campaign, type Finding, type TargetReport } from './campaign.ts';
import type { Coverage } from './target.ts';

interface Settings {
  readonly minutes: number;
  readonly seed: number;
  readonly runs: number;
  readonly target: string;
}

interface Result {
  readonly targets: readonly TargetReport[];
  readonly coverage: readonly Coverage[];
  readonly findings: readonly Finding[];
}

interface Place {
  readonly target: string;
  readonly run: number;
}

type Message = { readonly at: Place } | { readonly result: Result };

const CHILD = 'PEGASUS_FUZZ_CHILD';
const MINUTE_MS = 60_000;
/** A slice of 64 runs takes milliseconds. */
const HANG_MS = 60_000;
const WATCH_MS = 1_000;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: 'Infinity' },
      target: { type: 'string', default: '' },
    },
  });
  const settings: Settings = {
    minutes: Number(values.minutes),
    seed: Number(values.seed),
    runs: Number(values.runs),
    target: values.target,
  };
  if (process.env[CHILD] === '1') {
    process.send?.({ result: await runCampaign(settings) } satisfies Message);
    process.disconnect();
    return 0;
  }
  const began = performance.now();
  const { targets, coverage, findings } = await watch(args);
  const runs = targets.reduce((sum, target) => sum + target.runs, 0);
  const accepted = targets.reduce((sum, target) => sum + target.accepted, 0);
  const seconds = Math.round((performance.now() - began) / 1000);
  const { seed } = settings;
  printJson({ fuzz: 'decoders', seed, seconds, runs, accepted, findings, coverage, targets });
  return findings.length === 0 ? 0 : 1;
}

async function runCampaign({ minutes, seed, runs, target }: Settings): Promise<Result> {
  const all = new AllTargets();
  const chosen = all.targets.filter(({ name }) => name.includes(target));
  const campaign = new Campaign(chosen, {
    seed,
    runsMax: runs,
    deadlineMs: performance.now() + minutes * MINUTE_MS,
    onSlice: (name, run) => process.send?.({ at: { target: name, run } } satisfies Message),
  });
  process.on('uncaughtException', campaign.onStray).on('unhandledRejection', campaign.onStray);
  await campaign.run();
  const result = {
    targets: campaign.reports(),
    coverage: target === '' ? all.coverage() : [],
    findings: campaign.findings,
  };
  await campaign.close();
  return result;
}

/** Runs the campaign in a child and turns its end, if it is not the orderly one, into a finding. */
function watch(args: readonly string[]): Promise<Result> {
  const child = fork(import.meta.filename, args, { env: { ...process.env, [CHILD]: '1' } });
  return new Promise((resolve) => {
    let at: Place = { target: 'none', run: 0 };
    let result: Result | null = null;
    let heardMs = performance.now();
    const timer = setInterval(() => {
      if (performance.now() - heardMs > HANG_MS) child.kill('SIGKILL');
    }, WATCH_MS);
    child.on('message', (message: Message) => {
      heardMs = performance.now();
      if ('at' in message) at = message.at;
      else result = message.result;
    });
    child.once('close', () => {
      clearInterval(timer);
      resolve(result ?? lost(child, at));
    });
  });
}

function lost(child: ChildProcess, at: Place): Result {
  const { signalCode, exitCode } = child;
  const how = signalCode === 'SIGKILL' ? 'hangs' : `ends with ${signalCode ?? exitCode}`;
  const error = `finding: the process ${how} within 64 runs of this one`;
  return { targets: [], coverage: [], findings: [{ ...at, error, inputHex: '' }] };
}

await runProgram(main);
