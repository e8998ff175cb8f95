/**
 * Reads big-endian wire values from a window of bytes.
 *
 * Invariants:
 *  1. `position ≤ end`; no read goes past `end`: it throws `WireError` truncated or badLength
 *     instead.
 *  2. Nothing is allocated in proportion to a number that the sender only claims: counts are
 *     checked against the bytes that are left, and a message holds at most `ELEMENTS_MAX` list and
 *     map elements.
 *  3. Blobs are views into the window. They die with it: copy what is kept.
 *
 * One reader is reused for many messages. It keeps a small cache of short ASCII strings, because
 * the strings of this protocol (server names, error names, table names) repeat.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { GPID_NONE, WireError, type WireGpid, type WireHostPort, WireType } from './types.ts';

/** Elements of all lists and maps of one message: far above what any operation allows. */
const ELEMENTS_MAX = 1 << 20;
/** Nesting in fields that are skipped; what we declare nests three deep. */
const DEPTH_MAX = 16;
const CACHE_SLOTS = 256;
const CACHED_LENGTH_MAX = 48;
const TWO_POW_32 = 4294967296;

export class Reader {
  bytes: Uint8Array = EMPTY_BYTES;
  view: DataView = new DataView(EMPTY_BYTES.buffer);
  position = 0;
  end = 0;
  private elements = 0;
  private readonly strings: string[] = new Array<string>(CACHE_SLOTS).fill('');

  /** Starts at `bytes[start]`; `end` is exclusive. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError('a reader window lies within its bytes');
    }
    this.position = start;
    this.end = end;
    this.elements = 0;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Position of the next `size` bytes, which are skipped over. */
  take(size: number): number {
    const at = this.position;
    const next = at + size;
    if (next > this.end) throw truncated();
    this.position = next;
    return at;
  }

  readU8(): number {
    const at = this.take(1);
    return this.bytes[at]!;
  }

  readI8(): number {
    return (this.readU8() << 24) >> 24;
  }

  readBool(): boolean {
    return this.readU8() !== 0;
  }

  readI16(): number {
    const at = this.take(2);
    return this.view.getInt16(at);
  }

  readU16(): number {
    const at = this.take(2);
    return this.view.getUint16(at);
  }

  readI32(): number {
    const at = this.take(4);
    return this.view.getInt32(at);
  }

  readU32(): number {
    const at = this.take(4);
    return this.view.getUint32(at);
  }

  /** A 64-bit number that must be a safe integer. */
  readI64(): number {
    const at = this.take(8);
    const value = this.view.getInt32(at) * TWO_POW_32 + this.view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) {
      throw new WireError('unsafeInteger', 'a 64-bit number is outside the safe range');
    }
    return value;
  }

  readI64Big(): bigint {
    const at = this.take(8);
    return this.view.getBigInt64(at);
  }

  readDouble(): number {
    const at = this.take(8);
    return this.view.getFloat64(at);
  }

  /** i32 length + bytes, as a view. */
  readBlob(): Uint8Array {
    const length = this.readLength();
    const at = this.take(length);
    if (length === 0) return EMPTY_BYTES;
    const bytes = this.bytes;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
  }

  /** i32 length + UTF-8; what is ill-formed becomes U+FFFD. */
  readString(): string {
    const length = this.readLength();
    const at = this.take(length);
    if (length === 0) return '';
    if (length > CACHED_LENGTH_MAX) return decodeUtf8(this.bytes, at, at + length);
    return this.readShortString(at, length);
  }

  readGpid(): WireGpid {
    const at = this.take(8);
    const partitionIndex = this.view.getInt32(at);
    const appId = this.view.getInt32(at + 4);
    return appId === 0 && partitionIndex === 0 ? GPID_NONE : { appId, partitionIndex };
  }

  /** An i64: IPv4 address, port, kind in the low two bits. Null unless it is an IPv4 address. */
  readRpcAddress(): WireHostPort | null {
    const at = this.take(8);
    const port = this.view.getUint16(at + 4);
    const kind = this.view.getUint16(at + 6) & 3;
    if (kind !== 1) return null;
    const bytes = this.bytes;
    return { host: `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`, port };
  }

  /** String host, u16 port, i8 kind. Null unless the kind is "host". */
  readHostPort(): WireHostPort | null {
    const host = this.readString();
    const port = this.readU16();
    const kind = this.readU8();
    return kind === 1 && host.length > 0 ? { host, port } : null;
  }

  /** Field id × 256 + type byte of the next field, 0 at the end of the struct. */
  readFieldTag(): number {
    const type = this.readU8();
    if (type === WireType.stop) return 0;
    return (this.readI16() << 8) | type;
  }

  /**
   * Number of elements of the list that follows. `minimumBytes` is the least that one element
   * takes. `alternative` is a second type byte that is fine too.
   */
  readListHeader(type: number, alternative: number, minimumBytes: number): number {
    const found = this.readU8();
    const count = this.readCount(minimumBytes);
    if (count > 0 && found !== type && found !== alternative) throw wrongElementType();
    return count;
  }

  readMapHeader(keyType: number, valueType: number, minimumBytes: number): number {
    const foundKey = this.readU8();
    const foundValue = this.readU8();
    const count = this.readCount(minimumBytes);
    if (count > 0 && (foundKey !== keyType || foundValue !== valueType)) throw wrongElementType();
    return count;
  }

  private readCount(minimumBytes: number): number {
    const count = this.readI32();
    if (count < 0 || count * minimumBytes > this.remaining) {
      throw new WireError('badLength', 'a count cannot fit into the rest of the message');
    }
    this.elements += count;
    if (this.elements > ELEMENTS_MAX) {
      throw new WireError('tooManyElements', 'a message has too many list elements');
    }
    return count;
  }

  /** Skips the value of a field that is not known or has an unexpected type. */
  skipField(tag: number): void {
    this.skip(tag & 0xff, 0);
  }

  private skip(type: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new WireError('tooDeep', 'an unknown field nests too deep');
    switch (type) {
      case WireType.bool:
      case WireType.i8:
        this.take(1);
        return;
      case WireType.i16:
        this.take(2);
        return;
      case WireType.i32:
        this.take(4);
        return;
      case WireType.double:
      case WireType.i64:
        this.take(8);
        return;
      case WireType.string:
        this.take(this.readLength());
        return;
      case WireType.struct:
        this.skipStruct(depth + 1);
        return;
      case WireType.list:
      case WireType.set: {
        const elementType = this.readU8();
        const count = this.readCount(minimumSize(elementType));
        for (let index = 0; index < count; index++) this.skip(elementType, depth + 1);
        return;
      }
      case WireType.map: {
        const keyType = this.readU8();
        const valueType = this.readU8();
        const count = this.readCount(minimumSize(keyType) + minimumSize(valueType));
        for (let index = 0; index < count; index++) {
          this.skip(keyType, depth + 1);
          this.skip(valueType, depth + 1);
        }
        return;
      }
      default:
        throw new WireError('badType', 'a field has a type byte that does not exist');
    }
  }

  /**
   * A custom base type travels under the same type byte but has no field headers, so it cannot be
   * told from a struct for sure. All with a length prefix below 2^24 start with a zero byte, as an
   * empty struct does: that case is refused rather than guessed, because a wrong guess would shift
   * all that follows.
   */
  private skipStruct(depth: number): void {
    if (this.position < this.end && this.bytes[this.position] === WireType.stop) {
      throw new WireError('unskippable', 'the end of an unknown field cannot be told');
    }
    for (let tag = this.readFieldTag(); tag !== 0; tag = this.readFieldTag()) {
      this.skip(tag & 0xff, depth);
    }
  }

  private readLength(): number {
    const length = this.readI32();
    if (length < 0) throw new WireError('badLength', 'a length is negative');
    return length;
  }

  private readShortString(at: number, length: number): string {
    const bytes = this.bytes;
    let hash = length;
    for (let index = 0; index < length; index++) {
      hash = (Math.imul(hash, 31) + bytes[at + index]!) | 0;
    }
    const slot = hash & (CACHE_SLOTS - 1);
    const cached = this.strings[slot]!;
    if (isSameAscii(cached, bytes, at, length)) return cached;
    const text = decodeUtf8(bytes, at, at + length);
    if (text.length === length) this.strings[slot] = text;
    return text;
  }
}

/**
 * A byte above 0x7f equals no character of a cached text, unless both are ill-formed: then it is
 * never cached.
 */
function isSameAscii(text: string, bytes: Uint8Array, at: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[at + index]) return false;
  }
  return true;
}

function minimumSize(type: number): number {
  switch (type) {
    case WireType.i16:
      return 2;
    case WireType.i32:
    case WireType.string:
      return 4;
    case WireType.i64:
    case WireType.double:
      return 8;
    case WireType.list:
    case WireType.set:
      return 5;
    case WireType.map:
      return 6;
    default:
      return 1;
  }
}

function truncated(): WireError {
  return new WireError('truncated', 'the message ends before its last value');
}

function wrongElementType(): WireError {
  return new WireError('badType', 'a list or map has elements of an unexpected type');
}
