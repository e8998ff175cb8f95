/** What both ends of a connection between servers do first: magic, Hello, and the judgement of the other's Hello. */
import type { Hello } from '../wire/generated/internal.ts';
import {
  enterInternalFrame,
  INTERNAL_MAGIC,
  INTERNAL_PROTOCOL_VERSION,
  internalFrameSize,
  readInternalMessage,
  writeInternalFrame,
} from '../wire/internal-frame.ts';
import type { Reader } from '../wire/reader.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { WireError } from '../wire/types.ts';
import type { Writer } from '../wire/writer.ts';
import type { FrameParser } from './frame-buffer.ts';

const MAGIC_BYTES = 4;

export function writeGreeting(writer: Writer, hello: Hello): void {
  writer.writeI32(INTERNAL_MAGIC);
  writeInternalFrame(writer, InternalMessage.hello, hello);
}

/** Why a peer is refused, or null when it is one of us. */
export function refusalOf(own: Hello, other: Hello): string | null {
  if (other.protocolVersion !== INTERNAL_PROTOCOL_VERSION) return 'other protocol version';
  if (other.clusterName !== own.clusterName) return 'other cluster';
  if (other.nodeId.length === 0) return 'no node id';
  return null;
}

export interface InternalStreamSink {
  /** The first frame. False to stop. */
  onHello(hello: Hello): boolean;
  /** A later frame, with its payload at the reader. False to stop. */
  onInternalFrame(type: number, reader: Reader): boolean;
}

/** The grammar of one direction: magic, Hello, frames. The magic counts as a frame of four bytes. */
export class InternalStreamParser implements FrameParser {
  readonly #frameBytesMax: number;
  readonly #sink: InternalStreamSink;
  #stage: 'magic' | 'hello' | 'frames' = 'magic';

  constructor(frameBytesMax: number, sink: InternalStreamSink) {
    this.#frameBytesMax = frameBytesMax;
    this.#sink = sink;
  }

  frameSize(reader: Reader): number {
    if (this.#stage === 'magic') return reader.remaining < MAGIC_BYTES ? 0 : MAGIC_BYTES;
    return internalFrameSize(reader, this.#frameBytesMax);
  }

  onFrame(reader: Reader, size: number): boolean {
    if (this.#stage === 'frames') {
      return this.#sink.onInternalFrame(enterInternalFrame(reader, size), reader);
    }
    if (this.#stage === 'magic') {
      if (reader.readU32() !== INTERNAL_MAGIC) {
        throw new WireError('badFrame', 'a connection between servers does not start with PGI1');
      }
      this.#stage = 'hello';
      return true;
    }
    if (enterInternalFrame(reader, size) !== InternalMessage.hello) {
      throw new WireError('badFrame', 'the first message between servers is no hello');
    }
    this.#stage = 'frames';
    return this.#sink.onHello(readInternalMessage(reader, InternalMessage.hello));
  }
}
