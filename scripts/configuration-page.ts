/** The text of docs/configuration.md, made from the option tables of the servers. */
import { environmentName, type OptionTable, optionEntries } from '../src/base/option-table.ts';
import { type AnyOption, defaultText, kindText } from '../src/base/option-values.ts';
import { PROCESS_OPTIONS } from '../src/bin/process-options.ts';
import { ROCKSDB_OPTIONS } from '../src/bin/rocksdb-options.ts';
import { META_OPTIONS } from '../src/meta/options.ts';
import { REPLICA_OPTIONS } from '../src/replica/options.ts';

const INTRODUCTION = `# Configuration

Made by \`npm run generate\` from the option tables in \`src/*/options.ts\`: edit those.

A key stands in the file given with \`--config\` (TOML: \`[section]\`, then \`name = value\`), in the environment as
\`${environmentName('section.name')}\`, or is given as the flag \`--section.name VALUE\`. Flags win over the environment, that over
the file, that over the default. An unknown key is an error. Durations are written \`500ms\`, \`10s\`, \`5m\`, \`1h\`, \`1d\` or as
milliseconds; sizes \`4096\`, \`64KiB\`, \`1MiB\`, \`2GiB\`. Relative folders count from where the server is started.

Each server process takes the keys of its own page below; \`log.level\` and \`cluster.name\` are in both.
`;

export function configurationPage(): string {
  return [
    INTRODUCTION,
    section('Meta server: `pegasus meta`', [...entries(PROCESS_OPTIONS), ...entries(META_OPTIONS)]),
    section('Replica server: `pegasus replica`', [
      ...entries(PROCESS_OPTIONS),
      ...entries(REPLICA_OPTIONS),
      ...entries(ROCKSDB_OPTIONS),
    ]),
  ].join('\n');
}

function entries<T>(table: OptionTable<T>): AnyOption[] {
  return optionEntries(table).map(([, option]) => option);
}

function section(title: string, options: readonly AnyOption[]): string {
  const rows = options.map(
    (option) =>
      `| \`${option.key}\` | ${cell(kindText(option))} | ${fallback(option)} | ${cell(option.help)} |`,
  );
  const head = ['| key | value | default | |', '|---|---|---|---|'];
  return [`## ${title}`, '', ...head, ...rows, ''].join('\n');
}

function fallback(option: AnyOption): string {
  if (option.required === true) return '*required*';
  const text = defaultText(option);
  return text === '' ? 'not set' : `\`${text}\``;
}

/** Without the examples, which the introduction has. */
function cell(text: string): string {
  return text.replace(/, such as .*$/, '').replaceAll('|', '\\|');
}
