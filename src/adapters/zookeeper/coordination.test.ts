/** The contracts of the coordination service and of the state store, on a real ZooKeeper. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RealServiceSuite } from '../../../test/support/real-service-suite.ts';
import { NO_SESSION, Operation, ZooKeeperConnection } from './connection.ts';
import { ZooKeeperCoordination } from './coordination.ts';
import { haveZooKeeper, startZooKeeper } from './server-process.ts';

const skip = haveZooKeeper() ? false : 'no ZooKeeper: neither there nor from Debian (zookeeper)';

describe('ZooKeeper', { skip }, () => {
  const suite = new RealServiceSuite({
    name: 'a ZooKeeper',
    start: startZooKeeper,
    client: (options) => new ZooKeeperCoordination(options),
  });
  suite.register();

  test('a session is taken up by the next connection, and is followed by another one when it is over', async () => {
    const timeouts = { requestMs: 10_000, sessionMs: 4_000 };
    const first = await ZooKeeperConnection.open(suite.process.address, NO_SESSION, timeouts);
    first.close();
    const second = await ZooKeeperConnection.open(suite.process.address, first.session, timeouts);
    assert.equal(second.session.id, first.session.id);
    await second.request(Operation.closeSession, () => {});
    second.close();
    const third = await ZooKeeperConnection.open(suite.process.address, first.session, timeouts);
    assert.notEqual(third.session.id, first.session.id);
    third.close();
  });

  test('servers whose sessions are shorter than the lead are refused, with the setting', async () => {
    const service = suite.connect(suite.newRoot(), { leadTimeoutMs: 20_000 });
    await assert.rejects(service.attend('a:1'), /maxSessionTimeout/);
    await suite.closeAll();
  });

  test('keys with slashes, and what only looks like it, come back as they were', async () => {
    const service = suite.connect(suite.newRoot());
    const keys = ['a/b', 'a%2Fb', 'a%252F/', '%', 'plain'];
    const puts = keys.map((key, index) => ({ key, value: new Uint8Array([index]) }));
    await service.write({ fence: 0, head: new Uint8Array([9]), puts, removals: [] });
    const { entries } = await service.readAll();
    const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1);
    assert.deepEqual(entries.sort(byKey), [...puts].sort(byKey));
    await suite.closeAll();
  });

  test('a server that cannot be connected to is passed over in the same call', async () => {
    const members = [{ host: '127.0.0.1', port: 1 }, suite.process.address];
    const service = suite.connect(suite.newRoot(), { members });
    assert.equal(await service.readHead(), null);
    await suite.closeAll();
  });
});
