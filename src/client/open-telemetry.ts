/**
 * Hooks that turn operations into spans and durations of OpenTelemetry.
 *
 * The client depends on no package for it: what it needs of `@opentelemetry/api` is written down
 * here as types, and a `Tracer` and a `Meter` of that package fit them.
 *
 *   connect({ metas, hooks: [openTelemetryHooks({
 *     tracer: trace.getTracer('pegasus'), meter: metrics.getMeter('pegasus') })] })
 *
 * Names follow OpenTelemetry's semantic conventions for database clients.
 */
import type { PegasusError } from './errors.ts';
import type { ClientHooks, OperationEnd, OperationStart } from './hooks.ts';

export type TelemetryAttributes = Record<string, string | number>;

/** Of `Span`. */
export interface TelemetrySpan {
  setAttributes(attributes: TelemetryAttributes): unknown;
  recordException(exception: Error): void;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** Of `Tracer`. A span becomes the child of whatever is active where the operation is called. */
export interface TelemetryTracer {
  startSpan(
    name: string,
    options: { kind: number; attributes: TelemetryAttributes },
  ): TelemetrySpan;
}

/** Of `Meter`. */
export interface TelemetryMeter {
  createHistogram(
    name: string,
    options: { description: string; unit: string },
  ): { record(value: number, attributes: TelemetryAttributes): void };
}

export interface TelemetryOptions {
  /** Absent: no spans. */
  readonly tracer?: TelemetryTracer | undefined;
  /** Absent: no durations. */
  readonly meter?: TelemetryMeter | undefined;
}

/** `SpanKind.CLIENT` */
const KIND_CLIENT = 2;
/** `SpanStatusCode.ERROR` */
const STATUS_ERROR = 2;
const SYSTEM = 'pegasus';

export function openTelemetryHooks({ tracer, meter }: TelemetryOptions): ClientHooks {
  const durations = meter?.createHistogram('db.client.operation.duration', {
    description: 'From the call of an operation to its result.',
    unit: 's',
  });
  return {
    onOperationStart: (start) =>
      tracer?.startSpan(nameOf(start), { kind: KIND_CLIENT, attributes: attributesOf(start) }),
    onOperationEnd: (end, started) => {
      if (started !== undefined) endSpan(started as TelemetrySpan, end);
      if (end.abandoned) return;
      durations?.record(end.durationMs / 1000, { ...attributesOf(end), ...errorType(end.error) });
    },
  };
}

function nameOf({ operation, table }: OperationStart): string {
  return table === '' ? operation : `${operation} ${table}`;
}

function attributesOf({ operation, table }: OperationStart): TelemetryAttributes {
  const attributes = { 'db.system.name': SYSTEM, 'db.operation.name': operation };
  return table === '' ? attributes : { ...attributes, 'db.collection.name': table };
}

function errorType(error: PegasusError | null): TelemetryAttributes {
  return error === null ? {} : { 'error.type': error.code };
}

function endSpan(span: TelemetrySpan, end: OperationEnd): void {
  const { server, attempts, error, abandoned } = end;
  span.setAttributes({ 'pegasus.attempts': attempts, ...serverOf(server), ...errorType(error) });
  if (abandoned) span.setAttributes({ 'pegasus.abandoned': 'true' });
  if (error !== null) {
    span.recordException(error);
    span.setStatus({ code: STATUS_ERROR, message: error.message });
    if (error.serverCode !== '') {
      span.setAttributes({ 'db.response.status_code': error.serverCode });
    }
  }
  span.end();
}

function serverOf(server: string): TelemetryAttributes {
  const colon = server.lastIndexOf(':');
  if (colon < 0) return {};
  return {
    'server.address': server.slice(0, colon),
    'server.port': Number(server.slice(colon + 1)),
  };
}
