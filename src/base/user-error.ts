/**
 * A mistake that the person in front of the machine can mend: one sentence that says what is wrong
 * and one that says what to do. Shown without a stack; the process ends with a non-zero code.
 * Everything else that escapes is a bug and is shown with its stack.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  /** What to do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** As it is shown: what is wrong, then what to do. */
export function userErrorText(error: UserError): string {
  return error.remedy === '' ? error.message : `${error.message}\n  ${error.remedy}`;
}
