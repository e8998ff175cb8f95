/** Something happened in the model that must never happen; `kind` is listed in stage.ts and liveness.ts. */
export class ModelViolation extends Error {
  override readonly name = 'ModelViolation';
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}
