/** What a message is on the wire, written by the generated code: for tests of those who read it on their own. */
import { Writer } from '../../src/wire/writer.ts';

export function payloadOf<T>(write: (writer: Writer, value: T) => void, value: T): Uint8Array {
  const writer = new Writer();
  write(writer, value);
  return writer.take();
}
