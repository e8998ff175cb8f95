/** What a replica server shows over HTTP, in the paths and shapes of the original. */
import { gpidText } from '../model/identity.ts';
import { VALUE_VERSION } from '../model/value.ts';
import type { LogCondition } from '../replica/log-keeper.ts';
import type { CompactionState } from '../replica/manual-compaction.ts';
import type { ReplicaInspection } from '../replica/replica-host.ts';
import type { ReplicaFailure } from '../replica/replica-store.ts';
import type { ReplicaServer } from '../replica/server.ts';
import { type HttpQuery, type HttpReply, type HttpRoute, jsonReply, textReply } from './routes.ts';

export function replicaRoutes(server: ReplicaServer): HttpRoute[] {
  return [
    {
      path: '/health',
      method: 'GET',
      help: 'what keeps this server from being of full use; 503 when a restart of it would help',
      parameters: [],
      answer: () => healthReply(server.hasLease, server.logCondition, server.failures()),
    },
    {
      path: '/replica/data_version',
      method: 'GET',
      help: 'version of the values of a table, by partition: ?app_id=ID',
      parameters: ['app_id'],
      answer: (query) => dataVersion(server, query),
    },
    {
      path: '/replica/manual_compaction',
      method: 'GET',
      help: 'how many replicas of a table here are compacted, or wait for it: ?app_id=ID',
      parameters: ['app_id'],
      answer: (query) => compactionReply(server.inspect(), query),
    },
  ];
}

const LOG_REMEDIES: Readonly<Record<LogCondition, string>> = {
  ok: 'restart this server if one of these partitions has no primary; else they are learned anew',
  full: 'free some space on the disk; the log goes on by itself',
  failed: 'look after the disk and restart this server, unless it recovers within a minute',
};

/** A log that has failed is mended by a restart at the latest; nothing else here is. */
export function healthReply(
  hasLease: boolean,
  log: LogCondition,
  failures: readonly ReplicaFailure[],
): HttpReply {
  const isWell = hasLease && log === 'ok' && failures.length === 0;
  const failed = failures.map(({ gpid, reason }) => ({ partition: gpidText(gpid), reason }));
  const body = {
    status: isWell ? 'ok' : 'degraded',
    lease: hasLease,
    log,
    failed_replicas: failed,
    remedy: log === 'ok' && failures.length === 0 ? '' : LOG_REMEDIES[log],
  };
  return { ...jsonReply(body), status: log === 'failed' ? 503 : 200 };
}

/** How many of these replicas are in which state of compaction. */
export function compactionReply(
  replicas: readonly Pick<ReplicaInspection, 'gpid' | 'compaction'>[],
  query: HttpQuery,
): HttpReply {
  const text = query.get('app_id') ?? '';
  if (!/^\d{1,9}$/.test(text)) return textReply(400, 'the parameter app_id is the id of a table');
  const status: Record<CompactionState, number> = { idle: 0, running: 0, queuing: 0, finished: 0 };
  for (const { gpid, compaction } of replicas) {
    if (gpid.appId === Number(text)) status[compaction] += 1;
  }
  return jsonReply({ status });
}

function dataVersion(server: ReplicaServer, query: HttpQuery): HttpReply {
  const text = query.get('app_id') ?? '';
  if (!/^\d{1,9}$/.test(text)) return textReply(400, 'the parameter app_id is the id of a table');
  const replicas = server.inspect().filter(({ gpid }) => gpid.appId === Number(text));
  if (replicas.length === 0) return textReply(404, `no replica of table ${text} is here`);
  const sorted = replicas.map(({ gpid }) => gpid.partitionIndex).sort((a, b) => a - b);
  const versions = sorted.map((index) => [index, { data_version: String(VALUE_VERSION) }]);
  return jsonReply(Object.fromEntries(versions));
}
