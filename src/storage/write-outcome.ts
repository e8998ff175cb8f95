/** What taking up a client write ends in. */
export const AppendOutcome = {
  /** The write is part of the batch (perhaps with no record); answer it when the batch is committed. */
  appended: 0,
  /** Frame error ERR_INVALID_PARAMETERS; the batch is as before. */
  invalidParameters: 1,
  /** A value that it depends on is not in memory: `fetch` it and try again; the batch is as before. */
  blocked: 2,
  /** The engine cannot be read; the batch is as before. */
  failed: 3,
} as const;
export type AppendOutcome = (typeof AppendOutcome)[keyof typeof AppendOutcome];
