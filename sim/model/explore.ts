/**
 * The model's command: explores scopes and prints one report as JSON.
 *
 *     node --import tsx sim/model/explore.ts [--scope NAME | --deep] [--bug NAME]
 *
 * Without arguments: all scopes that are not deep. The exit code is 1 when anything was found, or a scope could not be
 * explored to its end.
 */
import { parseArgs } from 'node:util';
import { BUGS } from './bugs.ts';
import { SCOPES, type Scope } from './scopes.ts';
import { type SearchResult, search } from './search.ts';
import { Stage } from './stage.ts';

export interface ScopeReport extends SearchResult {
  readonly scope: string;
  readonly what: string;
  readonly seconds: number;
}

export function exploreScope(scope: Scope, bugName: string | null): ScopeReport {
  const makeBug = bugName === null ? undefined : BUGS[bugName];
  if (bugName !== null && makeBug === undefined) throw new RangeError(`no such bug: ${bugName}`);
  const startedMs = performance.now();
  const result = search(new Stage(scope.pace, makeBug?.()), scope.bounds);
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  return { scope: scope.name, what: scope.what, seconds, ...result };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      scope: { type: 'string' },
      deep: { type: 'boolean', default: false },
      bug: { type: 'string' },
    },
  });
  const isChosen = (scope: Scope): boolean =>
    values.scope === undefined ? values.deep || !scope.isDeep : scope.name === values.scope;
  const scopes = SCOPES.filter(isChosen);
  const reports: ScopeReport[] = [];
  for (const scope of scopes) reports.push(exploreScope(scope, values.bug ?? null));
  const failed = reports.filter((report) => !report.isExhausted);
  process.stdout.write(`${JSON.stringify({ scopes: reports }, null, 2)}\n`);
  if (scopes.length === 0 || failed.length > 0) process.exitCode = 1;
}

if (
  process.argv[1]?.endsWith('model/explore.ts') ||
  process.argv[1]?.endsWith('model/explore.js')
) {
  main();
}
