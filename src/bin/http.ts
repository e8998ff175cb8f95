/** HTTP on the port of a server process: who answers, and what is told of the process itself. */
import { type OptionTable, optionEntries } from '../base/option-table.ts';
import { parseOptionValue, valueText } from '../base/option-values.ts';
import type { MetricEntity } from '../http/metrics.ts';
import { type ProgramFacts, programRoutes, type Setting } from '../http/program-routes.ts';
import { HttpProtocol } from '../http/protocol.ts';
import { type HttpRoute, HttpRoutes } from '../http/routes.ts';
import type { HostPort } from '../model/identity.ts';
import { type ConnectionProtocol, ProtocolMagic } from '../rpc/server.ts';
import { packageVersion } from './package-version.ts';

type OptionChanges<T> = { readonly [Field in keyof T]?: (value: T[Field]) => void };

export interface HttpParts<T extends { readonly clusterName: string }> {
  readonly role: 'meta' | 'replica';
  readonly table: OptionTable<T>;
  readonly options: T;
  readonly routes: readonly HttpRoute[];
  /** Options that can be changed while the server runs, and how. */
  readonly changes?: OptionChanges<T>;
  readonly collect: () => readonly MetricEntity[];
}

interface Server {
  readonly address: HostPort;
  speak(magic: number, protocol: ConnectionProtocol): void;
}

export function answerHttp<T extends { readonly clusterName: string }>(
  server: Server,
  parts: HttpParts<T>,
): void {
  const { role, options, collect } = parts;
  const origin = { cluster: options.clusterName, role, ...server.address };
  const program: ProgramFacts = {
    version: packageVersion(),
    commit: '',
    startedAt: new Date(Date.now() - process.uptime() * 1000),
    settings: settingsOf(parts.table, options, parts.changes ?? {}),
  };
  const common = programRoutes({ program, origin, collect });
  const protocol = new HttpProtocol(new HttpRoutes([...common, ...parts.routes]).handle);
  server.speak(ProtocolMagic.httpGet, protocol);
  server.speak(ProtocolMagic.httpPost, protocol);
}

function settingsOf<T>(table: OptionTable<T>, options: T, changes: OptionChanges<T>): Setting[] {
  return optionEntries(table).map(([field, option]) => {
    const [section = '', name = ''] = option.key.split('.', 2);
    const value = options[field];
    const setting = {
      section,
      name,
      type: option.type,
      description: option.help,
      value: value === null ? '' : valueText(option, value),
    };
    const apply = changes[field];
    if (apply === undefined) return setting;
    const change = (text: string): string | null => {
      const parsed = parseOptionValue(option, text);
      if (!parsed.ok) return parsed.problem;
      // The table's type demands the kind that was parsed.
      apply(parsed.value as T[typeof field]);
      setting.value = valueText(option, parsed.value);
      return null;
    };
    return Object.assign(setting, { change });
  });
}
