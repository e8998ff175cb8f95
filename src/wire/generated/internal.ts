/**
 * Made from src/wire/schema/internal.ts by scripts/generate-wire.ts; do not edit.
 */
import { EMPTY_BYTES } from '../../base/bytes.ts';
import type { Reader } from '../reader.ts';
import { GPID_NONE, type WireGpid, type WireHostPort } from '../types.ts';
import type { Writer } from '../writer.ts';

const EMPTY_LIST: readonly never[] = [];

/** First message of each side of an internal connection. */
export interface Hello {
  readonly protocolVersion: number;
  readonly clusterName: string;
  readonly nodeId: string;
  readonly incarnation: number;
}

export function makeHello(): Hello {
  return {
    protocolVersion: 0,
    clusterName: '',
    nodeId: '',
    incarnation: 0,
  };
}

export function readHello(reader: Reader): Hello {
  let protocolVersion: number = 0;
  let clusterName: string = '';
  let nodeId: string = '';
  let incarnation: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        protocolVersion = reader.readI32();
        break;
      case 0x020b:
        clusterName = reader.readString();
        break;
      case 0x030b:
        nodeId = reader.readString();
        break;
      case 0x040a:
        incarnation = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    protocolVersion,
    clusterName,
    nodeId,
    incarnation,
  };
}

export function writeHello(writer: Writer, value: Hello): void {
  writer.writeFieldI32(0x0108, value.protocolVersion);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.clusterName);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.nodeId);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.incarnation);
  writer.writeStop();
}

/** A replica server is alive; also the request to extend its lease. */
export interface Beacon {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly address: WireHostPort | null;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly leaving: boolean;
  readonly lifeId: number;
  readonly holdsLease: boolean;
  readonly zone: string | undefined;
  readonly rack: string | undefined;
  readonly host: string | undefined;
}

export function makeBeacon(): Beacon {
  return {
    nodeId: '',
    incarnation: 0,
    sequence: 0,
    address: null,
    freeBytes: 0,
    totalBytes: 0,
    leaving: false,
    lifeId: 0,
    holdsLease: false,
    zone: undefined,
    rack: undefined,
    host: undefined,
  };
}

export function readBeacon(reader: Reader): Beacon {
  let nodeId: string = '';
  let incarnation: number = 0;
  let sequence: number = 0;
  let address: WireHostPort | null = null;
  let freeBytes: number = 0;
  let totalBytes: number = 0;
  let leaving: boolean = false;
  let lifeId: number = 0;
  let holdsLease: boolean = false;
  let zone: string | undefined;
  let rack: string | undefined;
  let host: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        nodeId = reader.readString();
        break;
      case 0x020a:
        incarnation = reader.readI64();
        break;
      case 0x030a:
        sequence = reader.readI64();
        break;
      case 0x040c:
        address = reader.readHostPort();
        break;
      case 0x050a:
        freeBytes = reader.readI64();
        break;
      case 0x060a:
        totalBytes = reader.readI64();
        break;
      case 0x0702:
        leaving = reader.readBool();
        break;
      case 0x080a:
        lifeId = reader.readI64();
        break;
      case 0x0902:
        holdsLease = reader.readBool();
        break;
      case 0x0a0b:
        zone = reader.readString();
        break;
      case 0x0b0b:
        rack = reader.readString();
        break;
      case 0x0c0b:
        host = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    nodeId,
    incarnation,
    sequence,
    address,
    freeBytes,
    totalBytes,
    leaving,
    lifeId,
    holdsLease,
    zone,
    rack,
    host,
  };
}

export function writeBeacon(writer: Writer, value: Beacon): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.nodeId);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.incarnation);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.sequence);
  writer.writeFieldTag(0x040c);
  writer.writeHostPort(value.address);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.freeBytes);
  writer.writeFieldTag(0x060a);
  writer.writeI64(value.totalBytes);
  writer.writeFieldTag(0x0702);
  writer.writeBool(value.leaving);
  writer.writeFieldTag(0x080a);
  writer.writeI64(value.lifeId);
  writer.writeFieldTag(0x0902);
  writer.writeBool(value.holdsLease);
  if (value.zone !== undefined) {
    writer.writeFieldTag(0x0a0b);
    writer.writeString(value.zone);
  }
  if (value.rack !== undefined) {
    writer.writeFieldTag(0x0b0b);
    writer.writeString(value.rack);
  }
  if (value.host !== undefined) {
    writer.writeFieldTag(0x0c0b);
    writer.writeString(value.host);
  }
  writer.writeStop();
}

/** Extends the lease that began when beacon `sequence` was sent. */
export interface BeaconAck {
  readonly sequence: number;
  readonly incarnation: number;
  readonly isLeader: boolean;
  readonly leader: WireHostPort | null;
  readonly allowed: boolean;
  readonly leaseMs: number;
  readonly metaEpoch: number;
  readonly lifeId: number;
  readonly outlived: boolean;
}

export function makeBeaconAck(): BeaconAck {
  return {
    sequence: 0,
    incarnation: 0,
    isLeader: false,
    leader: null,
    allowed: false,
    leaseMs: 0,
    metaEpoch: 0,
    lifeId: 0,
    outlived: false,
  };
}

export function readBeaconAck(reader: Reader): BeaconAck {
  let sequence: number = 0;
  let incarnation: number = 0;
  let isLeader: boolean = false;
  let leader: WireHostPort | null = null;
  let allowed: boolean = false;
  let leaseMs: number = 0;
  let metaEpoch: number = 0;
  let lifeId: number = 0;
  let outlived: boolean = false;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        sequence = reader.readI64();
        break;
      case 0x020a:
        incarnation = reader.readI64();
        break;
      case 0x0302:
        isLeader = reader.readBool();
        break;
      case 0x040c:
        leader = reader.readHostPort();
        break;
      case 0x0502:
        allowed = reader.readBool();
        break;
      case 0x0608:
        leaseMs = reader.readI32();
        break;
      case 0x070a:
        metaEpoch = reader.readI64();
        break;
      case 0x080a:
        lifeId = reader.readI64();
        break;
      case 0x0902:
        outlived = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    sequence,
    incarnation,
    isLeader,
    leader,
    allowed,
    leaseMs,
    metaEpoch,
    lifeId,
    outlived,
  };
}

export function writeBeaconAck(writer: Writer, value: BeaconAck): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.sequence);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.incarnation);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.isLeader);
  writer.writeFieldTag(0x040c);
  writer.writeHostPort(value.leader);
  writer.writeFieldTag(0x0502);
  writer.writeBool(value.allowed);
  writer.writeFieldI32(0x0608, value.leaseMs);
  writer.writeFieldTag(0x070a);
  writer.writeI64(value.metaEpoch);
  writer.writeFieldTag(0x080a);
  writer.writeI64(value.lifeId);
  writer.writeFieldTag(0x0902);
  writer.writeBool(value.outlived);
  writer.writeStop();
}

/** model/configuration.ts PartitionConfiguration; empty string = null. */
export interface ConfigurationInfo {
  readonly gpid: WireGpid;
  readonly ballot: number;
  readonly maxReplicaCount: number;
  readonly primary: string;
  readonly secondaries: readonly string[];
  readonly learner: string;
}

export function makeConfigurationInfo(): ConfigurationInfo {
  return {
    gpid: GPID_NONE,
    ballot: 0,
    maxReplicaCount: 0,
    primary: '',
    secondaries: EMPTY_LIST,
    learner: '',
  };
}

export function readConfigurationInfo(reader: Reader): ConfigurationInfo {
  let gpid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  let maxReplicaCount: number = 0;
  let primary: string = '';
  let secondaries: readonly string[] = EMPTY_LIST;
  let learner: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        ballot = reader.readI64();
        break;
      case 0x0308:
        maxReplicaCount = reader.readI32();
        break;
      case 0x040b:
        primary = reader.readString();
        break;
      case 0x050f:
        secondaries = readStringList(reader);
        break;
      case 0x060b:
        learner = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    ballot,
    maxReplicaCount,
    primary,
    secondaries,
    learner,
  };
}

export function writeConfigurationInfo(writer: Writer, value: ConfigurationInfo): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.ballot);
  writer.writeFieldI32(0x0308, value.maxReplicaCount);
  writer.writeFieldTag(0x040b);
  writer.writeString(value.primary);
  writer.writeFieldTag(0x050f);
  writeStringList(writer, value.secondaries);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.learner);
  writer.writeStop();
}

/** What a replica must know of its table. */
export interface TableInfo {
  readonly appId: number;
  readonly appName: string;
  readonly appType: string;
  readonly status: number;
  readonly partitionCount: number;
  readonly maxReplicaCount: number;
  readonly envs: ReadonlyMap<string, string>;
  readonly createSeconds: number;
  readonly dropSeconds: number;
  readonly expireSeconds: number;
  readonly atomicIdempotent: boolean;
  readonly revision: number;
}

export function makeTableInfo(): TableInfo {
  return {
    appId: 0,
    appName: '',
    appType: '',
    status: 0,
    partitionCount: 0,
    maxReplicaCount: 0,
    envs: new Map(),
    createSeconds: 0,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: false,
    revision: 0,
  };
}

export function readTableInfo(reader: Reader): TableInfo {
  let appId: number = 0;
  let appName: string = '';
  let appType: string = '';
  let status: number = 0;
  let partitionCount: number = 0;
  let maxReplicaCount: number = 0;
  let envs: ReadonlyMap<string, string> = new Map();
  let createSeconds: number = 0;
  let dropSeconds: number = 0;
  let expireSeconds: number = 0;
  let atomicIdempotent: boolean = false;
  let revision: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        appId = reader.readI32();
        break;
      case 0x020b:
        appName = reader.readString();
        break;
      case 0x030b:
        appType = reader.readString();
        break;
      case 0x0408:
        status = reader.readI32();
        break;
      case 0x0508:
        partitionCount = reader.readI32();
        break;
      case 0x0608:
        maxReplicaCount = reader.readI32();
        break;
      case 0x070d:
        envs = readStringStringMap(reader);
        break;
      case 0x080a:
        createSeconds = reader.readI64();
        break;
      case 0x090a:
        dropSeconds = reader.readI64();
        break;
      case 0x0a0a:
        expireSeconds = reader.readI64();
        break;
      case 0x0b02:
        atomicIdempotent = reader.readBool();
        break;
      case 0x0c0a:
        revision = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appId,
    appName,
    appType,
    status,
    partitionCount,
    maxReplicaCount,
    envs,
    createSeconds,
    dropSeconds,
    expireSeconds,
    atomicIdempotent,
    revision,
  };
}

export function writeTableInfo(writer: Writer, value: TableInfo): void {
  writer.writeFieldI32(0x0108, value.appId);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.appName);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.appType);
  writer.writeFieldI32(0x0408, value.status);
  writer.writeFieldI32(0x0508, value.partitionCount);
  writer.writeFieldI32(0x0608, value.maxReplicaCount);
  writer.writeFieldTag(0x070d);
  writeStringStringMap(writer, value.envs);
  writer.writeFieldTag(0x080a);
  writer.writeI64(value.createSeconds);
  writer.writeFieldTag(0x090a);
  writer.writeI64(value.dropSeconds);
  writer.writeFieldTag(0x0a0a);
  writer.writeI64(value.expireSeconds);
  writer.writeFieldTag(0x0b02);
  writer.writeBool(value.atomicIdempotent);
  writer.writeFieldTag(0x0c0a);
  writer.writeI64(value.revision);
  writer.writeStop();
}

/** All that a replica server holds; sent regularly and after a change. */
export interface ReplicaReport {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly replicas: readonly ReplicaState[];
  readonly sequence: number;
}

export function makeReplicaReport(): ReplicaReport {
  return {
    nodeId: '',
    incarnation: 0,
    replicas: EMPTY_LIST,
    sequence: 0,
  };
}

export function readReplicaReport(reader: Reader): ReplicaReport {
  let nodeId: string = '';
  let incarnation: number = 0;
  let replicas: readonly ReplicaState[] = EMPTY_LIST;
  let sequence: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        nodeId = reader.readString();
        break;
      case 0x020a:
        incarnation = reader.readI64();
        break;
      case 0x030f:
        replicas = readReplicaStateList(reader);
        break;
      case 0x040a:
        sequence = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    nodeId,
    incarnation,
    replicas,
    sequence,
  };
}

export function writeReplicaReport(writer: Writer, value: ReplicaReport): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.nodeId);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.incarnation);
  writer.writeFieldTag(0x030f);
  writeReplicaStateList(writer, value.replicas);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.sequence);
  writer.writeStop();
}

/** One replica on one server. */
export interface ReplicaState {
  readonly gpid: WireGpid;
  readonly ballot: number;
  readonly status: number;
  readonly lastCommittedDecree: number;
  readonly lastPreparedDecree: number;
  readonly appliedDecree: number;
  readonly durableDecree: number;
  readonly learnId: number;
  readonly dataBytes: number;
  readonly failure: string;
  readonly tailUnproven: boolean;
  readonly headBallot: number;
  readonly headDigest: number;
  readonly compactedSeconds: number;
  readonly capacityUnits: number;
  readonly fetchedBytes: number;
}

export function makeReplicaState(): ReplicaState {
  return {
    gpid: GPID_NONE,
    ballot: 0,
    status: 0,
    lastCommittedDecree: 0,
    lastPreparedDecree: 0,
    appliedDecree: 0,
    durableDecree: 0,
    learnId: 0,
    dataBytes: 0,
    failure: '',
    tailUnproven: false,
    headBallot: 0,
    headDigest: 0,
    compactedSeconds: 0,
    capacityUnits: 0,
    fetchedBytes: 0,
  };
}

export function readReplicaState(reader: Reader): ReplicaState {
  let gpid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  let status: number = 0;
  let lastCommittedDecree: number = 0;
  let lastPreparedDecree: number = 0;
  let appliedDecree: number = 0;
  let durableDecree: number = 0;
  let learnId: number = 0;
  let dataBytes: number = 0;
  let failure: string = '';
  let tailUnproven: boolean = false;
  let headBallot: number = 0;
  let headDigest: number = 0;
  let compactedSeconds: number = 0;
  let capacityUnits: number = 0;
  let fetchedBytes: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        ballot = reader.readI64();
        break;
      case 0x0308:
        status = reader.readI32();
        break;
      case 0x040a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x050a:
        lastPreparedDecree = reader.readI64();
        break;
      case 0x060a:
        appliedDecree = reader.readI64();
        break;
      case 0x070a:
        durableDecree = reader.readI64();
        break;
      case 0x080a:
        learnId = reader.readI64();
        break;
      case 0x090a:
        dataBytes = reader.readI64();
        break;
      case 0x0a0b:
        failure = reader.readString();
        break;
      case 0x0b02:
        tailUnproven = reader.readBool();
        break;
      case 0x0c0a:
        headBallot = reader.readI64();
        break;
      case 0x0d08:
        headDigest = reader.readI32();
        break;
      case 0x0e0a:
        compactedSeconds = reader.readI64();
        break;
      case 0x0f0a:
        capacityUnits = reader.readI64();
        break;
      case 0x100a:
        fetchedBytes = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    ballot,
    status,
    lastCommittedDecree,
    lastPreparedDecree,
    appliedDecree,
    durableDecree,
    learnId,
    dataBytes,
    failure,
    tailUnproven,
    headBallot,
    headDigest,
    compactedSeconds,
    capacityUnits,
    fetchedBytes,
  };
}

export function writeReplicaState(writer: Writer, value: ReplicaState): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.ballot);
  writer.writeFieldI32(0x0308, value.status);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.lastPreparedDecree);
  writer.writeFieldTag(0x060a);
  writer.writeI64(value.appliedDecree);
  writer.writeFieldTag(0x070a);
  writer.writeI64(value.durableDecree);
  writer.writeFieldTag(0x080a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x090a);
  writer.writeI64(value.dataBytes);
  writer.writeFieldTag(0x0a0b);
  writer.writeString(value.failure);
  writer.writeFieldTag(0x0b02);
  writer.writeBool(value.tailUnproven);
  writer.writeFieldTag(0x0c0a);
  writer.writeI64(value.headBallot);
  writer.writeFieldI32(0x0d08, value.headDigest);
  writer.writeFieldTag(0x0e0a);
  writer.writeI64(value.compactedSeconds);
  writer.writeFieldTag(0x0f0a);
  writer.writeI64(value.capacityUnits);
  writer.writeFieldTag(0x100a);
  writer.writeI64(value.fetchedBytes);
  writer.writeStop();
}

/** A primary asks for a change of its partition; compare-and-set on `ballot`. Answered by a ConfigurationPush. */
export interface ConfigurationUpdate {
  readonly gpid: WireGpid;
  readonly ballot: number;
  readonly change: number;
  readonly node: string;
  readonly lastCommittedDecree: number;
  readonly learnId: number;
  readonly reason: string;
  readonly incarnation: number;
}

export function makeConfigurationUpdate(): ConfigurationUpdate {
  return {
    gpid: GPID_NONE,
    ballot: 0,
    change: 0,
    node: '',
    lastCommittedDecree: 0,
    learnId: 0,
    reason: '',
    incarnation: 0,
  };
}

export function readConfigurationUpdate(reader: Reader): ConfigurationUpdate {
  let gpid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  let change: number = 0;
  let node: string = '';
  let lastCommittedDecree: number = 0;
  let learnId: number = 0;
  let reason: string = '';
  let incarnation: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        ballot = reader.readI64();
        break;
      case 0x0308:
        change = reader.readI32();
        break;
      case 0x040b:
        node = reader.readString();
        break;
      case 0x050a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x060a:
        learnId = reader.readI64();
        break;
      case 0x070b:
        reason = reader.readString();
        break;
      case 0x080a:
        incarnation = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    ballot,
    change,
    node,
    lastCommittedDecree,
    learnId,
    reason,
    incarnation,
  };
}

export function writeConfigurationUpdate(writer: Writer, value: ConfigurationUpdate): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.ballot);
  writer.writeFieldI32(0x0308, value.change);
  writer.writeFieldTag(0x040b);
  writer.writeString(value.node);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldTag(0x060a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x070b);
  writer.writeString(value.reason);
  writer.writeFieldTag(0x080a);
  writer.writeI64(value.incarnation);
  writer.writeStop();
}

/** The current truth of one partition, from the leader meta server. */
export interface ConfigurationPush {
  readonly metaEpoch: number;
  readonly table: TableInfo;
  readonly configuration: ConfigurationInfo;
  readonly lastCommittedDecree: number;
  readonly incarnation: number;
  readonly shouldYield: boolean;
  readonly successor: string | undefined;
}

export function makeConfigurationPush(): ConfigurationPush {
  return {
    metaEpoch: 0,
    table: makeTableInfo(),
    configuration: makeConfigurationInfo(),
    lastCommittedDecree: 0,
    incarnation: 0,
    shouldYield: false,
    successor: undefined,
  };
}

export function readConfigurationPush(reader: Reader): ConfigurationPush {
  let metaEpoch: number = 0;
  let table: TableInfo | null = null;
  let configuration: ConfigurationInfo | null = null;
  let lastCommittedDecree: number = 0;
  let incarnation: number = 0;
  let shouldYield: boolean = false;
  let successor: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        metaEpoch = reader.readI64();
        break;
      case 0x020c:
        table = readTableInfo(reader);
        break;
      case 0x030c:
        configuration = readConfigurationInfo(reader);
        break;
      case 0x040a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x050a:
        incarnation = reader.readI64();
        break;
      case 0x0602:
        shouldYield = reader.readBool();
        break;
      case 0x070b:
        successor = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    metaEpoch,
    table: table ?? makeTableInfo(),
    configuration: configuration ?? makeConfigurationInfo(),
    lastCommittedDecree,
    incarnation,
    shouldYield,
    successor,
  };
}

export function writeConfigurationPush(writer: Writer, value: ConfigurationPush): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.metaEpoch);
  writer.writeFieldTag(0x020c);
  writeTableInfo(writer, value.table);
  writer.writeFieldTag(0x030c);
  writeConfigurationInfo(writer, value.configuration);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.incarnation);
  writer.writeFieldTag(0x0602);
  writer.writeBool(value.shouldYield);
  if (value.successor !== undefined) {
    writer.writeFieldTag(0x070b);
    writer.writeString(value.successor);
  }
  writer.writeStop();
}

/** This replica belongs to no configuration: its table is dropped, or the partition is healthy without it. */
export interface ReplicaForget {
  readonly metaEpoch: number;
  readonly gpid: WireGpid;
  readonly ballot: number;
}

export function makeReplicaForget(): ReplicaForget {
  return {
    metaEpoch: 0,
    gpid: GPID_NONE,
    ballot: 0,
  };
}

export function readReplicaForget(reader: Reader): ReplicaForget {
  let metaEpoch: number = 0;
  let gpid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        metaEpoch = reader.readI64();
        break;
      case 0x020c:
        gpid = reader.readGpid();
        break;
      case 0x030a:
        ballot = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    metaEpoch,
    gpid,
    ballot,
  };
}

export function writeReplicaForget(writer: Writer, value: ReplicaForget): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.metaEpoch);
  writer.writeFieldTag(0x020c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.ballot);
  writer.writeStop();
}

/** A meta server asks somebody else whether this life of a node can still be seen. */
export interface WitnessRequest {
  readonly node: string;
  readonly incarnation: number;
  readonly address: WireHostPort | null;
}

export function makeWitnessRequest(): WitnessRequest {
  return {
    node: '',
    incarnation: 0,
    address: null,
  };
}

export function readWitnessRequest(reader: Reader): WitnessRequest {
  let node: string = '';
  let incarnation: number = 0;
  let address: WireHostPort | null = null;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        node = reader.readString();
        break;
      case 0x020a:
        incarnation = reader.readI64();
        break;
      case 0x030c:
        address = reader.readHostPort();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    node,
    incarnation,
    address,
  };
}

export function writeWitnessRequest(writer: Writer, value: WitnessRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.node);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.incarnation);
  writer.writeFieldTag(0x030c);
  writer.writeHostPort(value.address);
  writer.writeStop();
}

/** What the witness saw when it tried to connect to the node. */
export interface WitnessAnswer {
  readonly node: string;
  readonly incarnation: number;
  readonly sight: number;
}

export function makeWitnessAnswer(): WitnessAnswer {
  return {
    node: '',
    incarnation: 0,
    sight: 0,
  };
}

export function readWitnessAnswer(reader: Reader): WitnessAnswer {
  let node: string = '';
  let incarnation: number = 0;
  let sight: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        node = reader.readString();
        break;
      case 0x020a:
        incarnation = reader.readI64();
        break;
      case 0x0308:
        sight = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    node,
    incarnation,
    sight,
  };
}

export function writeWitnessAnswer(writer: Writer, value: WitnessAnswer): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.node);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.incarnation);
  writer.writeFieldI32(0x0308, value.sight);
  writer.writeStop();
}

/** A replica has reported a higher ballot than the meta server knows of: which configuration is that? */
export interface ConfigurationQuery {
  readonly metaEpoch: number;
  readonly gpid: WireGpid;
}

export function makeConfigurationQuery(): ConfigurationQuery {
  return {
    metaEpoch: 0,
    gpid: GPID_NONE,
  };
}

export function readConfigurationQuery(reader: Reader): ConfigurationQuery {
  let metaEpoch: number = 0;
  let gpid: WireGpid = GPID_NONE;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        metaEpoch = reader.readI64();
        break;
      case 0x020c:
        gpid = reader.readGpid();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    metaEpoch,
    gpid,
  };
}

export function writeConfigurationQuery(writer: Writer, value: ConfigurationQuery): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.metaEpoch);
  writer.writeFieldTag(0x020c);
  writer.writeGpid(value.gpid);
  writer.writeStop();
}

/** The newest configuration that the sender has stored. */
export interface ConfigurationTold {
  readonly configuration: ConfigurationInfo;
  readonly incarnation: number;
}

export function makeConfigurationTold(): ConfigurationTold {
  return {
    configuration: makeConfigurationInfo(),
    incarnation: 0,
  };
}

export function readConfigurationTold(reader: Reader): ConfigurationTold {
  let configuration: ConfigurationInfo | null = null;
  let incarnation: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        configuration = readConfigurationInfo(reader);
        break;
      case 0x020a:
        incarnation = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    configuration: configuration ?? makeConfigurationInfo(),
    incarnation,
  };
}

export function writeConfigurationTold(writer: Writer, value: ConfigurationTold): void {
  writer.writeFieldTag(0x010c);
  writeConfigurationInfo(writer, value.configuration);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.incarnation);
  writer.writeStop();
}

/** A meta server that has lost its store asks what the addressee holds. */
export interface InventoryRequest {
  readonly metaEpoch: number;
  readonly attempt: number;
}

export function makeInventoryRequest(): InventoryRequest {
  return {
    metaEpoch: 0,
    attempt: 0,
  };
}

export function readInventoryRequest(reader: Reader): InventoryRequest {
  let metaEpoch: number = 0;
  let attempt: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        metaEpoch = reader.readI64();
        break;
      case 0x020a:
        attempt = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    metaEpoch,
    attempt,
  };
}

export function writeInventoryRequest(writer: Writer, value: InventoryRequest): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.metaEpoch);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.attempt);
  writer.writeStop();
}

/** All that the sender holds, with what it has stored of its tables. */
export interface InventoryAnswer {
  readonly incarnation: number;
  readonly attempt: number;
  readonly tables: readonly TableInfo[];
  readonly replicas: readonly ReplicaHeld[];
}

export function makeInventoryAnswer(): InventoryAnswer {
  return {
    incarnation: 0,
    attempt: 0,
    tables: EMPTY_LIST,
    replicas: EMPTY_LIST,
  };
}

export function readInventoryAnswer(reader: Reader): InventoryAnswer {
  let incarnation: number = 0;
  let attempt: number = 0;
  let tables: readonly TableInfo[] = EMPTY_LIST;
  let replicas: readonly ReplicaHeld[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        incarnation = reader.readI64();
        break;
      case 0x020a:
        attempt = reader.readI64();
        break;
      case 0x030f:
        tables = readTableInfoList(reader);
        break;
      case 0x040f:
        replicas = readReplicaHeldList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    incarnation,
    attempt,
    tables,
    replicas,
  };
}

export function writeInventoryAnswer(writer: Writer, value: InventoryAnswer): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.incarnation);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.attempt);
  writer.writeFieldTag(0x030f);
  writeTableInfoList(writer, value.tables);
  writer.writeFieldTag(0x040f);
  writeReplicaHeldList(writer, value.replicas);
  writer.writeStop();
}

/** Part of InventoryAnswer. */
export interface ReplicaHeld {
  readonly state: ReplicaState;
  readonly configuration: ConfigurationInfo;
  readonly tableAt: number;
}

export function makeReplicaHeld(): ReplicaHeld {
  return {
    state: makeReplicaState(),
    configuration: makeConfigurationInfo(),
    tableAt: 0,
  };
}

export function readReplicaHeld(reader: Reader): ReplicaHeld {
  let state: ReplicaState | null = null;
  let configuration: ConfigurationInfo | null = null;
  let tableAt: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        state = readReplicaState(reader);
        break;
      case 0x020c:
        configuration = readConfigurationInfo(reader);
        break;
      case 0x0308:
        tableAt = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    state: state ?? makeReplicaState(),
    configuration: configuration ?? makeConfigurationInfo(),
    tableAt,
  };
}

export function writeReplicaHeld(writer: Writer, value: ReplicaHeld): void {
  writer.writeFieldTag(0x010c);
  writeReplicaState(writer, value.state);
  writer.writeFieldTag(0x020c);
  writeConfigurationInfo(writer, value.configuration);
  writer.writeFieldI32(0x0308, value.tableAt);
  writer.writeStop();
}

/** The leader asks another meta server not to begin a term for a while (meta/lead-promises.ts). */
export interface LeadPromiseRequest {
  readonly clusterId: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly holdMs: number;
  readonly metaServers: readonly string[];
}

export function makeLeadPromiseRequest(): LeadPromiseRequest {
  return {
    clusterId: '',
    epoch: 0,
    sequence: 0,
    holdMs: 0,
    metaServers: EMPTY_LIST,
  };
}

export function readLeadPromiseRequest(reader: Reader): LeadPromiseRequest {
  let clusterId: string = '';
  let epoch: number = 0;
  let sequence: number = 0;
  let holdMs: number = 0;
  let metaServers: readonly string[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        clusterId = reader.readString();
        break;
      case 0x020a:
        epoch = reader.readI64();
        break;
      case 0x030a:
        sequence = reader.readI64();
        break;
      case 0x0408:
        holdMs = reader.readI32();
        break;
      case 0x050f:
        metaServers = readStringList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    clusterId,
    epoch,
    sequence,
    holdMs,
    metaServers,
  };
}

export function writeLeadPromiseRequest(writer: Writer, value: LeadPromiseRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.clusterId);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.epoch);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.sequence);
  writer.writeFieldI32(0x0408, value.holdMs);
  writer.writeFieldTag(0x050f);
  writeStringList(writer, value.metaServers);
  writer.writeStop();
}

/** The answer: promised, or why not. */
export interface LeadPromise {
  readonly epoch: number;
  readonly sequence: number;
  readonly refusal: string;
  readonly knownEpoch: number;
}

export function makeLeadPromise(): LeadPromise {
  return {
    epoch: 0,
    sequence: 0,
    refusal: '',
    knownEpoch: 0,
  };
}

export function readLeadPromise(reader: Reader): LeadPromise {
  let epoch: number = 0;
  let sequence: number = 0;
  let refusal: string = '';
  let knownEpoch: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        epoch = reader.readI64();
        break;
      case 0x020a:
        sequence = reader.readI64();
        break;
      case 0x030b:
        refusal = reader.readString();
        break;
      case 0x040a:
        knownEpoch = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    epoch,
    sequence,
    refusal,
    knownEpoch,
  };
}

export function writeLeadPromise(writer: Writer, value: LeadPromise): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64(value.epoch);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.sequence);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.refusal);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.knownEpoch);
  writer.writeStop();
}

/** One mutation. `body` is the engine write batch; `digest` identifies it together with the decree. */
export interface Prepare {
  readonly appId: number;
  readonly partitionIndex: number;
  readonly ballot: number;
  readonly decree: number;
  readonly lastCommittedDecree: number;
  readonly timestampUs: number;
  readonly previousDigest: number;
  readonly digest: number;
  readonly body: Uint8Array;
}

export function makePrepare(): Prepare {
  return {
    appId: 0,
    partitionIndex: 0,
    ballot: 0,
    decree: 0,
    lastCommittedDecree: 0,
    timestampUs: 0,
    previousDigest: 0,
    digest: 0,
    body: EMPTY_BYTES,
  };
}

export function readPrepare(reader: Reader): Prepare {
  return {
    appId: reader.readI32(),
    partitionIndex: reader.readI32(),
    ballot: reader.readI64(),
    decree: reader.readI64(),
    lastCommittedDecree: reader.readI64(),
    timestampUs: reader.readI64(),
    previousDigest: reader.readI32(),
    digest: reader.readI32(),
    body: reader.readBlob(),
  };
}

export function writePrepare(writer: Writer, value: Prepare): void {
  writer.writeI32(value.appId);
  writer.writeI32(value.partitionIndex);
  writer.writeI64(value.ballot);
  writer.writeI64(value.decree);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeI64(value.timestampUs);
  writer.writeI32(value.previousDigest);
  writer.writeI32(value.digest);
  writer.writeBlob(value.body);
}

/** Everything up to `decree` is in the log of the sender under `ballot` (cumulative), or why not. */
export interface PrepareAck {
  readonly appId: number;
  readonly partitionIndex: number;
  readonly ballot: number;
  readonly decree: number;
  readonly result: number;
  readonly lastCommittedDecree: number;
}

export function makePrepareAck(): PrepareAck {
  return {
    appId: 0,
    partitionIndex: 0,
    ballot: 0,
    decree: 0,
    result: 0,
    lastCommittedDecree: 0,
  };
}

export function readPrepareAck(reader: Reader): PrepareAck {
  return {
    appId: reader.readI32(),
    partitionIndex: reader.readI32(),
    ballot: reader.readI64(),
    decree: reader.readI64(),
    result: reader.readI32(),
    lastCommittedDecree: reader.readI64(),
  };
}

export function writePrepareAck(writer: Writer, value: PrepareAck): void {
  writer.writeI32(value.appId);
  writer.writeI32(value.partitionIndex);
  writer.writeI64(value.ballot);
  writer.writeI64(value.decree);
  writer.writeI32(value.result);
  writer.writeI64(value.lastCommittedDecree);
}

/** The primary tells a member or learner configuration and commit point. */
export interface GroupCheck {
  readonly table: TableInfo;
  readonly configuration: ConfigurationInfo;
  readonly lastCommittedDecree: number;
  readonly digest: number;
  readonly learnId: number;
}

export function makeGroupCheck(): GroupCheck {
  return {
    table: makeTableInfo(),
    configuration: makeConfigurationInfo(),
    lastCommittedDecree: 0,
    digest: 0,
    learnId: 0,
  };
}

export function readGroupCheck(reader: Reader): GroupCheck {
  let table: TableInfo | null = null;
  let configuration: ConfigurationInfo | null = null;
  let lastCommittedDecree: number = 0;
  let digest: number = 0;
  let learnId: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        table = readTableInfo(reader);
        break;
      case 0x020c:
        configuration = readConfigurationInfo(reader);
        break;
      case 0x030a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x0408:
        digest = reader.readI32();
        break;
      case 0x050a:
        learnId = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    table: table ?? makeTableInfo(),
    configuration: configuration ?? makeConfigurationInfo(),
    lastCommittedDecree,
    digest,
    learnId,
  };
}

export function writeGroupCheck(writer: Writer, value: GroupCheck): void {
  writer.writeFieldTag(0x010c);
  writeTableInfo(writer, value.table);
  writer.writeFieldTag(0x020c);
  writeConfigurationInfo(writer, value.configuration);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldI32(0x0408, value.digest);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.learnId);
  writer.writeStop();
}

/** State of a member or learner, as seen by itself. */
export interface GroupCheckAck {
  readonly gpid: WireGpid;
  readonly ballot: number;
  readonly status: number;
  readonly lastCommittedDecree: number;
  readonly lastLoggedDecree: number;
  readonly learnId: number;
  readonly failure: string;
  readonly digest: number;
}

export function makeGroupCheckAck(): GroupCheckAck {
  return {
    gpid: GPID_NONE,
    ballot: 0,
    status: 0,
    lastCommittedDecree: 0,
    lastLoggedDecree: 0,
    learnId: 0,
    failure: '',
    digest: 0,
  };
}

export function readGroupCheckAck(reader: Reader): GroupCheckAck {
  let gpid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  let status: number = 0;
  let lastCommittedDecree: number = 0;
  let lastLoggedDecree: number = 0;
  let learnId: number = 0;
  let failure: string = '';
  let digest: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        ballot = reader.readI64();
        break;
      case 0x0308:
        status = reader.readI32();
        break;
      case 0x040a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x050a:
        lastLoggedDecree = reader.readI64();
        break;
      case 0x060a:
        learnId = reader.readI64();
        break;
      case 0x070b:
        failure = reader.readString();
        break;
      case 0x0808:
        digest = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    ballot,
    status,
    lastCommittedDecree,
    lastLoggedDecree,
    learnId,
    failure,
    digest,
  };
}

export function writeGroupCheckAck(writer: Writer, value: GroupCheckAck): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.ballot);
  writer.writeFieldI32(0x0308, value.status);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.lastLoggedDecree);
  writer.writeFieldTag(0x060a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x070b);
  writer.writeString(value.failure);
  writer.writeFieldI32(0x0808, value.digest);
  writer.writeStop();
}

/** A secondary asks its primary how far it is (replica/freshness.ts). */
export interface CommitQuery {
  readonly gpid: WireGpid;
  readonly token: number;
  readonly stampMs: number;
}

export function makeCommitQuery(): CommitQuery {
  return {
    gpid: GPID_NONE,
    token: 0,
    stampMs: 0,
  };
}

export function readCommitQuery(reader: Reader): CommitQuery {
  let gpid: WireGpid = GPID_NONE;
  let token: number = 0;
  let stampMs: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        token = reader.readI64();
        break;
      case 0x030a:
        stampMs = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    token,
    stampMs,
  };
}

export function writeCommitQuery(writer: Writer, value: CommitQuery): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.token);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.stampMs);
  writer.writeStop();
}

/** All that was acknowledged up to the stamp is at most this decree. */
export interface CommitAnswer {
  readonly gpid: WireGpid;
  readonly token: number;
  readonly stampMs: number;
  readonly committedDecree: number;
}

export function makeCommitAnswer(): CommitAnswer {
  return {
    gpid: GPID_NONE,
    token: 0,
    stampMs: 0,
    committedDecree: 0,
  };
}

export function readCommitAnswer(reader: Reader): CommitAnswer {
  let gpid: WireGpid = GPID_NONE;
  let token: number = 0;
  let stampMs: number = 0;
  let committedDecree: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        token = reader.readI64();
        break;
      case 0x030a:
        stampMs = reader.readI64();
        break;
      case 0x040a:
        committedDecree = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    token,
    stampMs,
    committedDecree,
  };
}

export function writeCommitAnswer(writer: Writer, value: CommitAnswer): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.token);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.stampMs);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.committedDecree);
  writer.writeStop();
}

/** A learner asks for what follows its applied decree. */
export interface LearnRequest {
  readonly gpid: WireGpid;
  readonly ballot: number;
  readonly learnId: number;
  readonly appliedDecree: number;
  readonly digest: number;
  readonly incarnation: number;
}

export function makeLearnRequest(): LearnRequest {
  return {
    gpid: GPID_NONE,
    ballot: 0,
    learnId: 0,
    appliedDecree: 0,
    digest: 0,
    incarnation: 0,
  };
}

export function readLearnRequest(reader: Reader): LearnRequest {
  let gpid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  let learnId: number = 0;
  let appliedDecree: number = 0;
  let digest: number = 0;
  let incarnation: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        ballot = reader.readI64();
        break;
      case 0x030a:
        learnId = reader.readI64();
        break;
      case 0x040a:
        appliedDecree = reader.readI64();
        break;
      case 0x0508:
        digest = reader.readI32();
        break;
      case 0x060a:
        incarnation = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    ballot,
    learnId,
    appliedDecree,
    digest,
    incarnation,
  };
}

export function writeLearnRequest(writer: Writer, value: LearnRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.ballot);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.appliedDecree);
  writer.writeFieldI32(0x0508, value.digest);
  writer.writeFieldTag(0x060a);
  writer.writeI64(value.incarnation);
  writer.writeStop();
}

/** Committed mutations in decree order, each a packed Prepare. */
export interface LearnMutations {
  readonly gpid: WireGpid;
  readonly learnId: number;
  readonly fromDecree: number;
  readonly mutations: readonly Uint8Array[];
  readonly lastCommittedDecree: number;
}

export function makeLearnMutations(): LearnMutations {
  return {
    gpid: GPID_NONE,
    learnId: 0,
    fromDecree: 0,
    mutations: EMPTY_LIST,
    lastCommittedDecree: 0,
  };
}

export function readLearnMutations(reader: Reader): LearnMutations {
  let gpid: WireGpid = GPID_NONE;
  let learnId: number = 0;
  let fromDecree: number = 0;
  let mutations: readonly Uint8Array[] = EMPTY_LIST;
  let lastCommittedDecree: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        learnId = reader.readI64();
        break;
      case 0x030a:
        fromDecree = reader.readI64();
        break;
      case 0x040f:
        mutations = readBlobList(reader);
        break;
      case 0x050a:
        lastCommittedDecree = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    learnId,
    fromDecree,
    mutations,
    lastCommittedDecree,
  };
}

export function writeLearnMutations(writer: Writer, value: LearnMutations): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.fromDecree);
  writer.writeFieldTag(0x040f);
  writeBlobList(writer, value.mutations);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeStop();
}

/** The learner is too far behind: fetch these files first. */
export interface LearnCheckpoint {
  readonly gpid: WireGpid;
  readonly learnId: number;
  readonly checkpointId: string;
  readonly decree: number;
  readonly fileNames: readonly string[];
  readonly fileSizes: readonly number[];
}

export function makeLearnCheckpoint(): LearnCheckpoint {
  return {
    gpid: GPID_NONE,
    learnId: 0,
    checkpointId: '',
    decree: 0,
    fileNames: EMPTY_LIST,
    fileSizes: EMPTY_LIST,
  };
}

export function readLearnCheckpoint(reader: Reader): LearnCheckpoint {
  let gpid: WireGpid = GPID_NONE;
  let learnId: number = 0;
  let checkpointId: string = '';
  let decree: number = 0;
  let fileNames: readonly string[] = EMPTY_LIST;
  let fileSizes: readonly number[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        learnId = reader.readI64();
        break;
      case 0x030b:
        checkpointId = reader.readString();
        break;
      case 0x040a:
        decree = reader.readI64();
        break;
      case 0x050f:
        fileNames = readStringList(reader);
        break;
      case 0x060f:
        fileSizes = readI64List(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    learnId,
    checkpointId,
    decree,
    fileNames,
    fileSizes,
  };
}

export function writeLearnCheckpoint(writer: Writer, value: LearnCheckpoint): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.checkpointId);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.decree);
  writer.writeFieldTag(0x050f);
  writeStringList(writer, value.fileNames);
  writer.writeFieldTag(0x060f);
  writeI64List(writer, value.fileSizes);
  writer.writeStop();
}

/** A piece of a checkpoint file. */
export interface FileRequest {
  readonly gpid: WireGpid;
  readonly learnId: number;
  readonly checkpointId: string;
  readonly fileName: string;
  readonly offset: number;
  readonly length: number;
  readonly isHeld: boolean;
  readonly heldChecksum: number;
}

export function makeFileRequest(): FileRequest {
  return {
    gpid: GPID_NONE,
    learnId: 0,
    checkpointId: '',
    fileName: '',
    offset: 0,
    length: 0,
    isHeld: false,
    heldChecksum: 0,
  };
}

export function readFileRequest(reader: Reader): FileRequest {
  let gpid: WireGpid = GPID_NONE;
  let learnId: number = 0;
  let checkpointId: string = '';
  let fileName: string = '';
  let offset: number = 0;
  let length: number = 0;
  let isHeld: boolean = false;
  let heldChecksum: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        learnId = reader.readI64();
        break;
      case 0x030b:
        checkpointId = reader.readString();
        break;
      case 0x040b:
        fileName = reader.readString();
        break;
      case 0x050a:
        offset = reader.readI64();
        break;
      case 0x0608:
        length = reader.readI32();
        break;
      case 0x0702:
        isHeld = reader.readBool();
        break;
      case 0x0808:
        heldChecksum = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    learnId,
    checkpointId,
    fileName,
    offset,
    length,
    isHeld,
    heldChecksum,
  };
}

export function writeFileRequest(writer: Writer, value: FileRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.checkpointId);
  writer.writeFieldTag(0x040b);
  writer.writeString(value.fileName);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.offset);
  writer.writeFieldI32(0x0608, value.length);
  writer.writeFieldTag(0x0702);
  writer.writeBool(value.isHeld);
  writer.writeFieldI32(0x0808, value.heldChecksum);
  writer.writeStop();
}

/** Its bytes, with their CRC-32C. */
export interface FileChunk {
  readonly gpid: WireGpid;
  readonly learnId: number;
  readonly checkpointId: string;
  readonly fileName: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly checksum: number;
  readonly error: string;
}

export function makeFileChunk(): FileChunk {
  return {
    gpid: GPID_NONE,
    learnId: 0,
    checkpointId: '',
    fileName: '',
    offset: 0,
    bytes: EMPTY_BYTES,
    checksum: 0,
    error: '',
  };
}

export function readFileChunk(reader: Reader): FileChunk {
  let gpid: WireGpid = GPID_NONE;
  let learnId: number = 0;
  let checkpointId: string = '';
  let fileName: string = '';
  let offset: number = 0;
  let bytes: Uint8Array = EMPTY_BYTES;
  let checksum: number = 0;
  let error: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020a:
        learnId = reader.readI64();
        break;
      case 0x030b:
        checkpointId = reader.readString();
        break;
      case 0x040b:
        fileName = reader.readString();
        break;
      case 0x050a:
        offset = reader.readI64();
        break;
      case 0x060b:
      case 0x060c:
        bytes = reader.readBlob();
        break;
      case 0x0708:
        checksum = reader.readI32();
        break;
      case 0x080b:
      case 0x080c:
        error = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    learnId,
    checkpointId,
    fileName,
    offset,
    bytes,
    checksum,
    error,
  };
}

export function writeFileChunk(writer: Writer, value: FileChunk): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.learnId);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.checkpointId);
  writer.writeFieldTag(0x040b);
  writer.writeString(value.fileName);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.offset);
  writer.writeFieldTag(0x060c);
  writer.writeBlob(value.bytes);
  writer.writeFieldI32(0x0708, value.checksum);
  writer.writeFieldTag(0x080c);
  writer.writeString(value.error);
  writer.writeStop();
}

function readStringList(reader: Reader): string[] {
  const count = reader.readListHeader(11, 11, 4);
  const items: string[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readString());
  return items;
}

function writeStringList(writer: Writer, items: readonly string[]): void {
  writer.writeListHeader(11, items.length);
  for (const item of items) writer.writeString(item);
}

function readStringStringMap(reader: Reader): Map<string, string> {
  const count = reader.readMapHeader(11, 11, 8);
  const items = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const key = reader.readString();
    items.set(key, reader.readString());
  }
  return items;
}

function writeStringStringMap(writer: Writer, items: ReadonlyMap<string, string>): void {
  writer.writeMapHeader(11, 11, items.size);
  for (const [key, value] of items) {
    writer.writeString(key);
    writer.writeString(value);
  }
}

function readReplicaStateList(reader: Reader): ReplicaState[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: ReplicaState[] = [];
  for (let index = 0; index < count; index++) items.push(readReplicaState(reader));
  return items;
}

function writeReplicaStateList(writer: Writer, items: readonly ReplicaState[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeReplicaState(writer, item);
}

function readTableInfoList(reader: Reader): TableInfo[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: TableInfo[] = [];
  for (let index = 0; index < count; index++) items.push(readTableInfo(reader));
  return items;
}

function writeTableInfoList(writer: Writer, items: readonly TableInfo[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeTableInfo(writer, item);
}

function readReplicaHeldList(reader: Reader): ReplicaHeld[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: ReplicaHeld[] = [];
  for (let index = 0; index < count; index++) items.push(readReplicaHeld(reader));
  return items;
}

function writeReplicaHeldList(writer: Writer, items: readonly ReplicaHeld[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeReplicaHeld(writer, item);
}

function readBlobList(reader: Reader): Uint8Array[] {
  const count = reader.readListHeader(12, 11, 4);
  const items: Uint8Array[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readBlob());
  return items;
}

function writeBlobList(writer: Writer, items: readonly Uint8Array[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writer.writeBlob(item);
}

function readI64List(reader: Reader): number[] {
  const count = reader.readListHeader(10, 10, 8);
  const items: number[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readI64());
  return items;
}

function writeI64List(writer: Writer, items: readonly number[]): void {
  writer.writeListHeader(10, items.length);
  for (const item of items) writer.writeI64(item);
}
