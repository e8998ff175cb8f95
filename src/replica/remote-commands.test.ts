/** What operators ask of a replica server, and change while it runs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { gpidOf } from '../model/identity.ts';
import { type CommandedReplica, replicaCommands } from './remote-commands.ts';
import type { ReplicaInspection } from './replica-host.ts';

class Server implements CommandedReplica {
  learnRate = 100 * 1_048_576;

  setLearnRate(bytesPerSecondMax: number): void {
    this.learnRate = bytesPerSecondMax;
  }

  inspect(): readonly ReplicaInspection[] {
    const replica = {
      lastPreparedDecree: 9,
      lastLoggedDecree: 8,
      lastCommittedDecree: 7,
      appliedDecree: 7,
      durableDecree: 3,
      compaction: 'idle',
    };
    const gpids = [gpidOf(1, 0), gpidOf(1, 1), gpidOf(2, 0)];
    return gpids.map(
      (gpid) => ({ ...replica, gpid }) as Partial<ReplicaInspection> as ReplicaInspection,
    );
  }
}

function ask(server: Server, name: string, ...args: string[]): Record<string, unknown> {
  const answer = replicaCommands(server).get(name)?.answer(args);
  assert(answer !== undefined, `there is a command ${name}`);
  return JSON.parse(answer) as Record<string, unknown>;
}

test('the rate of copies is told, set in megabytes, and refused when it is none', () => {
  const server = new Server();
  const name = 'nfs.max_copy_rate_megabytes_per_disk';
  assert.deepEqual(ask(server, name), { [name]: '100', error: 'ok' });
  assert.deepEqual(ask(server, name, '50'), { [name]: '50', error: 'ok' });
  assert.equal(server.learnRate, 50 * 1_048_576);
  for (const wrong of ['0', '-1', 'x', '1000000']) {
    assert.match(String(ask(server, name, wrong)['error']), /^one number/);
  }
  assert.equal(server.learnRate, 50 * 1_048_576);
});

test('decrees are told of all replicas, of a table, or of single ones', () => {
  const server = new Server();
  const name = 'replica.query-progress';
  assert.deepEqual(Object.keys(ask(server, name)), ['1.0', '1.1', '2.0']);
  assert.deepEqual(Object.keys(ask(server, name, '1')), ['1.0', '1.1']);
  assert.deepEqual(Object.keys(ask(server, name, '1.1,2')), ['1.1', '2.0']);
  assert.deepEqual(ask(server, name, '2.0')['2.0'], {
    max_prepared_decree: 9,
    max_plog_decree: 8,
    last_committed_decree: 7,
    last_applied_decree: 7,
    last_durable_decree: 3,
  });
  assert.match(String(ask(server, name, 'temp')['error']), /^tables by number/);
  assert.deepEqual(ask(server, 'replica.query-compact', '2'), { '2.0': { state: 'idle' } });
});
