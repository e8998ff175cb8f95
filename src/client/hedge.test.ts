/** A slow primary does not make a hedged read slow, and no answer is older than the caller allows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../base/error-names.ts';
import { SeededRandom } from '../base/prng.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import { startTestCluster } from '../bin/testing.ts';
import type { Connection, ConnectionHandler, Transport } from '../env/transport.ts';
import type { HostPort } from '../model/identity.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { ClusterClient } from './client.ts';
import { InvalidArgumentError, RejectedError, TimeoutError } from './errors.ts';
import { failureOf, onStage, type ScriptedRequest, type Stage } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };
const AT_ONCE = { afterMs: 0, stalenessMsMax: 'any' } as const;
const NEVER = { afterMs: 60_000, stalenessMsMax: 'any' } as const;

interface Answers {
  readonly primary: ((request: ScriptedRequest) => void) | null;
  readonly secondary: ((request: ScriptedRequest) => void) | null;
}

/** Null: no answer. */
function script({ cluster }: Stage, { primary, secondary }: Answers): void {
  for (const replica of cluster.replicas) {
    replica.script = (request) => (request.isBackup ? secondary?.(request) : primary?.(request));
  }
}

function answer(value: string, stalenessMs?: number): (request: ScriptedRequest) => void {
  return (request) => {
    const response = { ...rrdb.makeReadResponse(), value: encodeUtf8(value) };
    request.reply(rrdb.writeReadResponse, response, stalenessMs);
  };
}

const sent = ({ cluster }: Stage): ScriptedRequest[] =>
  cluster.replicas.flatMap(({ requests }) => requests);

test('a primary that answers in time is the only server asked', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    const read = await stage.table.hedged(NEVER).get('a', 'b');
    assert.deepEqual(
      [read.value, read.source, read.stalenessMs],
      [encodeUtf8('value'), 'primary', 0],
    );
    assert(stage.cluster.replicas.some(({ name }) => name === read.server));
    assert(sent(stage).every(({ isBackup }) => !isBackup));
  }));

test('a secondary answers for a primary that is silent, and says that it cannot tell its age', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    script(stage, { primary: null, secondary: answer('older') });
    const read = await stage.table.hedged(AT_ONCE).get('a', 'b');
    assert.deepEqual(read.value, encodeUtf8('older'));
    assert.equal(read.source, 'secondary');
    assert.equal(read.stalenessMs, Number.POSITIVE_INFINITY);
    const home = stage.cluster.replicas[stage.cluster.primaries[4]!]!;
    assert.notEqual(read.server, home.name);
    assert.equal(stage.client.engine.operations, 0, 'the request that lost is given up');
  }));

test('an answer of unknown or too great an age is not used where there is a bound', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    const bounded = stage.table.hedged({ afterMs: 0, stalenessMsMax: 30_000 });
    for (const stalenessMs of [undefined, 30_001]) {
      let primary: ScriptedRequest | null = null;
      script(stage, {
        primary: (request) => {
          primary = request;
        },
        secondary: (request) => {
          answer('older', stalenessMs)(request);
          // The primary answers after the client has seen the secondary's answer, or with it.
          answer('value')(primary!);
        },
      });
      const read = await bounded.get('a', 'b');
      assert.deepEqual([read.source, read.stalenessMs], ['primary', 0]);
    }
    script(stage, { primary: null, secondary: answer('older', 100) });
    const read = await bounded.get('a', 'b');
    assert.equal(read.source, 'secondary');
    assert(read.stalenessMs >= 100 && read.stalenessMs < 30_000);
  }));

test('a secondary that refuses changes nothing', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    let primary: ScriptedRequest | null = null;
    script(stage, {
      primary: (request) => {
        primary = request;
      },
      secondary: (request) => {
        request.refuse(ErrorCode.invalidState);
        answer('value')(primary!);
      },
    });
    assert.equal((await stage.table.hedged(AT_ONCE).get('a', 'b')).source, 'primary');
    assert.equal(sent(stage).filter(({ isBackup }) => isBackup).length, 1);
  }));

test('when both fail the error is that of the primary', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    let primary: ScriptedRequest | null = null;
    script(stage, {
      primary: (request) => {
        primary = request;
      },
      secondary: (request) => {
        primary!.refuse(ErrorCode.invalidData);
        request.refuse(ErrorCode.invalidState);
      },
    });
    const error = await failureOf(stage.table.hedged(AT_ONCE).get('a', 'b'));
    assert(error instanceof RejectedError);
    assert.equal(error.serverCode, 'ERR_INVALID_DATA');
    script(stage, { primary: null, secondary: null });
    const late = stage.table.hedged(AT_ONCE).get('a', 'b', { timeoutMs: 100 });
    assert((await failureOf(late)) instanceof TimeoutError);
    assert.equal(stage.client.engine.operations, 0);
  }));

test('a partition without primary is read at a secondary', () =>
  onStage(environment, {}, async (stage) => {
    stage.cluster.primaries = stage.cluster.primaries.map(() => -1);
    script(stage, { primary: null, secondary: answer('older') });
    const read = await stage.table.hedged({ ...AT_ONCE, afterMs: 50 }).get('a', 'b');
    assert.equal(read.source, 'secondary');
  }));

test('writes and plain reads are never for a secondary, also after a hedged read', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    script(stage, { primary: null, secondary: answer('older') });
    await stage.table.hedged(AT_ONCE).get('a', 'b');
    stage.resume();
    for (const replica of stage.cluster.replicas) replica.requests.length = 0;
    await Promise.all([stage.table.set('a', 'b', 'value'), stage.table.get('a', 'b')]);
    await stage.table.del('a', 'b');
    assert.deepEqual(
      sent(stage).map(({ isBackup }) => isBackup),
      [false, false, false],
    );
    assert(sent(stage).some(({ rpc }) => rpc === RpcCode.remove));
  }));

test('hedging that makes no sense is refused', () =>
  onStage(environment, {}, async ({ table }) => {
    for (const options of [
      { afterMs: -1, stalenessMsMax: 'any' as const },
      { afterMs: Number.NaN, stalenessMsMax: 'any' as const },
      { afterMs: 1, stalenessMsMax: Number.NaN },
      { afterMs: 1, stalenessMsMax: -1 },
    ]) {
      assert.throws(() => table.hedged(options), InvalidArgumentError);
    }
    const long = table.hedged(AT_ONCE).get('h'.repeat(65_535), 'b');
    assert((await failureOf(long)) instanceof InvalidArgumentError);
  }));

/** Keeps its connections by port, so that a test can make a server silent for the client. */
class WatchedTransport implements Transport {
  readonly connections: Map<number, Connection> = new Map();
  readonly #inner: Transport = environment.transport;

  listen(...args: Parameters<Transport['listen']>): ReturnType<Transport['listen']> {
    return this.#inner.listen(...args);
  }

  connect(address: HostPort, handler: ConnectionHandler): Connection {
    const connection = this.#inner.connect(address, handler);
    this.connections.set(address.port, connection);
    return connection;
  }
}

test('real secondaries vouch for their answers, in all three kinds of read', async () => {
  await using cluster = await startTestCluster();
  const transport = new WatchedTransport();
  await using client = new ClusterClient({ ...environment, transport }, { metas: cluster.metas });
  const table = client.table('temp');
  await table.set('a', 'b', 'value', { ttlSeconds: 1_000 });
  const { partitions } = await table.config();
  const { primary } = partitions[await table.partitionOf('a')]!;
  const connection = transport.connections.get(Number(primary!.split(':')[1]))!;
  connection.pause();

  const hedged = table.hedged({ afterMs: 0, stalenessMsMax: 60_000 });
  // A secondary writes a row a moment after the primary has answered for it.
  for (;;) {
    const read = await hedged.get('a', 'b');
    assert.equal(read.source, 'secondary');
    assert.notEqual(read.server, primary);
    assert(read.stalenessMs >= 0 && read.stalenessMs <= 60_000);
    if (read.value !== null) break;
  }
  const [ttl, multiGet] = await Promise.all([hedged.ttl('a', 'b'), hedged.multiGet('a')]);
  assert.equal(ttl.source, 'secondary');
  assert.equal(multiGet.source, 'secondary');

  const strict = table.hedged({ afterMs: 0, stalenessMsMax: 0 }).get('a', 'b');
  connection.resume();
  assert.equal((await strict).source, 'primary');
});
