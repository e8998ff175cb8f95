/**
 * Frames between the servers of one cluster, on the same port as everything else.
 *
 *   stream   "PGI1" · frame …
 *   frame    u32 length of what follows · u8 type · u8 flags (0) · u16 reserved (0) · payload
 *
 * The payload is the struct that belongs to the type (`schema/internal.ts`), without any wrapping. Flags and the
 * reserved bytes are written as 0 and ignored when read. A type that is not known is skipped by its length: a newer
 * server may send it. The first frame is a Hello.
 */
import {
  type Beacon,
  type BeaconAck,
  type CommitAnswer,
  type CommitQuery,
  type ConfigurationPush,
  type ConfigurationQuery,
  type ConfigurationTold,
  type ConfigurationUpdate,
  type FileChunk,
  type FileRequest,
  type GroupCheck,
  type GroupCheckAck,
  type Hello,
  type InventoryAnswer,
  type InventoryRequest,
  type LeadPromise,
  type LeadPromiseRequest,
  type LearnCheckpoint,
  type LearnMutations,
  type LearnRequest,
  type Prepare,
  type PrepareAck,
  type ReplicaForget,
  type ReplicaReport,
  readBeacon,
  readBeaconAck,
  readCommitAnswer,
  readCommitQuery,
  readConfigurationPush,
  readConfigurationQuery,
  readConfigurationTold,
  readConfigurationUpdate,
  readFileChunk,
  readFileRequest,
  readGroupCheck,
  readGroupCheckAck,
  readHello,
  readInventoryAnswer,
  readInventoryRequest,
  readLeadPromise,
  readLeadPromiseRequest,
  readLearnCheckpoint,
  readLearnMutations,
  readLearnRequest,
  readPrepare,
  readPrepareAck,
  readReplicaForget,
  readReplicaReport,
  readWitnessAnswer,
  readWitnessRequest,
  type WitnessAnswer,
  type WitnessRequest,
  writeBeacon,
  writeBeaconAck,
  writeCommitAnswer,
  writeCommitQuery,
  writeConfigurationPush,
  writeConfigurationQuery,
  writeConfigurationTold,
  writeConfigurationUpdate,
  writeFileChunk,
  writeFileRequest,
  writeGroupCheck,
  writeGroupCheckAck,
  writeHello,
  writeInventoryAnswer,
  writeInventoryRequest,
  writeLeadPromise,
  writeLeadPromiseRequest,
  writeLearnCheckpoint,
  writeLearnMutations,
  writeLearnRequest,
  writePrepare,
  writePrepareAck,
  writeReplicaForget,
  writeReplicaReport,
  writeWitnessAnswer,
  writeWitnessRequest,
} from './generated/internal.ts';
import type { Reader } from './reader.ts';
import { InternalMessage } from './schema/internal.ts';
import { WireError } from './types.ts';
import type { Writer } from './writer.ts';

export const INTERNAL_MAGIC = 0x50474931;
export const INTERNAL_PROTOCOL_VERSION = 1;
/** Length, type, flags, reserved. */
const INTERNAL_HEADER_BYTES = 8;
/** What the length counts besides the payload. */
const COUNTED_HEADER_BYTES = INTERNAL_HEADER_BYTES - 4;

/** The struct of each message. */
export interface InternalMessageMap {
  readonly [InternalMessage.hello]: Hello;
  readonly [InternalMessage.beacon]: Beacon;
  readonly [InternalMessage.beaconAck]: BeaconAck;
  readonly [InternalMessage.replicaReport]: ReplicaReport;
  readonly [InternalMessage.configurationUpdate]: ConfigurationUpdate;
  readonly [InternalMessage.configurationPush]: ConfigurationPush;
  readonly [InternalMessage.replicaForget]: ReplicaForget;
  readonly [InternalMessage.prepare]: Prepare;
  readonly [InternalMessage.prepareAck]: PrepareAck;
  readonly [InternalMessage.groupCheck]: GroupCheck;
  readonly [InternalMessage.groupCheckAck]: GroupCheckAck;
  readonly [InternalMessage.learnRequest]: LearnRequest;
  readonly [InternalMessage.learnMutations]: LearnMutations;
  readonly [InternalMessage.learnCheckpoint]: LearnCheckpoint;
  readonly [InternalMessage.fileRequest]: FileRequest;
  readonly [InternalMessage.fileChunk]: FileChunk;
  readonly [InternalMessage.witnessRequest]: WitnessRequest;
  readonly [InternalMessage.witnessAnswer]: WitnessAnswer;
  readonly [InternalMessage.configurationQuery]: ConfigurationQuery;
  readonly [InternalMessage.configurationTold]: ConfigurationTold;
  readonly [InternalMessage.leadPromiseRequest]: LeadPromiseRequest;
  readonly [InternalMessage.leadPromise]: LeadPromise;
  readonly [InternalMessage.commitQuery]: CommitQuery;
  readonly [InternalMessage.commitAnswer]: CommitAnswer;
  readonly [InternalMessage.inventoryRequest]: InventoryRequest;
  readonly [InternalMessage.inventoryAnswer]: InventoryAnswer;
}

interface InternalCodec<T> {
  readonly read: (reader: Reader) => T;
  readonly write: (writer: Writer, message: T) => void;
}

type InternalCodecs = { readonly [T in InternalMessage]: InternalCodec<InternalMessageMap[T]> };

const CODECS: InternalCodecs = {
  [InternalMessage.hello]: { read: readHello, write: writeHello },
  [InternalMessage.beacon]: { read: readBeacon, write: writeBeacon },
  [InternalMessage.beaconAck]: { read: readBeaconAck, write: writeBeaconAck },
  [InternalMessage.replicaReport]: { read: readReplicaReport, write: writeReplicaReport },
  [InternalMessage.configurationUpdate]: {
    read: readConfigurationUpdate,
    write: writeConfigurationUpdate,
  },
  [InternalMessage.configurationPush]: {
    read: readConfigurationPush,
    write: writeConfigurationPush,
  },
  [InternalMessage.replicaForget]: { read: readReplicaForget, write: writeReplicaForget },
  [InternalMessage.prepare]: { read: readPrepare, write: writePrepare },
  [InternalMessage.prepareAck]: { read: readPrepareAck, write: writePrepareAck },
  [InternalMessage.groupCheck]: { read: readGroupCheck, write: writeGroupCheck },
  [InternalMessage.groupCheckAck]: { read: readGroupCheckAck, write: writeGroupCheckAck },
  [InternalMessage.learnRequest]: { read: readLearnRequest, write: writeLearnRequest },
  [InternalMessage.learnMutations]: { read: readLearnMutations, write: writeLearnMutations },
  [InternalMessage.learnCheckpoint]: { read: readLearnCheckpoint, write: writeLearnCheckpoint },
  [InternalMessage.fileRequest]: { read: readFileRequest, write: writeFileRequest },
  [InternalMessage.fileChunk]: { read: readFileChunk, write: writeFileChunk },
  [InternalMessage.witnessRequest]: { read: readWitnessRequest, write: writeWitnessRequest },
  [InternalMessage.witnessAnswer]: { read: readWitnessAnswer, write: writeWitnessAnswer },
  [InternalMessage.configurationQuery]: {
    read: readConfigurationQuery,
    write: writeConfigurationQuery,
  },
  [InternalMessage.configurationTold]: {
    read: readConfigurationTold,
    write: writeConfigurationTold,
  },
  [InternalMessage.leadPromiseRequest]: {
    read: readLeadPromiseRequest,
    write: writeLeadPromiseRequest,
  },
  [InternalMessage.leadPromise]: { read: readLeadPromise, write: writeLeadPromise },
  [InternalMessage.commitQuery]: { read: readCommitQuery, write: writeCommitQuery },
  [InternalMessage.commitAnswer]: { read: readCommitAnswer, write: writeCommitAnswer },
  [InternalMessage.inventoryRequest]: { read: readInventoryRequest, write: writeInventoryRequest },
  [InternalMessage.inventoryAnswer]: { read: readInventoryAnswer, write: writeInventoryAnswer },
};

export function isInternalMessage(type: number): type is InternalMessage {
  return type in CODECS;
}

/** Begins a frame; the caller writes the payload, then `finishInternalFrame` with what this returned. */
export function beginInternalFrame(writer: Writer, type: InternalMessage): number {
  const mark = writer.length;
  writer.writeI32(0);
  writer.writeI32(type << 24);
  return mark;
}

export function finishInternalFrame(writer: Writer, mark: number): void {
  writer.patchI32(mark, writer.length - mark - 4);
}

export function writeInternalFrame<T extends InternalMessage>(
  writer: Writer,
  type: T,
  message: InternalMessageMap[T],
): void {
  const mark = beginInternalFrame(writer, type);
  const codec: InternalCodec<InternalMessageMap[T]> = CODECS[type];
  codec.write(writer, message);
  finishInternalFrame(writer, mark);
}

/** Bytes of the frame at the reader with its header, 0 while its length is incomplete. */
export function internalFrameSize(reader: Reader, frameBytesMax: number): number {
  if (reader.remaining < 4) return 0;
  const counted = reader.view.getUint32(reader.position);
  if (counted < COUNTED_HEADER_BYTES) {
    throw new WireError('badFrame', 'an internal frame is too short for its header');
  }
  const size = counted + 4;
  if (size > frameBytesMax) throw new WireError('tooLarge', 'a frame is above the size limit');
  return size;
}

/** Enters the frame of `size` bytes: the reader ends with it and stands on its payload. Returns the type. */
export function enterInternalFrame(reader: Reader, size: number): number {
  const start = reader.take(INTERNAL_HEADER_BYTES);
  reader.end = start + size;
  return reader.bytes[start + 4]!;
}

export function readInternalMessage<T extends InternalMessage>(
  reader: Reader,
  type: T,
): InternalMessageMap[T] {
  const codec: InternalCodec<InternalMessageMap[T]> = CODECS[type];
  return codec.read(reader);
}
