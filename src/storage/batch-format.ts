/**
 * Layout of an engine write batch and of the record of the applied decree (format: env/engine.ts).
 */

export const BATCH_HEADER_BYTES = 12;
/** Offset of the record count (u32 LE) in a batch. */
export const BATCH_COUNT_AT = 8;
/** u64 BE decree ‖ u32 BE digest. */
export const APPLIED_VALUE_BYTES = 12;

export const RecordTag = { delete: 0x00, put: 0x01 } as const;
export type RecordTag = (typeof RecordTag)[keyof typeof RecordTag];
