/**
 * Which complaints a server is entitled to: those that follow from a fault of its own disk.
 *
 * A start that fails, like an `error` event, is a violation by itself. A disk that refuses to be
 * written lets no server start, which has to say why in words for its operator; only these words, on
 * that machine, while the fault is there or has just ended, are expected. A damaged or failing disk
 * costs replicas, which is a warning; an `error` event is expected only of replicas that were told of
 * another history than theirs.
 */
export type TroubleKind = 'diskFull' | 'diskReadOnly' | 'diskError' | 'journalRot' | 'otherHistory';

const START_ERRORS: Readonly<Record<TroubleKind, RegExp>> = {
  diskFull: /^(UserError|StateStoreError): The disk of the (data )?folder \S+ is full/,
  diskReadOnly: /^(UserError|StateStoreError): .*(cannot be read and written|cannot be opened)/,
  diskError: /^(UserError|StateStoreError): .*cannot be (used|opened)/,
  journalRot: /^StateStoreError: .*(is damaged|is corrupt)/,
  otherHistory: /^(?!)/,
};

const HISTORY_ERRORS = /^replica\.failed .*"reason":"diverged: /;

/** A start that fails late was stopped by what was there when it began. */
const AFTERMATH_US = 15_000_000;

interface Trouble {
  readonly machine: string;
  readonly kind: TroubleKind;
  endUs: number;
}

export class ExpectedTrouble {
  readonly #nowUs: () => number;
  readonly #troubles: Trouble[] = [];
  /** How often each kind was the reason of a start that failed. */
  readonly counts: Map<TroubleKind, number> = new Map();

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Returns how to end it. */
  begin(machine: string, kind: TroubleKind): () => void {
    const trouble: Trouble = { machine, kind, endUs: Number.POSITIVE_INFINITY };
    this.#troubles.push(trouble);
    return () => {
      trouble.endUs = Math.min(trouble.endUs, this.#nowUs() + AFTERMATH_US);
    };
  }

  explainsStart(machine: string, error: unknown): boolean {
    const text = String(error);
    return this.#explains(machine, ({ kind }) => START_ERRORS[kind].test(text));
  }

  /** An `error` event and what it tells. */
  explainsErrorLog(machine: string, text: string): boolean {
    return this.#explains(
      machine,
      ({ kind }) => kind === 'otherHistory' && HISTORY_ERRORS.test(text),
    );
  }

  #explains(machine: string, isMeant: (trouble: Trouble) => boolean): boolean {
    const trouble = this.#troubles.find(
      (one) => one.machine === machine && this.#nowUs() <= one.endUs && isMeant(one),
    );
    if (trouble === undefined) return false;
    this.counts.set(trouble.kind, (this.counts.get(trouble.kind) ?? 0) + 1);
    return true;
  }
}
