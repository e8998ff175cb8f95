/** Configuration files: TOML, read whole at start. What the keys mean is for `base/option-table.ts`. */
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { OptionSources } from '../base/option-table.ts';
import { UserError } from '../base/user-error.ts';

/** Throws `UserError`. */
export function readConfigFile(path: string): NonNullable<OptionSources['file']> {
  const text = readText(path);
  try {
    return { path, content: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [summary] = error.message.split('\n');
    throw new UserError(
      `${path}:${error.line}:${error.column}: ${summary}`,
      'Configuration files are TOML: [section], then lines of key = value, with texts in quotes.',
    );
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new UserError(
        `The configuration file ${path} does not exist.`,
        'Check the path after --config; docs/configuration.md lists all keys.',
      );
    }
    const why = code === 'EISDIR' ? 'it is a folder' : (code ?? 'unknown error');
    throw new UserError(
      `The configuration file ${path} cannot be read (${why}).`,
      'Give --config a file that this user may read.',
    );
  }
}
