import assert from 'node:assert/strict';
import test from 'node:test';
import { gauge, type MetricEntity, metricsReply } from './metrics.ts';
import { programRoutes } from './program-routes.ts';
import { type HttpReply, type HttpRoute, HttpRoutes, jsonReply } from './routes.ts';

const greet: HttpRoute = {
  path: '/greet',
  method: 'GET',
  help: 'greets: ?name=NAME',
  parameters: ['name'],
  answer: (query) => jsonReply({ hello: query.get('name') ?? 'you' }),
};

async function get(routes: HttpRoutes, target: string): Promise<HttpReply> {
  const { pathname, searchParams } = new URL(target, 'http://server');
  return await routes.handle({ method: 'GET', path: pathname, query: [...searchParams], body: '' });
}

test('a path is answered by its route, and / lists all of them with their help', async () => {
  const routes = new HttpRoutes([greet]);
  assert.deepEqual(JSON.parse((await get(routes, '/greet?name=Ada')).body), { hello: 'Ada' });
  assert.deepEqual(JSON.parse((await get(routes, '/')).body), {
    '/': 'lists the paths',
    '/greet': 'greets: ?name=NAME',
  });
});

test('unknown paths are 404; parameters that are unknown or given twice, and the wrong method, are 400', async () => {
  const routes = new HttpRoutes([greet]);
  assert.equal((await get(routes, '/none')).status, 404);
  assert.equal((await get(routes, '/greet?nam=Ada')).status, 400);
  assert.equal((await get(routes, '/greet?name=Ada&name=Bob')).status, 400);
  const posted = await routes.handle({ method: 'POST', path: '/greet', query: [], body: '' });
  assert.equal(posted.status, 400);
});

test('a setting is found by its key and as the original writes it, and changed if it can be', async () => {
  const texts: string[] = [];
  const change = (text: string): string | null => {
    texts.push(text);
    return text === 'fast' ? 'must be a size' : null;
  };
  const fixed = { type: 'string', description: 'who', value: 'onebox' };
  const settings = [
    { section: 'cluster', name: 'name', ...fixed },
    { section: 'replica', name: 'rate', type: 'bytes', description: '', value: '1MiB', change },
  ];
  const program = { version: '1.2.3', commit: '', startedAt: new Date(0), settings };
  const origin = { cluster: 'onebox', role: 'meta', host: 'h', port: 1 };
  const routes = new HttpRoutes(programRoutes({ program, origin, collect: () => [] }));
  for (const name of ['cluster.name', 'cluster_name', 'name']) {
    const shown = JSON.parse((await get(routes, `/config?name=${name}`)).body) as object;
    assert.deepEqual(Object.keys(shown).sort(), [
      'description',
      'name',
      'section',
      'tags',
      'type',
      'value',
    ]);
  }
  const update = await get(routes, '/updateConfig?cluster.name=other');
  assert.match(update.body, /takes effect at the start of the process/);
  const statusOf = async (query: string): Promise<string> => {
    const { body } = await get(routes, `/updateConfig?${query}`);
    return (JSON.parse(body) as { update_status: string }).update_status;
  };
  assert.equal(await statusOf('replica.rate=2MiB'), 'OK');
  assert.equal(await statusOf('replica_rate=fast'), 'must be a size');
  assert.match(await statusOf('replica.rat=1'), /no setting/);
  assert.match(await statusOf('replica.rate=1&cluster.name=x'), /exactly one/);
  assert.deepEqual(texts, ['2MiB', 'fast']);
  const start = await get(routes, '/recentStartTime');
  assert.deepEqual(JSON.parse(start.body), { RecentStartTime: '1970-01-01 00:00:00' });
});

test('measurements are chosen by type, id, attribute, name and field', () => {
  const entity = (type: string, index: string): MetricEntity => ({
    type,
    id: `${type}@${index}`,
    attributes: { table_id: index },
    metrics: [gauge('first', 'Bytes', 1.4, 'one'), gauge('second', 'Bytes', 2, 'two')],
  });
  const entities = [entity('table', '1'), entity('table', '2'), entity('replica', '2')];
  const origin = { cluster: 'c', role: 'meta', host: 'h', port: 1 };
  const ask = (query: Record<string, string>): HttpReply =>
    metricsReply(origin, entities, 1_700_000_000_000, new Map(Object.entries(query)));
  const ids = (query: Record<string, string>): string[] =>
    (JSON.parse(ask(query).body) as { entities: { id: string }[] }).entities.map(({ id }) => id);

  assert.deepEqual(ids({}), ['table@1', 'table@2', 'replica@2']);
  assert.deepEqual(ids({ types: '' }), ['table@1', 'table@2', 'replica@2']);
  assert.deepEqual(ids({ types: 'table' }), ['table@1', 'table@2']);
  assert.deepEqual(ids({ attributes: 'table_id,2' }), ['table@2', 'replica@2']);
  assert.deepEqual(ids({ types: 'table', ids: 'table@2,replica@2' }), ['table@2']);
  assert.deepEqual(ids({ metrics: 'third' }), [], 'without a metric nothing is left of an entity');

  const metrics = (query: Record<string, string>): unknown =>
    (JSON.parse(ask(query).body) as { entities: { metrics: unknown[] }[] }).entities[0]!.metrics[0];
  assert.deepEqual(metrics({}), { name: 'first', value: 1 });
  assert.deepEqual(metrics({ with_metric_fields: 'unit' }), { unit: 'Bytes' });
  assert.equal(Object.keys(metrics({ detail: 'true' }) as object).length, 5);
  assert.equal(ask({ attributes: 'odd' }).status, 400);
  assert.equal(ask({ with_metric_fields: 'size' }).status, 400);
});
