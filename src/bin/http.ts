/** HTTP on the port of a server process: who answers, and what is told of the process itself. */
import { type OptionTable, optionEntries } from '../base/option-table.ts';
import { valueText } from '../base/option-values.ts';
import type { MetricEntity } from '../http/metrics.ts';
import { type ProgramFacts, programRoutes, type Setting } from '../http/program-routes.ts';
import { HttpProtocol } from '../http/protocol.ts';
import { type HttpRoute, HttpRoutes } from '../http/routes.ts';
import type { HostPort } from '../model/identity.ts';
import { type ConnectionProtocol, ProtocolMagic } from '../rpc/server.ts';
import { packageVersion } from './package-version.ts';

export interface HttpParts<T extends { readonly clusterName: string }> {
  readonly role: 'meta' | 'replica';
  readonly table: OptionTable<T>;
  readonly options: T;
  readonly routes: readonly HttpRoute[];
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
    settings: settingsOf(parts.table, options),
  };
  const common = programRoutes({ program, origin, collect });
  const protocol = new HttpProtocol(new HttpRoutes([...common, ...parts.routes]).handle);
  server.speak(ProtocolMagic.httpGet, protocol);
  server.speak(ProtocolMagic.httpPost, protocol);
}

function settingsOf<T>(table: OptionTable<T>, options: T): Setting[] {
  return optionEntries(table).map(([field, option]) => {
    const [section = '', name = ''] = option.key.split('.', 2);
    const value = options[field];
    return {
      section,
      name,
      type: option.type,
      description: option.help,
      value: value === null ? '' : valueText(option, value),
    };
  });
}
