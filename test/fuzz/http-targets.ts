/**
 * HTTP as the port answers it: real routes behind the real parser, requests cut anywhere. Whatever comes, there is an
 * answer that is HTTP or none, and nothing is left behind when the connection is gone.
 *
 * And the texts of table settings: any of them is a setting or none.
 */
import type { SeededRandom } from '../../src/base/prng.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/base/utf8.ts';
import type { Connection } from '../../src/env/transport.ts';
import { gauge } from '../../src/http/metrics.ts';
import { programRoutes } from '../../src/http/program-routes.ts';
import { HttpProtocol } from '../../src/http/protocol.ts';
import { HttpRoutes } from '../../src/http/routes.ts';
import { TableEnv, tableSettings } from '../../src/model/table-settings.ts';
import { expect, type FuzzTarget } from './target.ts';

const REQUESTS: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /metrics?types=server&attributes=a,b&detail=true HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /metrics?with_metric_fields=name,p99 HTTP/1.0\r\n\r\n',
  'GET /config?name=cluster.name HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /updateConfig?a=b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n',
  'POST /config HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
  'POST /config HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET /%00%ff?%=%&==&name=%2e HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
];
const TURNS = 4;

class HttpConnection implements Connection {
  readonly remote = 'fuzz:1';
  readonly bufferedBytes = 0;
  isClosed = false;
  output = '';
  write(bytes: Uint8Array): boolean {
    this.output += Buffer.from(bytes).toString('latin1');
    return true;
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.isClosed = true;
  }
  destroy(): void {
    this.isClosed = true;
  }
}

class HttpTarget implements FuzzTarget {
  readonly name = 'HTTP';
  readonly #protocol: HttpProtocol;

  constructor() {
    const settings = [
      { section: 'cluster', name: 'name', type: 'string', description: 'who', value: 'c' },
    ];
    const metrics = [gauge('free', 'Bytes', 1, 'room')];
    const routes = programRoutes({
      program: { version: '1', commit: '', startedAt: new Date(0), settings },
      origin: { cluster: 'c', role: 'meta', host: 'h', port: 1 },
      collect: () => [{ type: 'server', id: 'server', attributes: { a: 'b' }, metrics }],
    });
    this.#protocol = new HttpProtocol(new HttpRoutes(routes).handle);
  }

  seed(random: SeededRandom): Uint8Array {
    return encodeUtf8(REQUESTS[random.below(REQUESTS.length)]!);
  }

  async run(bytes: Uint8Array, random: SeededRandom): Promise<boolean> {
    const connection = new HttpConnection();
    const handler = this.#protocol.open(connection);
    const cut = random.below(3) === 0 ? 1 + random.below(64) : Math.max(bytes.length, 1);
    for (let at = 0; at < bytes.length && !connection.isClosed; at += cut) {
      handler.onData(connection, bytes.slice(at, at + cut));
    }
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
    const { output } = connection;
    handler.onClose(connection, 'remote');
    await nextTurn();
    expect(connection.isClosed, 'a connection stays open');
    expect(output === '' || output.startsWith('HTTP/1.1 '), 'an answer is no HTTP');
    return output !== '';
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const ENV_VALUES: readonly string[] = [
  '10',
  'true',
  'reconfig*all',
  'timeout*write',
  '2000*delay*100,3000*reject*200',
  '1K*delay*100',
  '100M',
  'bulk_load',
  '{"ops":[]}',
];

/** One value for all settings. */
class SettingsTarget implements FuzzTarget {
  readonly name = 'table settings';

  seed(random: SeededRandom): Uint8Array {
    return encodeUtf8(ENV_VALUES[random.below(ENV_VALUES.length)]!);
  }

  run(bytes: Uint8Array): boolean {
    const text = decodeUtf8(bytes);
    const envs = new Map(Object.values(TableEnv).map((name) => [name as string, text]));
    const settings = tableSettings(8, envs);
    for (const [name, value] of Object.entries(settings)) {
      if (typeof value === 'number') expect(value >= 0, `${name} is below zero or no number`);
    }
    return true;
  }
}

export function httpTargets(): readonly FuzzTarget[] {
  return [new HttpTarget(), new SettingsTarget()];
}
