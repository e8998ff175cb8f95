/**
 * One target for each declared struct of the three schemas. What is read has the declared types, is no larger than
 * its bytes explain, and is the same after it was written and read again; and from then on the bytes are the same too.
 */
import type { SeededRandom } from '../../src/base/prng.ts';
import * as internal from '../../src/wire/generated/internal.ts';
import * as meta from '../../src/wire/generated/meta.ts';
import * as rrdb from '../../src/wire/generated/rrdb.ts';
import { Reader } from '../../src/wire/reader.ts';
import type { Struct } from '../../src/wire/schema/schema.ts';
import { WireError } from '../../src/wire/types.ts';
import { Writer } from '../../src/wire/writer.ts';
import { checkStruct, isSame, randomStruct, STRUCTS, sizeOf } from './schema-values.ts';
import { type Coverage, expect, type FuzzTarget } from './target.ts';

const CODECS: Readonly<Record<string, unknown>> = { ...rrdb, ...meta, ...internal };

/** The most fields that a struct has, and room: one byte of a list can be a struct of nothing but zeros. */
const SIZE_PER_BYTE_MAX = 64;
const SIZE_MIN = 256;

class StructTarget implements FuzzTarget {
  readonly name: string;
  readonly #struct: Struct;
  readonly #seen: Set<string>;
  readonly #reader = new Reader();
  readonly #read: (reader: Reader) => unknown;
  readonly #write: (writer: Writer, value: unknown) => void;

  constructor(struct: Struct, seen: Set<string>) {
    this.name = `struct ${struct.name}`;
    this.#struct = struct;
    this.#seen = seen;
    this.#read = CODECS[`read${struct.name}`] as (reader: Reader) => unknown;
    this.#write = CODECS[`write${struct.name}`] as (writer: Writer, value: unknown) => void;
  }

  seed(random: SeededRandom): Uint8Array {
    return this.#encode(randomStruct(this.#struct, random));
  }

  run(bytes: Uint8Array): boolean {
    let value: unknown;
    try {
      value = this.#decode(bytes);
    } catch (error) {
      if (error instanceof WireError) return false;
      throw error;
    }
    checkStruct(this.#struct, value, this.#seen);
    const sizeMax = SIZE_MIN + SIZE_PER_BYTE_MAX * bytes.length;
    expect(sizeOf(value) <= sizeMax, `${this.#struct.name} is larger than its bytes explain`);
    const canonical = this.#encode(value);
    const again = this.#decode(canonical);
    expect(isSame(value, again), `${this.#struct.name} is another one when it is read again`);
    const stable = isSame(this.#encode(again), canonical);
    expect(stable, `${this.#struct.name} has two encodings`);
    return true;
  }

  #decode(bytes: Uint8Array): unknown {
    this.#reader.reset(bytes, 0, bytes.length);
    return this.#read(this.#reader);
  }

  #encode(value: unknown): Uint8Array {
    const writer = new Writer();
    this.#write(writer, value);
    return writer.take();
  }
}

export class StructTargets {
  readonly targets: readonly FuzzTarget[];
  readonly #seen = new Set<string>();

  constructor() {
    this.targets = STRUCTS.map((struct) => new StructTarget(struct, this.#seen));
  }

  /** Fields that were read with another value than their zero. */
  coverage(): Coverage {
    const declared = STRUCTS.flatMap(({ name, fields }) =>
      fields.map((field) => `${name}.${field.name}`),
    );
    const missing = declared.filter((field) => !this.#seen.has(field));
    const met = declared.length - missing.length;
    return { name: 'fields of all schemas', met, declared: declared.length, missing };
  }
}
