/**
 * The package index of this Debian machine, as rows: hash key = package, sort key = field, value =
 * text of the field.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { UserError } from '../../src/base/user-error.ts';

export interface Package {
  /** Name; with version, then architecture, where the name alone is taken already. */
  readonly hashKey: string;
  readonly fields: ReadonlyMap<string, string>;
}

export async function countPackages(limit: number): Promise<number> {
  let count = 0;
  for await (const line of dumpLines()) {
    if (line.startsWith('Package: ')) count++;
    if (count === limit) break;
  }
  return count;
}

/** In the order of the index, which is the same every time until the index is updated. */
export async function* readPackages(limit: number): AsyncGenerator<Package> {
  const taken = new Set<string>();
  let fields = new Map<string, string>();
  let name = '';
  let text = '';
  let count = 0;
  for await (const line of dumpLines()) {
    if (line === '') {
      if (name !== '') fields.set(name, text);
      if (fields.size > 0) {
        yield { hashKey: uniqueName(fields, taken), fields };
        count++;
        if (count === limit) return;
      }
      fields = new Map();
      name = '';
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      text += `\n${line}`;
    } else {
      if (name !== '') fields.set(name, text);
      const colon = line.indexOf(':');
      name = line.slice(0, colon);
      text = line.slice(colon + 1).trimStart();
    }
  }
}

function uniqueName(fields: ReadonlyMap<string, string>, taken: Set<string>): string {
  const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map(
    (field) => fields.get(field) ?? '',
  );
  for (const candidate of [name!, `${name}=${version}`, `${name}=${version}:${architecture}`]) {
    if (candidate === '' || taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
  throw new UserError(
    `The index lists ${name} ${version} for ${architecture} twice.`,
    'Refresh it: apt-get update',
  );
}

/** The lines of `apt-cache dumpavail`, with an empty one at the very end. */
async function* dumpLines(): AsyncGenerator<string> {
  const child = spawn('apt-cache', ['dumpavail'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | Error>((resolve) => {
    child.on('error', resolve);
    child.on('close', (code) => resolve(code ?? 1));
  });
  let lines = 0;
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: 0 })) {
      lines++;
      yield line;
    }
    yield '';
  } finally {
    child.kill();
  }
  const end = await ended;
  if (end !== 0 || lines === 0) {
    throw new UserError(
      `apt-cache dumpavail gave no package index${end instanceof Error ? ` (${end.message})` : ''}.`,
      'This example needs a Debian or Ubuntu machine with a package index: apt-get update',
    );
  }
}
