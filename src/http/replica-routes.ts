/** What a replica server shows over HTTP, in the paths and shapes of the original. */
import { VALUE_VERSION } from '../model/value.ts';
import type { ReplicaServer } from '../replica/server.ts';
import { type HttpQuery, type HttpReply, type HttpRoute, jsonReply, textReply } from './routes.ts';

export function replicaRoutes(server: ReplicaServer): HttpRoute[] {
  return [
    {
      path: '/replica/data_version',
      method: 'GET',
      help: 'version of the values of a table, by partition: ?app_id=ID',
      parameters: ['app_id'],
      answer: (query) => dataVersion(server, query),
    },
  ];
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
