/**
 * `/metrics`: measurements as the original's tools read them. Entities (a server, a table, a
 * replica) have metrics; counters only grow and start anew with the process, so rates are the
 * reader's business. What is measured is collected when somebody asks.
 */
import { type HttpQuery, type HttpReply, jsonReply } from './routes.ts';

interface MetricHead {
  readonly name: string;
  readonly unit: string;
  readonly desc: string;
}

export interface ValueMetric extends MetricHead {
  readonly type: 'Counter' | 'Gauge';
  readonly value: number;
}

/** Of the last seconds. */
export interface PercentileMetric extends MetricHead {
  readonly type: 'Percentile';
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
}

export type Metric = ValueMetric | PercentileMetric;

export interface MetricEntity {
  readonly type: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly metrics: readonly Metric[];
}

export interface MetricsOrigin {
  readonly cluster: string;
  readonly role: string;
  readonly host: string;
  readonly port: number;
}

export const METRICS_PARAMETERS = [
  'types',
  'ids',
  'attributes',
  'metrics',
  'detail',
  'with_metric_fields',
] as const;

/** Whole numbers, as all of the original's. */
export function gauge(name: string, unit: string, value: number, desc: string): ValueMetric {
  return { name, type: 'Gauge', unit, desc, value: Math.round(value) };
}

export function counter(name: string, unit: string, value: number, desc: string): ValueMetric {
  return { name, type: 'Counter', unit, desc, value };
}

/** `percentileOf` answers with the value below which a share of all lies. */
export function percentiles(
  name: string,
  unit: string,
  percentileOf: (fraction: number) => number,
  desc: string,
): PercentileMetric {
  return {
    name,
    type: 'Percentile',
    unit,
    desc,
    p50: percentileOf(0.5),
    p90: percentileOf(0.9),
    p95: percentileOf(0.95),
    p99: percentileOf(0.99),
    p999: percentileOf(0.999),
  };
}

const VALUE_FIELDS = ['value', 'p50', 'p90', 'p95', 'p99', 'p999'] as const;
const FIELDS: readonly string[] = ['name', 'type', 'unit', 'desc', ...VALUE_FIELDS];
const BRIEF_FIELDS: readonly string[] = ['name', ...VALUE_FIELDS];

export function metricsReply(
  origin: MetricsOrigin,
  entities: readonly MetricEntity[],
  wallMs: number,
  query: HttpQuery,
): HttpReply {
  const attributes = list(query, 'attributes');
  if (attributes.length % 2 !== 0) return refusal('attributes are pairs of a name and a value');
  const wanted = list(query, 'with_metric_fields');
  const unknown = wanted.find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return refusal(`metrics have no field ${unknown}`);
  const brief = query.get('detail') === 'true' ? FIELDS : BRIEF_FIELDS;
  const fields = wanted.length > 0 ? wanted : brief;
  const chosen = entities
    .filter(({ type }) => allows(list(query, 'types'), type))
    .filter(({ id }) => allows(list(query, 'ids'), id))
    .filter((entity) => attributes.length === 0 || hasAttribute(entity, attributes))
    .map((entity) => ({
      ...entity,
      metrics: entity.metrics
        .filter(({ name }) => allows(list(query, 'metrics'), name))
        .map((metric) =>
          Object.fromEntries(Object.entries(metric).filter(([field]) => fields.includes(field))),
        ),
    }))
    .filter(({ metrics }) => metrics.length > 0);
  return jsonReply({ ...origin, timestamp_ns: Math.round(wallMs) * 1_000_000, entities: chosen });
}

function refusal(text: string): HttpReply {
  return { status: 400, body: `${JSON.stringify({ error_message: text })}\n` };
}

function list(query: HttpQuery, name: string): string[] {
  return (query.get(name) ?? '').split(',').filter((item) => item !== '');
}

function allows(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}

function hasAttribute(entity: MetricEntity, pairs: readonly string[]): boolean {
  return pairs.some(
    (name, index) => index % 2 === 0 && entity.attributes[name] === pairs[index + 1],
  );
}
