/**
 * Structured events: a constant dotted name and fields, never a built sentence. User data (keys,
 * values) does not belong in fields. An `error` event fails a simulator run, so it means "somebody
 * must look".
 */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
