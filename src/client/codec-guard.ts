/** A codec in use: what it throws becomes an error of the client that names the table and the part of the row. */
import type { AnyCodec, Codec, In, Out } from './codec.ts';
import { BadValueError, InvalidArgumentError, NO_DETAILS, PegasusError } from './errors.ts';

export class CodecGuard<C extends AnyCodec> {
  readonly #table: string;
  readonly #what: string;
  readonly #codec: Codec<Out<C>, In<C>>;

  /** `what`: e.g. `sort key`. */
  constructor(table: string, what: string, codec: C) {
    this.#table = table;
    this.#what = what;
    // `In` and `Out` are read off the codec's own functions.
    this.#codec = codec as unknown as Codec<Out<C>, In<C>>;
  }

  encode(value: In<C>): Uint8Array {
    try {
      return this.#codec.encode(value);
    } catch (error) {
      if (error instanceof PegasusError) throw error;
      const message = `table "${this.#table}": the ${this.#what} cannot be encoded: ${error}`;
      throw new InvalidArgumentError(message, this.#details(), { cause: error });
    }
  }

  encodeOptional(value: In<C> | undefined): Uint8Array | undefined {
    return value === undefined ? undefined : this.encode(value);
  }

  decode(bytes: Uint8Array): Out<C> {
    try {
      return this.#codec.decode(bytes);
    } catch (error) {
      const message = `table "${this.#table}": a stored ${this.#what} cannot be decoded: ${error}`;
      throw new BadValueError(message, this.#details(), { cause: error });
    }
  }

  decodeOrNull(bytes: Uint8Array | null): Out<C> | null {
    return bytes === null ? null : this.decode(bytes);
  }

  #details(): typeof NO_DETAILS {
    return { ...NO_DETAILS, table: this.#table };
  }
}
