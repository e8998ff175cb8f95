/**
 * Made from src/wire/schema/meta.ts by scripts/generate-wire.ts; do not edit.
 */
import { EMPTY_BYTES } from '../../base/bytes.ts';
import type { Reader } from '../reader.ts';
import { GPID_NONE, type WireGpid, type WireHostPort } from '../types.ts';
import type { Writer } from '../writer.ts';

const EMPTY_LIST: readonly never[] = [];

/** No indices = all partitions. */
export interface QueryCfgRequest {
  readonly appName: string;
  readonly partitionIndices: readonly number[];
}

export function makeQueryCfgRequest(): QueryCfgRequest {
  return {
    appName: '',
    partitionIndices: EMPTY_LIST,
  };
}

export function readQueryCfgRequest(reader: Reader): QueryCfgRequest {
  let appName: string = '';
  let partitionIndices: readonly number[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x020f:
        partitionIndices = readI32List(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    partitionIndices,
  };
}

export function writeQueryCfgRequest(writer: Writer, value: QueryCfgRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldTag(0x020f);
  writeI32List(writer, value.partitionIndices);
  writer.writeStop();
}

/** `isStateful` has to be true; clients ignore the answer otherwise. */
export interface QueryCfgResponse {
  readonly err: string;
  readonly appId: number;
  readonly partitionCount: number;
  readonly isStateful: boolean;
  readonly partitions: readonly WirePartitionConfiguration[];
}

export function makeQueryCfgResponse(): QueryCfgResponse {
  return {
    err: '',
    appId: 0,
    partitionCount: 0,
    isStateful: false,
    partitions: EMPTY_LIST,
  };
}

export function readQueryCfgResponse(reader: Reader): QueryCfgResponse {
  let err: string = '';
  let appId: number = 0;
  let partitionCount: number = 0;
  let isStateful: boolean = false;
  let partitions: readonly WirePartitionConfiguration[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0208:
        appId = reader.readI32();
        break;
      case 0x0308:
        partitionCount = reader.readI32();
        break;
      case 0x0402:
        isStateful = reader.readBool();
        break;
      case 0x050f:
        partitions = readWirePartitionConfigurationList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    appId,
    partitionCount,
    isStateful,
    partitions,
  };
}

export function writeQueryCfgResponse(writer: Writer, value: QueryCfgResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldI32(0x0208, value.appId);
  writer.writeFieldI32(0x0308, value.partitionCount);
  writer.writeFieldTag(0x0402);
  writer.writeBool(value.isStateful);
  writer.writeFieldTag(0x050f);
  writeWirePartitionConfigurationList(writer, value.partitions);
  writer.writeStop();
}

/** Most clients route by 4, the C++ client by 9 only. */
export interface WirePartitionConfiguration {
  readonly pid: WireGpid;
  readonly ballot: number;
  readonly maxReplicaCount: number;
  readonly primary: WireHostPort | null;
  readonly secondaries: readonly (WireHostPort | null)[];
  readonly lastDrops: readonly (WireHostPort | null)[];
  readonly lastCommittedDecree: number;
  readonly partitionFlags: number;
  readonly hpPrimary: WireHostPort | null | undefined;
  readonly hpSecondaries: readonly (WireHostPort | null)[] | undefined;
  readonly hpLastDrops: readonly (WireHostPort | null)[] | undefined;
}

export function makeWirePartitionConfiguration(): WirePartitionConfiguration {
  return {
    pid: GPID_NONE,
    ballot: 0,
    maxReplicaCount: 0,
    primary: null,
    secondaries: EMPTY_LIST,
    lastDrops: EMPTY_LIST,
    lastCommittedDecree: 0,
    partitionFlags: 0,
    hpPrimary: undefined,
    hpSecondaries: undefined,
    hpLastDrops: undefined,
  };
}

export function readWirePartitionConfiguration(reader: Reader): WirePartitionConfiguration {
  let pid: WireGpid = GPID_NONE;
  let ballot: number = 0;
  let maxReplicaCount: number = 0;
  let primary: WireHostPort | null = null;
  let secondaries: readonly (WireHostPort | null)[] = EMPTY_LIST;
  let lastDrops: readonly (WireHostPort | null)[] = EMPTY_LIST;
  let lastCommittedDecree: number = 0;
  let partitionFlags: number = 0;
  let hpPrimary: WireHostPort | null | undefined;
  let hpSecondaries: readonly (WireHostPort | null)[] | undefined;
  let hpLastDrops: readonly (WireHostPort | null)[] | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        pid = reader.readGpid();
        break;
      case 0x020a:
        ballot = reader.readI64();
        break;
      case 0x0308:
        maxReplicaCount = reader.readI32();
        break;
      case 0x040c:
        primary = reader.readRpcAddress();
        break;
      case 0x050f:
        secondaries = readRpcAddressList(reader);
        break;
      case 0x060f:
        lastDrops = readRpcAddressList(reader);
        break;
      case 0x070a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x0808:
        partitionFlags = reader.readI32();
        break;
      case 0x090c:
        hpPrimary = reader.readHostPort();
        break;
      case 0x0a0f:
        hpSecondaries = readHostPortList(reader);
        break;
      case 0x0b0f:
        hpLastDrops = readHostPortList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    pid,
    ballot,
    maxReplicaCount,
    primary,
    secondaries,
    lastDrops,
    lastCommittedDecree,
    partitionFlags,
    hpPrimary,
    hpSecondaries,
    hpLastDrops,
  };
}

export function writeWirePartitionConfiguration(
  writer: Writer,
  value: WirePartitionConfiguration,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.pid);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.ballot);
  writer.writeFieldI32(0x0308, value.maxReplicaCount);
  writer.writeFieldTag(0x040c);
  writer.writeRpcAddress(value.primary);
  writer.writeFieldTag(0x050f);
  writeRpcAddressList(writer, value.secondaries);
  writer.writeFieldTag(0x060f);
  writeRpcAddressList(writer, value.lastDrops);
  writer.writeFieldTag(0x070a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldI32(0x0808, value.partitionFlags);
  if (value.hpPrimary !== undefined) {
    writer.writeFieldTag(0x090c);
    writer.writeHostPort(value.hpPrimary);
  }
  if (value.hpSecondaries !== undefined) {
    writer.writeFieldTag(0x0a0f);
    writeHostPortList(writer, value.hpSecondaries);
  }
  if (value.hpLastDrops !== undefined) {
    writer.writeFieldTag(0x0b0f);
    writeHostPortList(writer, value.hpLastDrops);
  }
  writer.writeStop();
}

/** One table. `initPartitionCount` is -1 unless restored. */
export interface WireAppInfo {
  readonly status: number;
  readonly appType: string;
  readonly appName: string;
  readonly appId: number;
  readonly partitionCount: number;
  readonly envs: ReadonlyMap<string, string>;
  readonly isStateful: boolean;
  readonly maxReplicaCount: number;
  readonly expireSecond: number;
  readonly createSecond: number;
  readonly dropSecond: number;
  readonly duplicating: boolean | undefined;
  readonly initPartitionCount: number;
  readonly isBulkLoading: boolean | undefined;
  readonly atomicIdempotent: boolean | undefined;
}

export function makeWireAppInfo(): WireAppInfo {
  return {
    status: 0,
    appType: '',
    appName: '',
    appId: 0,
    partitionCount: 0,
    envs: new Map(),
    isStateful: false,
    maxReplicaCount: 0,
    expireSecond: 0,
    createSecond: 0,
    dropSecond: 0,
    duplicating: undefined,
    initPartitionCount: 0,
    isBulkLoading: undefined,
    atomicIdempotent: undefined,
  };
}

export function readWireAppInfo(reader: Reader): WireAppInfo {
  let status: number = 0;
  let appType: string = '';
  let appName: string = '';
  let appId: number = 0;
  let partitionCount: number = 0;
  let envs: ReadonlyMap<string, string> = new Map();
  let isStateful: boolean = false;
  let maxReplicaCount: number = 0;
  let expireSecond: number = 0;
  let createSecond: number = 0;
  let dropSecond: number = 0;
  let duplicating: boolean | undefined;
  let initPartitionCount: number = 0;
  let isBulkLoading: boolean | undefined;
  let atomicIdempotent: boolean | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        status = reader.readI32();
        break;
      case 0x020b:
        appType = reader.readString();
        break;
      case 0x030b:
        appName = reader.readString();
        break;
      case 0x0408:
        appId = reader.readI32();
        break;
      case 0x0508:
        partitionCount = reader.readI32();
        break;
      case 0x060d:
        envs = readStringStringMap(reader);
        break;
      case 0x0702:
        isStateful = reader.readBool();
        break;
      case 0x0808:
        maxReplicaCount = reader.readI32();
        break;
      case 0x090a:
        expireSecond = reader.readI64();
        break;
      case 0x0a0a:
        createSecond = reader.readI64();
        break;
      case 0x0b0a:
        dropSecond = reader.readI64();
        break;
      case 0x0c02:
        duplicating = reader.readBool();
        break;
      case 0x0d08:
        initPartitionCount = reader.readI32();
        break;
      case 0x0e02:
        isBulkLoading = reader.readBool();
        break;
      case 0x0f02:
        atomicIdempotent = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    status,
    appType,
    appName,
    appId,
    partitionCount,
    envs,
    isStateful,
    maxReplicaCount,
    expireSecond,
    createSecond,
    dropSecond,
    duplicating,
    initPartitionCount,
    isBulkLoading,
    atomicIdempotent,
  };
}

export function writeWireAppInfo(writer: Writer, value: WireAppInfo): void {
  writer.writeFieldI32(0x0108, value.status);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.appType);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.appName);
  writer.writeFieldI32(0x0408, value.appId);
  writer.writeFieldI32(0x0508, value.partitionCount);
  writer.writeFieldTag(0x060d);
  writeStringStringMap(writer, value.envs);
  writer.writeFieldTag(0x0702);
  writer.writeBool(value.isStateful);
  writer.writeFieldI32(0x0808, value.maxReplicaCount);
  writer.writeFieldTag(0x090a);
  writer.writeI64(value.expireSecond);
  writer.writeFieldTag(0x0a0a);
  writer.writeI64(value.createSecond);
  writer.writeFieldTag(0x0b0a);
  writer.writeI64(value.dropSecond);
  if (value.duplicating !== undefined) {
    writer.writeFieldTag(0x0c02);
    writer.writeBool(value.duplicating);
  }
  writer.writeFieldI32(0x0d08, value.initPartitionCount);
  if (value.isBulkLoading !== undefined) {
    writer.writeFieldTag(0x0e02);
    writer.writeBool(value.isBulkLoading);
  }
  if (value.atomicIdempotent !== undefined) {
    writer.writeFieldTag(0x0f02);
    writer.writeBool(value.atomicIdempotent);
  }
  writer.writeStop();
}

/** Part of ConfigurationCreateAppRequest. */
export interface CreateAppOptions {
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly successIfExist: boolean;
  readonly appType: string;
  readonly isStateful: boolean;
  readonly envs: ReadonlyMap<string, string>;
  readonly atomicIdempotent: boolean | undefined;
}

export function makeCreateAppOptions(): CreateAppOptions {
  return {
    partitionCount: 0,
    replicaCount: 0,
    successIfExist: false,
    appType: '',
    isStateful: false,
    envs: new Map(),
    atomicIdempotent: undefined,
  };
}

export function readCreateAppOptions(reader: Reader): CreateAppOptions {
  let partitionCount: number = 0;
  let replicaCount: number = 0;
  let successIfExist: boolean = false;
  let appType: string = '';
  let isStateful: boolean = false;
  let envs: ReadonlyMap<string, string> = new Map();
  let atomicIdempotent: boolean | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        partitionCount = reader.readI32();
        break;
      case 0x0208:
        replicaCount = reader.readI32();
        break;
      case 0x0302:
        successIfExist = reader.readBool();
        break;
      case 0x040b:
        appType = reader.readString();
        break;
      case 0x0502:
        isStateful = reader.readBool();
        break;
      case 0x060d:
        envs = readStringStringMap(reader);
        break;
      case 0x0702:
        atomicIdempotent = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    partitionCount,
    replicaCount,
    successIfExist,
    appType,
    isStateful,
    envs,
    atomicIdempotent,
  };
}

export function writeCreateAppOptions(writer: Writer, value: CreateAppOptions): void {
  writer.writeFieldI32(0x0108, value.partitionCount);
  writer.writeFieldI32(0x0208, value.replicaCount);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.successIfExist);
  writer.writeFieldTag(0x040b);
  writer.writeString(value.appType);
  writer.writeFieldTag(0x0502);
  writer.writeBool(value.isStateful);
  writer.writeFieldTag(0x060d);
  writeStringStringMap(writer, value.envs);
  if (value.atomicIdempotent !== undefined) {
    writer.writeFieldTag(0x0702);
    writer.writeBool(value.atomicIdempotent);
  }
  writer.writeStop();
}

/** RPC_CM_CREATE_APP */
export interface ConfigurationCreateAppRequest {
  readonly appName: string;
  readonly options: CreateAppOptions;
}

export function makeConfigurationCreateAppRequest(): ConfigurationCreateAppRequest {
  return {
    appName: '',
    options: makeCreateAppOptions(),
  };
}

export function readConfigurationCreateAppRequest(reader: Reader): ConfigurationCreateAppRequest {
  let appName: string = '';
  let options: CreateAppOptions | null = null;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x020c:
        options = readCreateAppOptions(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    options: options ?? makeCreateAppOptions(),
  };
}

export function writeConfigurationCreateAppRequest(
  writer: Writer,
  value: ConfigurationCreateAppRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldTag(0x020c);
  writeCreateAppOptions(writer, value.options);
  writer.writeStop();
}

/** RPC_CM_CREATE_APP */
export interface ConfigurationCreateAppResponse {
  readonly err: string;
  readonly appid: number;
}

export function makeConfigurationCreateAppResponse(): ConfigurationCreateAppResponse {
  return {
    err: '',
    appid: 0,
  };
}

export function readConfigurationCreateAppResponse(reader: Reader): ConfigurationCreateAppResponse {
  let err: string = '';
  let appid: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0208:
        appid = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    appid,
  };
}

export function writeConfigurationCreateAppResponse(
  writer: Writer,
  value: ConfigurationCreateAppResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldI32(0x0208, value.appid);
  writer.writeStop();
}

/** Part of ConfigurationDropAppRequest. */
export interface DropAppOptions {
  readonly successIfNotExist: boolean;
  readonly reserveSeconds: number | undefined;
}

export function makeDropAppOptions(): DropAppOptions {
  return {
    successIfNotExist: false,
    reserveSeconds: undefined,
  };
}

export function readDropAppOptions(reader: Reader): DropAppOptions {
  let successIfNotExist: boolean = false;
  let reserveSeconds: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0102:
        successIfNotExist = reader.readBool();
        break;
      case 0x020a:
        reserveSeconds = reader.readI64();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    successIfNotExist,
    reserveSeconds,
  };
}

export function writeDropAppOptions(writer: Writer, value: DropAppOptions): void {
  writer.writeFieldTag(0x0102);
  writer.writeBool(value.successIfNotExist);
  if (value.reserveSeconds !== undefined) {
    writer.writeFieldTag(0x020a);
    writer.writeI64(value.reserveSeconds);
  }
  writer.writeStop();
}

/** RPC_CM_DROP_APP */
export interface ConfigurationDropAppRequest {
  readonly appName: string;
  readonly options: DropAppOptions;
}

export function makeConfigurationDropAppRequest(): ConfigurationDropAppRequest {
  return {
    appName: '',
    options: makeDropAppOptions(),
  };
}

export function readConfigurationDropAppRequest(reader: Reader): ConfigurationDropAppRequest {
  let appName: string = '';
  let options: DropAppOptions | null = null;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x020c:
        options = readDropAppOptions(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    options: options ?? makeDropAppOptions(),
  };
}

export function writeConfigurationDropAppRequest(
  writer: Writer,
  value: ConfigurationDropAppRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldTag(0x020c);
  writeDropAppOptions(writer, value.options);
  writer.writeStop();
}

/** RPC_CM_DROP_APP */
export interface ConfigurationDropAppResponse {
  readonly err: string;
}

export function makeConfigurationDropAppResponse(): ConfigurationDropAppResponse {
  return {
    err: '',
  };
}

export function readConfigurationDropAppResponse(reader: Reader): ConfigurationDropAppResponse {
  let err: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
  };
}

export function writeConfigurationDropAppResponse(
  writer: Writer,
  value: ConfigurationDropAppResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeStop();
}

/** RPC_CM_RECALL_APP */
export interface ConfigurationRecallAppRequest {
  readonly appId: number;
  readonly newAppName: string;
}

export function makeConfigurationRecallAppRequest(): ConfigurationRecallAppRequest {
  return {
    appId: 0,
    newAppName: '',
  };
}

export function readConfigurationRecallAppRequest(reader: Reader): ConfigurationRecallAppRequest {
  let appId: number = 0;
  let newAppName: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        appId = reader.readI32();
        break;
      case 0x020b:
        newAppName = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appId,
    newAppName,
  };
}

export function writeConfigurationRecallAppRequest(
  writer: Writer,
  value: ConfigurationRecallAppRequest,
): void {
  writer.writeFieldI32(0x0108, value.appId);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.newAppName);
  writer.writeStop();
}

/** RPC_CM_RECALL_APP */
export interface ConfigurationRecallAppResponse {
  readonly err: string;
  readonly info: WireAppInfo;
}

export function makeConfigurationRecallAppResponse(): ConfigurationRecallAppResponse {
  return {
    err: '',
    info: makeWireAppInfo(),
  };
}

export function readConfigurationRecallAppResponse(reader: Reader): ConfigurationRecallAppResponse {
  let err: string = '';
  let info: WireAppInfo | null = null;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020c:
        info = readWireAppInfo(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    info: info ?? makeWireAppInfo(),
  };
}

export function writeConfigurationRecallAppResponse(
  writer: Writer,
  value: ConfigurationRecallAppResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020c);
  writeWireAppInfo(writer, value.info);
  writer.writeStop();
}

/** RPC_CM_RENAME_APP */
export interface ConfigurationRenameAppRequest {
  readonly oldAppName: string;
  readonly newAppName: string;
}

export function makeConfigurationRenameAppRequest(): ConfigurationRenameAppRequest {
  return {
    oldAppName: '',
    newAppName: '',
  };
}

export function readConfigurationRenameAppRequest(reader: Reader): ConfigurationRenameAppRequest {
  let oldAppName: string = '';
  let newAppName: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        oldAppName = reader.readString();
        break;
      case 0x020b:
        newAppName = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    oldAppName,
    newAppName,
  };
}

export function writeConfigurationRenameAppRequest(
  writer: Writer,
  value: ConfigurationRenameAppRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.oldAppName);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.newAppName);
  writer.writeStop();
}

/** RPC_CM_RENAME_APP */
export interface ConfigurationRenameAppResponse {
  readonly err: string;
  readonly hintMessage: string;
}

export function makeConfigurationRenameAppResponse(): ConfigurationRenameAppResponse {
  return {
    err: '',
    hintMessage: '',
  };
}

export function readConfigurationRenameAppResponse(reader: Reader): ConfigurationRenameAppResponse {
  let err: string = '';
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMessage,
  };
}

export function writeConfigurationRenameAppResponse(
  writer: Writer,
  value: ConfigurationRenameAppResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_CM_LIST_APPS; status 0 = all. */
export interface ConfigurationListAppsRequest {
  readonly status: number;
  readonly appNamePattern: string | undefined;
  readonly matchType: number | undefined;
}

export function makeConfigurationListAppsRequest(): ConfigurationListAppsRequest {
  return {
    status: 0,
    appNamePattern: undefined,
    matchType: undefined,
  };
}

export function readConfigurationListAppsRequest(reader: Reader): ConfigurationListAppsRequest {
  let status: number = 0;
  let appNamePattern: string | undefined;
  let matchType: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        status = reader.readI32();
        break;
      case 0x020b:
        appNamePattern = reader.readString();
        break;
      case 0x0308:
        matchType = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    status,
    appNamePattern,
    matchType,
  };
}

export function writeConfigurationListAppsRequest(
  writer: Writer,
  value: ConfigurationListAppsRequest,
): void {
  writer.writeFieldI32(0x0108, value.status);
  if (value.appNamePattern !== undefined) {
    writer.writeFieldTag(0x020b);
    writer.writeString(value.appNamePattern);
  }
  if (value.matchType !== undefined) {
    writer.writeFieldI32(0x0308, value.matchType);
  }
  writer.writeStop();
}

/** RPC_CM_LIST_APPS */
export interface ConfigurationListAppsResponse {
  readonly err: string;
  readonly infos: readonly WireAppInfo[];
  readonly hintMessage: string | undefined;
}

export function makeConfigurationListAppsResponse(): ConfigurationListAppsResponse {
  return {
    err: '',
    infos: EMPTY_LIST,
    hintMessage: undefined,
  };
}

export function readConfigurationListAppsResponse(reader: Reader): ConfigurationListAppsResponse {
  let err: string = '';
  let infos: readonly WireAppInfo[] = EMPTY_LIST;
  let hintMessage: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020f:
        infos = readWireAppInfoList(reader);
        break;
      case 0x030b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    infos,
    hintMessage,
  };
}

export function writeConfigurationListAppsResponse(
  writer: Writer,
  value: ConfigurationListAppsResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020f);
  writeWireAppInfoList(writer, value.infos);
  if (value.hintMessage !== undefined) {
    writer.writeFieldTag(0x030b);
    writer.writeString(value.hintMessage);
  }
  writer.writeStop();
}

/** RPC_CM_UPDATE_APP_ENV; op is an AppEnvOperation. */
export interface ConfigurationUpdateAppEnvRequest {
  readonly appName: string;
  readonly op: number;
  readonly keys: readonly string[] | undefined;
  readonly values: readonly string[] | undefined;
  readonly clearPrefix: string | undefined;
}

export function makeConfigurationUpdateAppEnvRequest(): ConfigurationUpdateAppEnvRequest {
  return {
    appName: '',
    op: 0,
    keys: undefined,
    values: undefined,
    clearPrefix: undefined,
  };
}

export function readConfigurationUpdateAppEnvRequest(
  reader: Reader,
): ConfigurationUpdateAppEnvRequest {
  let appName: string = '';
  let op: number = 0;
  let keys: readonly string[] | undefined;
  let values: readonly string[] | undefined;
  let clearPrefix: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x0208:
        op = reader.readI32();
        break;
      case 0x030f:
        keys = readStringList(reader);
        break;
      case 0x040f:
        values = readStringList(reader);
        break;
      case 0x050b:
        clearPrefix = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    op,
    keys,
    values,
    clearPrefix,
  };
}

export function writeConfigurationUpdateAppEnvRequest(
  writer: Writer,
  value: ConfigurationUpdateAppEnvRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldI32(0x0208, value.op);
  if (value.keys !== undefined) {
    writer.writeFieldTag(0x030f);
    writeStringList(writer, value.keys);
  }
  if (value.values !== undefined) {
    writer.writeFieldTag(0x040f);
    writeStringList(writer, value.values);
  }
  if (value.clearPrefix !== undefined) {
    writer.writeFieldTag(0x050b);
    writer.writeString(value.clearPrefix);
  }
  writer.writeStop();
}

/** RPC_CM_UPDATE_APP_ENV */
export interface ConfigurationUpdateAppEnvResponse {
  readonly err: string;
  readonly hintMessage: string;
}

export function makeConfigurationUpdateAppEnvResponse(): ConfigurationUpdateAppEnvResponse {
  return {
    err: '',
    hintMessage: '',
  };
}

export function readConfigurationUpdateAppEnvResponse(
  reader: Reader,
): ConfigurationUpdateAppEnvResponse {
  let err: string = '';
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMessage,
  };
}

export function writeConfigurationUpdateAppEnvResponse(
  writer: Writer,
  value: ConfigurationUpdateAppEnvResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_QUERY_APP_INFO, to a replica server. */
export interface QueryAppInfoRequest {
  readonly metaServer: WireHostPort | null;
  readonly hpMetaServer: WireHostPort | null | undefined;
}

export function makeQueryAppInfoRequest(): QueryAppInfoRequest {
  return {
    metaServer: null,
    hpMetaServer: undefined,
  };
}

export function readQueryAppInfoRequest(reader: Reader): QueryAppInfoRequest {
  let metaServer: WireHostPort | null = null;
  let hpMetaServer: WireHostPort | null | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        metaServer = reader.readRpcAddress();
        break;
      case 0x020c:
        hpMetaServer = reader.readHostPort();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    metaServer,
    hpMetaServer,
  };
}

export function writeQueryAppInfoRequest(writer: Writer, value: QueryAppInfoRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeRpcAddress(value.metaServer);
  if (value.hpMetaServer !== undefined) {
    writer.writeFieldTag(0x020c);
    writer.writeHostPort(value.hpMetaServer);
  }
  writer.writeStop();
}

/** RPC_QUERY_APP_INFO */
export interface QueryAppInfoResponse {
  readonly err: string;
  readonly apps: readonly WireAppInfo[];
}

export function makeQueryAppInfoResponse(): QueryAppInfoResponse {
  return {
    err: '',
    apps: EMPTY_LIST,
  };
}

export function readQueryAppInfoResponse(reader: Reader): QueryAppInfoResponse {
  let err: string = '';
  let apps: readonly WireAppInfo[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020f:
        apps = readWireAppInfoList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    apps,
  };
}

export function writeQueryAppInfoResponse(writer: Writer, value: QueryAppInfoResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020f);
  writeWireAppInfoList(writer, value.apps);
  writer.writeStop();
}

/** status is a NodeStatus. */
export interface NodeInfo {
  readonly status: number;
  readonly node: WireHostPort | null;
  readonly hpNode: WireHostPort | null | undefined;
  readonly zone: string | undefined;
  readonly rack: string | undefined;
  readonly host: string | undefined;
  readonly primaryCount: number | undefined;
  readonly secondaryCount: number | undefined;
  readonly diskTotalBytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
  readonly ban: string | undefined;
}

export function makeNodeInfo(): NodeInfo {
  return {
    status: 0,
    node: null,
    hpNode: undefined,
    zone: undefined,
    rack: undefined,
    host: undefined,
    primaryCount: undefined,
    secondaryCount: undefined,
    diskTotalBytes: undefined,
    diskFreeBytes: undefined,
    ban: undefined,
  };
}

export function readNodeInfo(reader: Reader): NodeInfo {
  let status: number = 0;
  let node: WireHostPort | null = null;
  let hpNode: WireHostPort | null | undefined;
  let zone: string | undefined;
  let rack: string | undefined;
  let host: string | undefined;
  let primaryCount: number | undefined;
  let secondaryCount: number | undefined;
  let diskTotalBytes: number | undefined;
  let diskFreeBytes: number | undefined;
  let ban: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        status = reader.readI32();
        break;
      case 0x020c:
        node = reader.readRpcAddress();
        break;
      case 0x030c:
        hpNode = reader.readHostPort();
        break;
      case 0x640b:
        zone = reader.readString();
        break;
      case 0x650b:
        rack = reader.readString();
        break;
      case 0x660b:
        host = reader.readString();
        break;
      case 0x6708:
        primaryCount = reader.readI32();
        break;
      case 0x6808:
        secondaryCount = reader.readI32();
        break;
      case 0x690a:
        diskTotalBytes = reader.readI64();
        break;
      case 0x6a0a:
        diskFreeBytes = reader.readI64();
        break;
      case 0x6b0b:
        ban = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    status,
    node,
    hpNode,
    zone,
    rack,
    host,
    primaryCount,
    secondaryCount,
    diskTotalBytes,
    diskFreeBytes,
    ban,
  };
}

export function writeNodeInfo(writer: Writer, value: NodeInfo): void {
  writer.writeFieldI32(0x0108, value.status);
  writer.writeFieldTag(0x020c);
  writer.writeRpcAddress(value.node);
  if (value.hpNode !== undefined) {
    writer.writeFieldTag(0x030c);
    writer.writeHostPort(value.hpNode);
  }
  if (value.zone !== undefined) {
    writer.writeFieldTag(0x640b);
    writer.writeString(value.zone);
  }
  if (value.rack !== undefined) {
    writer.writeFieldTag(0x650b);
    writer.writeString(value.rack);
  }
  if (value.host !== undefined) {
    writer.writeFieldTag(0x660b);
    writer.writeString(value.host);
  }
  if (value.primaryCount !== undefined) {
    writer.writeFieldI32(0x6708, value.primaryCount);
  }
  if (value.secondaryCount !== undefined) {
    writer.writeFieldI32(0x6808, value.secondaryCount);
  }
  if (value.diskTotalBytes !== undefined) {
    writer.writeFieldTag(0x690a);
    writer.writeI64(value.diskTotalBytes);
  }
  if (value.diskFreeBytes !== undefined) {
    writer.writeFieldTag(0x6a0a);
    writer.writeI64(value.diskFreeBytes);
  }
  if (value.ban !== undefined) {
    writer.writeFieldTag(0x6b0b);
    writer.writeString(value.ban);
  }
  writer.writeStop();
}

/** RPC_CM_LIST_NODES; status 0 = all. */
export interface ConfigurationListNodesRequest {
  readonly status: number;
  readonly detailed: boolean | undefined;
}

export function makeConfigurationListNodesRequest(): ConfigurationListNodesRequest {
  return {
    status: 0,
    detailed: undefined,
  };
}

export function readConfigurationListNodesRequest(reader: Reader): ConfigurationListNodesRequest {
  let status: number = 0;
  let detailed: boolean | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        status = reader.readI32();
        break;
      case 0x6402:
        detailed = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    status,
    detailed,
  };
}

export function writeConfigurationListNodesRequest(
  writer: Writer,
  value: ConfigurationListNodesRequest,
): void {
  writer.writeFieldI32(0x0108, value.status);
  if (value.detailed !== undefined) {
    writer.writeFieldTag(0x6402);
    writer.writeBool(value.detailed);
  }
  writer.writeStop();
}

/** RPC_CM_LIST_NODES */
export interface ConfigurationListNodesResponse {
  readonly err: string;
  readonly infos: readonly NodeInfo[];
}

export function makeConfigurationListNodesResponse(): ConfigurationListNodesResponse {
  return {
    err: '',
    infos: EMPTY_LIST,
  };
}

export function readConfigurationListNodesResponse(reader: Reader): ConfigurationListNodesResponse {
  let err: string = '';
  let infos: readonly NodeInfo[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020f:
        infos = readNodeInfoList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    infos,
  };
}

export function writeConfigurationListNodesResponse(
  writer: Writer,
  value: ConfigurationListNodesResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020f);
  writeNodeInfoList(writer, value.infos);
  writer.writeStop();
}

/** RPC_CM_CLUSTER_INFO */
export type ConfigurationClusterInfoRequest = Readonly<Record<string, never>>;

export function makeConfigurationClusterInfoRequest(): ConfigurationClusterInfoRequest {
  return {};
}

export function readConfigurationClusterInfoRequest(
  reader: Reader,
): ConfigurationClusterInfoRequest {
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    reader.skipField(tag);
  }
  return {};
}

export function writeConfigurationClusterInfoRequest(
  writer: Writer,
  _value: ConfigurationClusterInfoRequest,
): void {
  writer.writeStop();
}

/** RPC_CM_CLUSTER_INFO; two lists of equal length. */
export interface ConfigurationClusterInfoResponse {
  readonly err: string;
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

export function makeConfigurationClusterInfoResponse(): ConfigurationClusterInfoResponse {
  return {
    err: '',
    keys: EMPTY_LIST,
    values: EMPTY_LIST,
  };
}

export function readConfigurationClusterInfoResponse(
  reader: Reader,
): ConfigurationClusterInfoResponse {
  let err: string = '';
  let keys: readonly string[] = EMPTY_LIST;
  let values: readonly string[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020f:
        keys = readStringList(reader);
        break;
      case 0x030f:
        values = readStringList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    keys,
    values,
  };
}

export function writeConfigurationClusterInfoResponse(
  writer: Writer,
  value: ConfigurationClusterInfoResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020f);
  writeStringList(writer, value.keys);
  writer.writeFieldTag(0x030f);
  writeStringList(writer, value.values);
  writer.writeStop();
}

/** RPC_CM_CONTROL_META; level is a MetaLevel. */
export interface ConfigurationMetaControlRequest {
  readonly level: number;
}

export function makeConfigurationMetaControlRequest(): ConfigurationMetaControlRequest {
  return {
    level: 0,
  };
}

export function readConfigurationMetaControlRequest(
  reader: Reader,
): ConfigurationMetaControlRequest {
  let level: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        level = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    level,
  };
}

export function writeConfigurationMetaControlRequest(
  writer: Writer,
  value: ConfigurationMetaControlRequest,
): void {
  writer.writeFieldI32(0x0108, value.level);
  writer.writeStop();
}

/** RPC_CM_CONTROL_META */
export interface ConfigurationMetaControlResponse {
  readonly err: string;
  readonly oldLevel: number;
}

export function makeConfigurationMetaControlResponse(): ConfigurationMetaControlResponse {
  return {
    err: '',
    oldLevel: 0,
  };
}

export function readConfigurationMetaControlResponse(
  reader: Reader,
): ConfigurationMetaControlResponse {
  let err: string = '';
  let oldLevel: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0208:
        oldLevel = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    oldLevel,
  };
}

export function writeConfigurationMetaControlResponse(
  writer: Writer,
  value: ConfigurationMetaControlResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldI32(0x0208, value.oldLevel);
  writer.writeStop();
}

/** Part of ConfigurationBalancerRequest. */
export interface ConfigurationProposalAction {
  readonly target: WireHostPort | null;
  readonly node: WireHostPort | null;
  readonly type: number;
  readonly hpTarget: WireHostPort | null | undefined;
  readonly hpNode: WireHostPort | null | undefined;
}

export function makeConfigurationProposalAction(): ConfigurationProposalAction {
  return {
    target: null,
    node: null,
    type: 0,
    hpTarget: undefined,
    hpNode: undefined,
  };
}

export function readConfigurationProposalAction(reader: Reader): ConfigurationProposalAction {
  let target: WireHostPort | null = null;
  let node: WireHostPort | null = null;
  let type: number = 0;
  let hpTarget: WireHostPort | null | undefined;
  let hpNode: WireHostPort | null | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        target = reader.readRpcAddress();
        break;
      case 0x020c:
        node = reader.readRpcAddress();
        break;
      case 0x0308:
        type = reader.readI32();
        break;
      case 0x050c:
        hpTarget = reader.readHostPort();
        break;
      case 0x060c:
        hpNode = reader.readHostPort();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    target,
    node,
    type,
    hpTarget,
    hpNode,
  };
}

export function writeConfigurationProposalAction(
  writer: Writer,
  value: ConfigurationProposalAction,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeRpcAddress(value.target);
  writer.writeFieldTag(0x020c);
  writer.writeRpcAddress(value.node);
  writer.writeFieldI32(0x0308, value.type);
  if (value.hpTarget !== undefined) {
    writer.writeFieldTag(0x050c);
    writer.writeHostPort(value.hpTarget);
  }
  if (value.hpNode !== undefined) {
    writer.writeFieldTag(0x060c);
    writer.writeHostPort(value.hpNode);
  }
  writer.writeStop();
}

/** RPC_CM_PROPOSE_BALANCER */
export interface ConfigurationBalancerRequest {
  readonly gpid: WireGpid;
  readonly actionList: readonly ConfigurationProposalAction[];
  readonly force: boolean | undefined;
  readonly balanceType: number | undefined;
}

export function makeConfigurationBalancerRequest(): ConfigurationBalancerRequest {
  return {
    gpid: GPID_NONE,
    actionList: EMPTY_LIST,
    force: undefined,
    balanceType: undefined,
  };
}

export function readConfigurationBalancerRequest(reader: Reader): ConfigurationBalancerRequest {
  let gpid: WireGpid = GPID_NONE;
  let actionList: readonly ConfigurationProposalAction[] = EMPTY_LIST;
  let force: boolean | undefined;
  let balanceType: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        gpid = reader.readGpid();
        break;
      case 0x020f:
        actionList = readConfigurationProposalActionList(reader);
        break;
      case 0x0302:
        force = reader.readBool();
        break;
      case 0x0408:
        balanceType = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    gpid,
    actionList,
    force,
    balanceType,
  };
}

export function writeConfigurationBalancerRequest(
  writer: Writer,
  value: ConfigurationBalancerRequest,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.gpid);
  writer.writeFieldTag(0x020f);
  writeConfigurationProposalActionList(writer, value.actionList);
  if (value.force !== undefined) {
    writer.writeFieldTag(0x0302);
    writer.writeBool(value.force);
  }
  if (value.balanceType !== undefined) {
    writer.writeFieldI32(0x0408, value.balanceType);
  }
  writer.writeStop();
}

/** RPC_CM_PROPOSE_BALANCER */
export interface ConfigurationBalancerResponse {
  readonly err: string;
  readonly hintMessage: string | undefined;
}

export function makeConfigurationBalancerResponse(): ConfigurationBalancerResponse {
  return {
    err: '',
    hintMessage: undefined,
  };
}

export function readConfigurationBalancerResponse(reader: Reader): ConfigurationBalancerResponse {
  let err: string = '';
  let hintMessage: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMessage,
  };
}

export function writeConfigurationBalancerResponse(
  writer: Writer,
  value: ConfigurationBalancerResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  if (value.hintMessage !== undefined) {
    writer.writeFieldTag(0x020b);
    writer.writeString(value.hintMessage);
  }
  writer.writeStop();
}

/** RPC_CM_CONTROL_BALANCE, which is ours: what administrators want of the balance, and how it is. */
export interface ControlBalanceRequest {
  readonly action: string;
  readonly node: string;
  readonly tables: readonly number[];
}

export function makeControlBalanceRequest(): ControlBalanceRequest {
  return {
    action: '',
    node: '',
    tables: EMPTY_LIST,
  };
}

export function readControlBalanceRequest(reader: Reader): ControlBalanceRequest {
  let action: string = '';
  let node: string = '';
  let tables: readonly number[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        action = reader.readString();
        break;
      case 0x020b:
        node = reader.readString();
        break;
      case 0x030f:
        tables = readI32List(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    action,
    node,
    tables,
  };
}

export function writeControlBalanceRequest(writer: Writer, value: ControlBalanceRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.action);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.node);
  writer.writeFieldTag(0x030f);
  writeI32List(writer, value.tables);
  writer.writeStop();
}

/** RPC_CM_CONTROL_BALANCE */
export interface ControlBalanceResponse {
  readonly err: string;
  readonly hintMessage: string;
  readonly status: string;
}

export function makeControlBalanceResponse(): ControlBalanceResponse {
  return {
    err: '',
    hintMessage: '',
    status: '',
  };
}

export function readControlBalanceResponse(reader: Reader): ControlBalanceResponse {
  let err: string = '';
  let hintMessage: string = '';
  let status: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMessage = reader.readString();
        break;
      case 0x030b:
        status = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMessage,
    status,
  };
}

export function writeControlBalanceResponse(writer: Writer, value: ControlBalanceResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMessage);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.status);
  writer.writeStop();
}

/** RPC_CLI_CLI_CALL, to any server; the answer is a bare string. */
export interface Command {
  readonly cmd: string;
  readonly arguments: readonly string[];
}

export function makeCommand(): Command {
  return {
    cmd: '',
    arguments: EMPTY_LIST,
  };
}

export function readCommand(reader: Reader): Command {
  let cmd: string = '';
  let args: readonly string[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        cmd = reader.readString();
        break;
      case 0x020f:
        args = readStringList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    cmd,
    arguments: args,
  };
}

export function writeCommand(writer: Writer, value: Command): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.cmd);
  writer.writeFieldTag(0x020f);
  writeStringList(writer, value.arguments);
  writer.writeStop();
}

/** RPC_NEGOTIATION; status is a NegotiationStatus. */
export interface NegotiationRequest {
  readonly status: number;
  readonly msg: Uint8Array;
}

export function makeNegotiationRequest(): NegotiationRequest {
  return {
    status: 0,
    msg: EMPTY_BYTES,
  };
}

export function readNegotiationRequest(reader: Reader): NegotiationRequest {
  let status: number = 0;
  let msg: Uint8Array = EMPTY_BYTES;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        status = reader.readI32();
        break;
      case 0x020b:
      case 0x020c:
        msg = reader.readBlob();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    status,
    msg,
  };
}

export function writeNegotiationRequest(writer: Writer, value: NegotiationRequest): void {
  writer.writeFieldI32(0x0108, value.status);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.msg);
  writer.writeStop();
}

/** RPC_NEGOTIATION */
export interface NegotiationResponse {
  readonly status: number;
  readonly msg: Uint8Array;
}

export function makeNegotiationResponse(): NegotiationResponse {
  return {
    status: 0,
    msg: EMPTY_BYTES,
  };
}

export function readNegotiationResponse(reader: Reader): NegotiationResponse {
  let status: number = 0;
  let msg: Uint8Array = EMPTY_BYTES;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        status = reader.readI32();
        break;
      case 0x020b:
      case 0x020c:
        msg = reader.readBlob();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    status,
    msg,
  };
}

export function writeNegotiationResponse(writer: Writer, value: NegotiationResponse): void {
  writer.writeFieldI32(0x0108, value.status);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.msg);
  writer.writeStop();
}

/** Replicas by the number of their table. */
export interface DiskInfo {
  readonly diskTag: string;
  readonly fullDir: string;
  readonly diskCapacityMb: number;
  readonly diskAvailableMb: number;
  readonly holdingPrimaryReplicas: ReadonlyMap<number, readonly WireGpid[]>;
  readonly holdingSecondaryReplicas: ReadonlyMap<number, readonly WireGpid[]>;
}

export function makeDiskInfo(): DiskInfo {
  return {
    diskTag: '',
    fullDir: '',
    diskCapacityMb: 0,
    diskAvailableMb: 0,
    holdingPrimaryReplicas: new Map(),
    holdingSecondaryReplicas: new Map(),
  };
}

export function readDiskInfo(reader: Reader): DiskInfo {
  let diskTag: string = '';
  let fullDir: string = '';
  let diskCapacityMb: number = 0;
  let diskAvailableMb: number = 0;
  let holdingPrimaryReplicas: ReadonlyMap<number, readonly WireGpid[]> = new Map();
  let holdingSecondaryReplicas: ReadonlyMap<number, readonly WireGpid[]> = new Map();
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        diskTag = reader.readString();
        break;
      case 0x020b:
        fullDir = reader.readString();
        break;
      case 0x030a:
        diskCapacityMb = reader.readI64();
        break;
      case 0x040a:
        diskAvailableMb = reader.readI64();
        break;
      case 0x050d:
        holdingPrimaryReplicas = readI32GpidSetMap(reader);
        break;
      case 0x060d:
        holdingSecondaryReplicas = readI32GpidSetMap(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    diskTag,
    fullDir,
    diskCapacityMb,
    diskAvailableMb,
    holdingPrimaryReplicas,
    holdingSecondaryReplicas,
  };
}

export function writeDiskInfo(writer: Writer, value: DiskInfo): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.diskTag);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.fullDir);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.diskCapacityMb);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.diskAvailableMb);
  writer.writeFieldTag(0x050d);
  writeI32GpidSetMap(writer, value.holdingPrimaryReplicas);
  writer.writeFieldTag(0x060d);
  writeI32GpidSetMap(writer, value.holdingSecondaryReplicas);
  writer.writeStop();
}

/** RPC_QUERY_DISK_INFO; no name = all tables. */
export interface QueryDiskInfoRequest {
  readonly node1: WireHostPort | null;
  readonly appName: string;
  readonly hpNode1: WireHostPort | null | undefined;
}

export function makeQueryDiskInfoRequest(): QueryDiskInfoRequest {
  return {
    node1: null,
    appName: '',
    hpNode1: undefined,
  };
}

export function readQueryDiskInfoRequest(reader: Reader): QueryDiskInfoRequest {
  let node1: WireHostPort | null = null;
  let appName: string = '';
  let hpNode1: WireHostPort | null | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        node1 = reader.readRpcAddress();
        break;
      case 0x020b:
        appName = reader.readString();
        break;
      case 0x030c:
        hpNode1 = reader.readHostPort();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    node1,
    appName,
    hpNode1,
  };
}

export function writeQueryDiskInfoRequest(writer: Writer, value: QueryDiskInfoRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeRpcAddress(value.node1);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.appName);
  if (value.hpNode1 !== undefined) {
    writer.writeFieldTag(0x030c);
    writer.writeHostPort(value.hpNode1);
  }
  writer.writeStop();
}

/** RPC_QUERY_DISK_INFO */
export interface QueryDiskInfoResponse {
  readonly err: string;
  readonly totalCapacityMb: number;
  readonly totalAvailableMb: number;
  readonly diskInfos: readonly DiskInfo[];
}

export function makeQueryDiskInfoResponse(): QueryDiskInfoResponse {
  return {
    err: '',
    totalCapacityMb: 0,
    totalAvailableMb: 0,
    diskInfos: EMPTY_LIST,
  };
}

export function readQueryDiskInfoResponse(reader: Reader): QueryDiskInfoResponse {
  let err: string = '';
  let totalCapacityMb: number = 0;
  let totalAvailableMb: number = 0;
  let diskInfos: readonly DiskInfo[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020a:
        totalCapacityMb = reader.readI64();
        break;
      case 0x030a:
        totalAvailableMb = reader.readI64();
        break;
      case 0x040f:
        diskInfos = readDiskInfoList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    totalCapacityMb,
    totalAvailableMb,
    diskInfos,
  };
}

export function writeQueryDiskInfoResponse(writer: Writer, value: QueryDiskInfoResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.totalCapacityMb);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.totalAvailableMb);
  writer.writeFieldTag(0x040f);
  writeDiskInfoList(writer, value.diskInfos);
  writer.writeStop();
}

/** RPC_REPLICA_DISK_MIGRATE */
export interface ReplicaDiskMigrateRequest {
  readonly pid: WireGpid;
  readonly originDisk: string;
  readonly targetDisk: string;
}

export function makeReplicaDiskMigrateRequest(): ReplicaDiskMigrateRequest {
  return {
    pid: GPID_NONE,
    originDisk: '',
    targetDisk: '',
  };
}

export function readReplicaDiskMigrateRequest(reader: Reader): ReplicaDiskMigrateRequest {
  let pid: WireGpid = GPID_NONE;
  let originDisk: string = '';
  let targetDisk: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        pid = reader.readGpid();
        break;
      case 0x020b:
        originDisk = reader.readString();
        break;
      case 0x030b:
        targetDisk = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    pid,
    originDisk,
    targetDisk,
  };
}

export function writeReplicaDiskMigrateRequest(
  writer: Writer,
  value: ReplicaDiskMigrateRequest,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.pid);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.originDisk);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.targetDisk);
  writer.writeStop();
}

/** RPC_REPLICA_DISK_MIGRATE */
export interface ReplicaDiskMigrateResponse {
  readonly err: string;
  readonly hint: string | undefined;
}

export function makeReplicaDiskMigrateResponse(): ReplicaDiskMigrateResponse {
  return {
    err: '',
    hint: undefined,
  };
}

export function readReplicaDiskMigrateResponse(reader: Reader): ReplicaDiskMigrateResponse {
  let err: string = '';
  let hint: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hint = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hint,
  };
}

export function writeReplicaDiskMigrateResponse(
  writer: Writer,
  value: ReplicaDiskMigrateResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  if (value.hint !== undefined) {
    writer.writeFieldTag(0x020b);
    writer.writeString(value.hint);
  }
  writer.writeStop();
}

/** RPC_ADD_NEW_DISK; `tag:dir,…`. */
export interface AddNewDiskRequest {
  readonly diskStr: string;
}

export function makeAddNewDiskRequest(): AddNewDiskRequest {
  return {
    diskStr: '',
  };
}

export function readAddNewDiskRequest(reader: Reader): AddNewDiskRequest {
  let diskStr: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        diskStr = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    diskStr,
  };
}

export function writeAddNewDiskRequest(writer: Writer, value: AddNewDiskRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.diskStr);
  writer.writeStop();
}

/** RPC_ADD_NEW_DISK */
export interface AddNewDiskResponse {
  readonly err: string;
  readonly errHint: string | undefined;
}

export function makeAddNewDiskResponse(): AddNewDiskResponse {
  return {
    err: '',
    errHint: undefined,
  };
}

export function readAddNewDiskResponse(reader: Reader): AddNewDiskResponse {
  let err: string = '';
  let errHint: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        errHint = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    errHint,
  };
}

export function writeAddNewDiskResponse(writer: Writer, value: AddNewDiskResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  if (value.errHint !== undefined) {
    writer.writeFieldTag(0x020b);
    writer.writeString(value.errHint);
  }
  writer.writeStop();
}

/** RPC_CM_START_PARTITION_SPLIT */
export interface StartPartitionSplitRequest {
  readonly appName: string;
  readonly newPartitionCount: number;
}

export function makeStartPartitionSplitRequest(): StartPartitionSplitRequest {
  return {
    appName: '',
    newPartitionCount: 0,
  };
}

export function readStartPartitionSplitRequest(reader: Reader): StartPartitionSplitRequest {
  let appName: string = '';
  let newPartitionCount: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x0208:
        newPartitionCount = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    newPartitionCount,
  };
}

export function writeStartPartitionSplitRequest(
  writer: Writer,
  value: StartPartitionSplitRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldI32(0x0208, value.newPartitionCount);
  writer.writeStop();
}

/** RPC_CM_START_PARTITION_SPLIT */
export interface StartPartitionSplitResponse {
  readonly err: string;
  readonly hintMsg: string;
}

export function makeStartPartitionSplitResponse(): StartPartitionSplitResponse {
  return {
    err: '',
    hintMsg: '',
  };
}

export function readStartPartitionSplitResponse(reader: Reader): StartPartitionSplitResponse {
  let err: string = '';
  let hintMsg: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMsg = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMsg,
  };
}

export function writeStartPartitionSplitResponse(
  writer: Writer,
  value: StartPartitionSplitResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMsg);
  writer.writeStop();
}

/** RPC_CM_QUERY_PARTITION_SPLIT */
export interface QuerySplitRequest {
  readonly appName: string;
}

export function makeQuerySplitRequest(): QuerySplitRequest {
  return {
    appName: '',
  };
}

export function readQuerySplitRequest(reader: Reader): QuerySplitRequest {
  let appName: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
  };
}

export function writeQuerySplitRequest(writer: Writer, value: QuerySplitRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeStop();
}

/** RPC_CM_QUERY_PARTITION_SPLIT */
export interface QuerySplitResponse {
  readonly err: string;
  readonly newPartitionCount: number;
  readonly status: ReadonlyMap<number, number>;
  readonly hintMsg: string | undefined;
}

export function makeQuerySplitResponse(): QuerySplitResponse {
  return {
    err: '',
    newPartitionCount: 0,
    status: new Map(),
    hintMsg: undefined,
  };
}

export function readQuerySplitResponse(reader: Reader): QuerySplitResponse {
  let err: string = '';
  let newPartitionCount: number = 0;
  let status: ReadonlyMap<number, number> = new Map();
  let hintMsg: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0208:
        newPartitionCount = reader.readI32();
        break;
      case 0x030d:
        status = readI32I32Map(reader);
        break;
      case 0x040b:
        hintMsg = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    newPartitionCount,
    status,
    hintMsg,
  };
}

export function writeQuerySplitResponse(writer: Writer, value: QuerySplitResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldI32(0x0208, value.newPartitionCount);
  writer.writeFieldTag(0x030d);
  writeI32I32Map(writer, value.status);
  if (value.hintMsg !== undefined) {
    writer.writeFieldTag(0x040b);
    writer.writeString(value.hintMsg);
  }
  writer.writeStop();
}

/** RPC_CM_CONTROL_PARTITION_SPLIT; 0 pause, 1 restart, 2 cancel. */
export interface ControlSplitRequest {
  readonly appName: string;
  readonly controlType: number;
  readonly parentPidx: number;
  readonly oldPartitionCount: number | undefined;
}

export function makeControlSplitRequest(): ControlSplitRequest {
  return {
    appName: '',
    controlType: 0,
    parentPidx: 0,
    oldPartitionCount: undefined,
  };
}

export function readControlSplitRequest(reader: Reader): ControlSplitRequest {
  let appName: string = '';
  let controlType: number = 0;
  let parentPidx: number = 0;
  let oldPartitionCount: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x0208:
        controlType = reader.readI32();
        break;
      case 0x0308:
        parentPidx = reader.readI32();
        break;
      case 0x0408:
        oldPartitionCount = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    controlType,
    parentPidx,
    oldPartitionCount,
  };
}

export function writeControlSplitRequest(writer: Writer, value: ControlSplitRequest): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldI32(0x0208, value.controlType);
  writer.writeFieldI32(0x0308, value.parentPidx);
  if (value.oldPartitionCount !== undefined) {
    writer.writeFieldI32(0x0408, value.oldPartitionCount);
  }
  writer.writeStop();
}

/** RPC_CM_CONTROL_PARTITION_SPLIT */
export interface ControlSplitResponse {
  readonly err: string;
  readonly hintMsg: string | undefined;
}

export function makeControlSplitResponse(): ControlSplitResponse {
  return {
    err: '',
    hintMsg: undefined,
  };
}

export function readControlSplitResponse(reader: Reader): ControlSplitResponse {
  let err: string = '';
  let hintMsg: string | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMsg = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMsg,
  };
}

export function writeControlSplitResponse(writer: Writer, value: ControlSplitResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  if (value.hintMsg !== undefined) {
    writer.writeFieldTag(0x020b);
    writer.writeString(value.hintMsg);
  }
  writer.writeStop();
}

/** RPC_CM_START_MANUAL_COMPACT */
export interface StartAppManualCompactRequest {
  readonly appName: string;
  readonly triggerTime: number | undefined;
  readonly targetLevel: number | undefined;
  readonly bottommost: boolean | undefined;
  readonly maxRunningCount: number | undefined;
}

export function makeStartAppManualCompactRequest(): StartAppManualCompactRequest {
  return {
    appName: '',
    triggerTime: undefined,
    targetLevel: undefined,
    bottommost: undefined,
    maxRunningCount: undefined,
  };
}

export function readStartAppManualCompactRequest(reader: Reader): StartAppManualCompactRequest {
  let appName: string = '';
  let triggerTime: number | undefined;
  let targetLevel: number | undefined;
  let bottommost: boolean | undefined;
  let maxRunningCount: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x020a:
        triggerTime = reader.readI64();
        break;
      case 0x0308:
        targetLevel = reader.readI32();
        break;
      case 0x0402:
        bottommost = reader.readBool();
        break;
      case 0x0508:
        maxRunningCount = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    triggerTime,
    targetLevel,
    bottommost,
    maxRunningCount,
  };
}

export function writeStartAppManualCompactRequest(
  writer: Writer,
  value: StartAppManualCompactRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  if (value.triggerTime !== undefined) {
    writer.writeFieldTag(0x020a);
    writer.writeI64(value.triggerTime);
  }
  if (value.targetLevel !== undefined) {
    writer.writeFieldI32(0x0308, value.targetLevel);
  }
  if (value.bottommost !== undefined) {
    writer.writeFieldTag(0x0402);
    writer.writeBool(value.bottommost);
  }
  if (value.maxRunningCount !== undefined) {
    writer.writeFieldI32(0x0508, value.maxRunningCount);
  }
  writer.writeStop();
}

/** RPC_CM_START_MANUAL_COMPACT */
export interface StartAppManualCompactResponse {
  readonly err: string;
  readonly hintMsg: string;
}

export function makeStartAppManualCompactResponse(): StartAppManualCompactResponse {
  return {
    err: '',
    hintMsg: '',
  };
}

export function readStartAppManualCompactResponse(reader: Reader): StartAppManualCompactResponse {
  let err: string = '';
  let hintMsg: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMsg = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMsg,
  };
}

export function writeStartAppManualCompactResponse(
  writer: Writer,
  value: StartAppManualCompactResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMsg);
  writer.writeStop();
}

/** RPC_CM_QUERY_MANUAL_COMPACT_STATUS */
export interface QueryAppManualCompactRequest {
  readonly appName: string;
}

export function makeQueryAppManualCompactRequest(): QueryAppManualCompactRequest {
  return {
    appName: '',
  };
}

export function readQueryAppManualCompactRequest(reader: Reader): QueryAppManualCompactRequest {
  let appName: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
  };
}

export function writeQueryAppManualCompactRequest(
  writer: Writer,
  value: QueryAppManualCompactRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeStop();
}

/** RPC_CM_QUERY_MANUAL_COMPACT_STATUS */
export interface QueryAppManualCompactResponse {
  readonly err: string;
  readonly hintMsg: string;
  readonly progress: number | undefined;
}

export function makeQueryAppManualCompactResponse(): QueryAppManualCompactResponse {
  return {
    err: '',
    hintMsg: '',
    progress: undefined,
  };
}

export function readQueryAppManualCompactResponse(reader: Reader): QueryAppManualCompactResponse {
  let err: string = '';
  let hintMsg: string = '';
  let progress: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMsg = reader.readString();
        break;
      case 0x0308:
        progress = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMsg,
    progress,
  };
}

export function writeQueryAppManualCompactResponse(
  writer: Writer,
  value: QueryAppManualCompactResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMsg);
  if (value.progress !== undefined) {
    writer.writeFieldI32(0x0308, value.progress);
  }
  writer.writeStop();
}

/** RPC_CM_GET_MAX_REPLICA_COUNT */
export interface ConfigurationGetMaxReplicaCountRequest {
  readonly appName: string;
}

export function makeConfigurationGetMaxReplicaCountRequest(): ConfigurationGetMaxReplicaCountRequest {
  return {
    appName: '',
  };
}

export function readConfigurationGetMaxReplicaCountRequest(
  reader: Reader,
): ConfigurationGetMaxReplicaCountRequest {
  let appName: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
  };
}

export function writeConfigurationGetMaxReplicaCountRequest(
  writer: Writer,
  value: ConfigurationGetMaxReplicaCountRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeStop();
}

/** RPC_CM_GET_MAX_REPLICA_COUNT */
export interface ConfigurationGetMaxReplicaCountResponse {
  readonly err: string;
  readonly maxReplicaCount: number;
  readonly hintMessage: string;
}

export function makeConfigurationGetMaxReplicaCountResponse(): ConfigurationGetMaxReplicaCountResponse {
  return {
    err: '',
    maxReplicaCount: 0,
    hintMessage: '',
  };
}

export function readConfigurationGetMaxReplicaCountResponse(
  reader: Reader,
): ConfigurationGetMaxReplicaCountResponse {
  let err: string = '';
  let maxReplicaCount: number = 0;
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0208:
        maxReplicaCount = reader.readI32();
        break;
      case 0x030b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    maxReplicaCount,
    hintMessage,
  };
}

export function writeConfigurationGetMaxReplicaCountResponse(
  writer: Writer,
  value: ConfigurationGetMaxReplicaCountResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldI32(0x0208, value.maxReplicaCount);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_CM_SET_MAX_REPLICA_COUNT */
export interface ConfigurationSetMaxReplicaCountRequest {
  readonly appName: string;
  readonly maxReplicaCount: number;
}

export function makeConfigurationSetMaxReplicaCountRequest(): ConfigurationSetMaxReplicaCountRequest {
  return {
    appName: '',
    maxReplicaCount: 0,
  };
}

export function readConfigurationSetMaxReplicaCountRequest(
  reader: Reader,
): ConfigurationSetMaxReplicaCountRequest {
  let appName: string = '';
  let maxReplicaCount: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x0208:
        maxReplicaCount = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    maxReplicaCount,
  };
}

export function writeConfigurationSetMaxReplicaCountRequest(
  writer: Writer,
  value: ConfigurationSetMaxReplicaCountRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldI32(0x0208, value.maxReplicaCount);
  writer.writeStop();
}

/** RPC_CM_SET_MAX_REPLICA_COUNT */
export interface ConfigurationSetMaxReplicaCountResponse {
  readonly err: string;
  readonly oldMaxReplicaCount: number;
  readonly hintMessage: string;
}

export function makeConfigurationSetMaxReplicaCountResponse(): ConfigurationSetMaxReplicaCountResponse {
  return {
    err: '',
    oldMaxReplicaCount: 0,
    hintMessage: '',
  };
}

export function readConfigurationSetMaxReplicaCountResponse(
  reader: Reader,
): ConfigurationSetMaxReplicaCountResponse {
  let err: string = '';
  let oldMaxReplicaCount: number = 0;
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0208:
        oldMaxReplicaCount = reader.readI32();
        break;
      case 0x030b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    oldMaxReplicaCount,
    hintMessage,
  };
}

export function writeConfigurationSetMaxReplicaCountResponse(
  writer: Writer,
  value: ConfigurationSetMaxReplicaCountResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldI32(0x0208, value.oldMaxReplicaCount);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_CM_GET_ATOMIC_IDEMPOTENT */
export interface ConfigurationGetAtomicIdempotentRequest {
  readonly appName: string;
}

export function makeConfigurationGetAtomicIdempotentRequest(): ConfigurationGetAtomicIdempotentRequest {
  return {
    appName: '',
  };
}

export function readConfigurationGetAtomicIdempotentRequest(
  reader: Reader,
): ConfigurationGetAtomicIdempotentRequest {
  let appName: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
  };
}

export function writeConfigurationGetAtomicIdempotentRequest(
  writer: Writer,
  value: ConfigurationGetAtomicIdempotentRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeStop();
}

/** RPC_CM_GET_ATOMIC_IDEMPOTENT */
export interface ConfigurationGetAtomicIdempotentResponse {
  readonly err: string;
  readonly atomicIdempotent: boolean;
  readonly hintMessage: string;
}

export function makeConfigurationGetAtomicIdempotentResponse(): ConfigurationGetAtomicIdempotentResponse {
  return {
    err: '',
    atomicIdempotent: false,
    hintMessage: '',
  };
}

export function readConfigurationGetAtomicIdempotentResponse(
  reader: Reader,
): ConfigurationGetAtomicIdempotentResponse {
  let err: string = '';
  let atomicIdempotent: boolean = false;
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0202:
        atomicIdempotent = reader.readBool();
        break;
      case 0x030b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    atomicIdempotent,
    hintMessage,
  };
}

export function writeConfigurationGetAtomicIdempotentResponse(
  writer: Writer,
  value: ConfigurationGetAtomicIdempotentResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x0202);
  writer.writeBool(value.atomicIdempotent);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_CM_SET_ATOMIC_IDEMPOTENT */
export interface ConfigurationSetAtomicIdempotentRequest {
  readonly appName: string;
  readonly atomicIdempotent: boolean;
}

export function makeConfigurationSetAtomicIdempotentRequest(): ConfigurationSetAtomicIdempotentRequest {
  return {
    appName: '',
    atomicIdempotent: false,
  };
}

export function readConfigurationSetAtomicIdempotentRequest(
  reader: Reader,
): ConfigurationSetAtomicIdempotentRequest {
  let appName: string = '';
  let atomicIdempotent: boolean = false;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
        appName = reader.readString();
        break;
      case 0x0202:
        atomicIdempotent = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    appName,
    atomicIdempotent,
  };
}

export function writeConfigurationSetAtomicIdempotentRequest(
  writer: Writer,
  value: ConfigurationSetAtomicIdempotentRequest,
): void {
  writer.writeFieldTag(0x010b);
  writer.writeString(value.appName);
  writer.writeFieldTag(0x0202);
  writer.writeBool(value.atomicIdempotent);
  writer.writeStop();
}

/** RPC_CM_SET_ATOMIC_IDEMPOTENT */
export interface ConfigurationSetAtomicIdempotentResponse {
  readonly err: string;
  readonly oldAtomicIdempotent: boolean;
  readonly hintMessage: string;
}

export function makeConfigurationSetAtomicIdempotentResponse(): ConfigurationSetAtomicIdempotentResponse {
  return {
    err: '',
    oldAtomicIdempotent: false,
    hintMessage: '',
  };
}

export function readConfigurationSetAtomicIdempotentResponse(
  reader: Reader,
): ConfigurationSetAtomicIdempotentResponse {
  let err: string = '';
  let oldAtomicIdempotent: boolean = false;
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x0202:
        oldAtomicIdempotent = reader.readBool();
        break;
      case 0x030b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    oldAtomicIdempotent,
    hintMessage,
  };
}

export function writeConfigurationSetAtomicIdempotentResponse(
  writer: Writer,
  value: ConfigurationSetAtomicIdempotentResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x0202);
  writer.writeBool(value.oldAtomicIdempotent);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_CM_START_RECOVERY */
export interface ConfigurationRecoveryRequest {
  readonly recoveryNodes: readonly (WireHostPort | null)[];
  readonly skipBadNodes: boolean;
  readonly skipLostPartitions: boolean;
  readonly hpRecoveryNodes: readonly (WireHostPort | null)[] | undefined;
}

export function makeConfigurationRecoveryRequest(): ConfigurationRecoveryRequest {
  return {
    recoveryNodes: EMPTY_LIST,
    skipBadNodes: false,
    skipLostPartitions: false,
    hpRecoveryNodes: undefined,
  };
}

export function readConfigurationRecoveryRequest(reader: Reader): ConfigurationRecoveryRequest {
  let recoveryNodes: readonly (WireHostPort | null)[] = EMPTY_LIST;
  let skipBadNodes: boolean = false;
  let skipLostPartitions: boolean = false;
  let hpRecoveryNodes: readonly (WireHostPort | null)[] | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010f:
        recoveryNodes = readRpcAddressList(reader);
        break;
      case 0x0202:
        skipBadNodes = reader.readBool();
        break;
      case 0x0302:
        skipLostPartitions = reader.readBool();
        break;
      case 0x040f:
        hpRecoveryNodes = readHostPortList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    recoveryNodes,
    skipBadNodes,
    skipLostPartitions,
    hpRecoveryNodes,
  };
}

export function writeConfigurationRecoveryRequest(
  writer: Writer,
  value: ConfigurationRecoveryRequest,
): void {
  writer.writeFieldTag(0x010f);
  writeRpcAddressList(writer, value.recoveryNodes);
  writer.writeFieldTag(0x0202);
  writer.writeBool(value.skipBadNodes);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.skipLostPartitions);
  if (value.hpRecoveryNodes !== undefined) {
    writer.writeFieldTag(0x040f);
    writeHostPortList(writer, value.hpRecoveryNodes);
  }
  writer.writeStop();
}

/** RPC_CM_START_RECOVERY */
export interface ConfigurationRecoveryResponse {
  readonly err: string;
  readonly hintMessage: string;
}

export function makeConfigurationRecoveryResponse(): ConfigurationRecoveryResponse {
  return {
    err: '',
    hintMessage: '',
  };
}

export function readConfigurationRecoveryResponse(reader: Reader): ConfigurationRecoveryResponse {
  let err: string = '';
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMessage,
  };
}

export function writeConfigurationRecoveryResponse(
  writer: Writer,
  value: ConfigurationRecoveryResponse,
): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

/** RPC_CM_DDD_DIAGNOSE; (-1, *) = all, (N, -1) = table N. */
export interface DddDiagnoseRequest {
  readonly pid: WireGpid;
}

export function makeDddDiagnoseRequest(): DddDiagnoseRequest {
  return {
    pid: GPID_NONE,
  };
}

export function readDddDiagnoseRequest(reader: Reader): DddDiagnoseRequest {
  let pid: WireGpid = GPID_NONE;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        pid = reader.readGpid();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    pid,
  };
}

export function writeDddDiagnoseRequest(writer: Writer, value: DddDiagnoseRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.pid);
  writer.writeStop();
}

/** One copy of a partition that nobody leads. 101 and above are ours. */
export interface DddNodeInfo {
  readonly node: WireHostPort | null;
  readonly dropTimeMs: number;
  readonly isAlive: boolean;
  readonly isCollected: boolean;
  readonly ballot: number;
  readonly lastCommittedDecree: number;
  readonly lastPreparedDecree: number;
  readonly hpNode: WireHostPort | null | undefined;
  readonly isMember: boolean | undefined;
  readonly lostDecrees: number | undefined;
  readonly tailUnproven: boolean | undefined;
}

export function makeDddNodeInfo(): DddNodeInfo {
  return {
    node: null,
    dropTimeMs: 0,
    isAlive: false,
    isCollected: false,
    ballot: 0,
    lastCommittedDecree: 0,
    lastPreparedDecree: 0,
    hpNode: undefined,
    isMember: undefined,
    lostDecrees: undefined,
    tailUnproven: undefined,
  };
}

export function readDddNodeInfo(reader: Reader): DddNodeInfo {
  let node: WireHostPort | null = null;
  let dropTimeMs: number = 0;
  let isAlive: boolean = false;
  let isCollected: boolean = false;
  let ballot: number = 0;
  let lastCommittedDecree: number = 0;
  let lastPreparedDecree: number = 0;
  let hpNode: WireHostPort | null | undefined;
  let isMember: boolean | undefined;
  let lostDecrees: number | undefined;
  let tailUnproven: boolean | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        node = reader.readRpcAddress();
        break;
      case 0x020a:
        dropTimeMs = reader.readI64();
        break;
      case 0x0302:
        isAlive = reader.readBool();
        break;
      case 0x0402:
        isCollected = reader.readBool();
        break;
      case 0x050a:
        ballot = reader.readI64();
        break;
      case 0x060a:
        lastCommittedDecree = reader.readI64();
        break;
      case 0x070a:
        lastPreparedDecree = reader.readI64();
        break;
      case 0x080c:
        hpNode = reader.readHostPort();
        break;
      case 0x6502:
        isMember = reader.readBool();
        break;
      case 0x660a:
        lostDecrees = reader.readI64();
        break;
      case 0x6702:
        tailUnproven = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    node,
    dropTimeMs,
    isAlive,
    isCollected,
    ballot,
    lastCommittedDecree,
    lastPreparedDecree,
    hpNode,
    isMember,
    lostDecrees,
    tailUnproven,
  };
}

export function writeDddNodeInfo(writer: Writer, value: DddNodeInfo): void {
  writer.writeFieldTag(0x010c);
  writer.writeRpcAddress(value.node);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.dropTimeMs);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.isAlive);
  writer.writeFieldTag(0x0402);
  writer.writeBool(value.isCollected);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.ballot);
  writer.writeFieldTag(0x060a);
  writer.writeI64(value.lastCommittedDecree);
  writer.writeFieldTag(0x070a);
  writer.writeI64(value.lastPreparedDecree);
  if (value.hpNode !== undefined) {
    writer.writeFieldTag(0x080c);
    writer.writeHostPort(value.hpNode);
  }
  if (value.isMember !== undefined) {
    writer.writeFieldTag(0x6502);
    writer.writeBool(value.isMember);
  }
  if (value.lostDecrees !== undefined) {
    writer.writeFieldTag(0x660a);
    writer.writeI64(value.lostDecrees);
  }
  if (value.tailUnproven !== undefined) {
    writer.writeFieldTag(0x6702);
    writer.writeBool(value.tailUnproven);
  }
  writer.writeStop();
}

/** Part of DddDiagnoseResponse. */
export interface DddPartitionInfo {
  readonly config: WirePartitionConfiguration;
  readonly dropped: readonly DddNodeInfo[];
  readonly reason: string;
}

export function makeDddPartitionInfo(): DddPartitionInfo {
  return {
    config: makeWirePartitionConfiguration(),
    dropped: EMPTY_LIST,
    reason: '',
  };
}

export function readDddPartitionInfo(reader: Reader): DddPartitionInfo {
  let config: WirePartitionConfiguration | null = null;
  let dropped: readonly DddNodeInfo[] = EMPTY_LIST;
  let reason: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        config = readWirePartitionConfiguration(reader);
        break;
      case 0x020f:
        dropped = readDddNodeInfoList(reader);
        break;
      case 0x030b:
        reason = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    config: config ?? makeWirePartitionConfiguration(),
    dropped,
    reason,
  };
}

export function writeDddPartitionInfo(writer: Writer, value: DddPartitionInfo): void {
  writer.writeFieldTag(0x010c);
  writeWirePartitionConfiguration(writer, value.config);
  writer.writeFieldTag(0x020f);
  writeDddNodeInfoList(writer, value.dropped);
  writer.writeFieldTag(0x030b);
  writer.writeString(value.reason);
  writer.writeStop();
}

/** RPC_CM_DDD_DIAGNOSE */
export interface DddDiagnoseResponse {
  readonly err: string;
  readonly partitions: readonly DddPartitionInfo[];
}

export function makeDddDiagnoseResponse(): DddDiagnoseResponse {
  return {
    err: '',
    partitions: EMPTY_LIST,
  };
}

export function readDddDiagnoseResponse(reader: Reader): DddDiagnoseResponse {
  let err: string = '';
  let partitions: readonly DddPartitionInfo[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020f:
        partitions = readDddPartitionInfoList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    partitions,
  };
}

export function writeDddDiagnoseResponse(writer: Writer, value: DddDiagnoseResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020f);
  writeDddPartitionInfoList(writer, value.partitions);
  writer.writeStop();
}

/** RPC_CM_FORCE_PRIMARY, which is ours: this node leads the partition with what it has, whatever is lost. */
export interface ForcePrimaryRequest {
  readonly pid: WireGpid;
  readonly node: WireHostPort | null;
  readonly ballot: number;
  readonly reason: string;
}

export function makeForcePrimaryRequest(): ForcePrimaryRequest {
  return {
    pid: GPID_NONE,
    node: null,
    ballot: 0,
    reason: '',
  };
}

export function readForcePrimaryRequest(reader: Reader): ForcePrimaryRequest {
  let pid: WireGpid = GPID_NONE;
  let node: WireHostPort | null = null;
  let ballot: number = 0;
  let reason: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010c:
        pid = reader.readGpid();
        break;
      case 0x020c:
        node = reader.readHostPort();
        break;
      case 0x030a:
        ballot = reader.readI64();
        break;
      case 0x040b:
        reason = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    pid,
    node,
    ballot,
    reason,
  };
}

export function writeForcePrimaryRequest(writer: Writer, value: ForcePrimaryRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeGpid(value.pid);
  writer.writeFieldTag(0x020c);
  writer.writeHostPort(value.node);
  writer.writeFieldTag(0x030a);
  writer.writeI64(value.ballot);
  writer.writeFieldTag(0x040b);
  writer.writeString(value.reason);
  writer.writeStop();
}

/** RPC_CM_FORCE_PRIMARY */
export interface ForcePrimaryResponse {
  readonly err: string;
  readonly hintMessage: string;
}

export function makeForcePrimaryResponse(): ForcePrimaryResponse {
  return {
    err: '',
    hintMessage: '',
  };
}

export function readForcePrimaryResponse(reader: Reader): ForcePrimaryResponse {
  let err: string = '';
  let hintMessage: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        err = reader.readString();
        break;
      case 0x020b:
        hintMessage = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    err,
    hintMessage,
  };
}

export function writeForcePrimaryResponse(writer: Writer, value: ForcePrimaryResponse): void {
  writer.writeFieldTag(0x010c);
  writer.writeString(value.err);
  writer.writeFieldTag(0x020b);
  writer.writeString(value.hintMessage);
  writer.writeStop();
}

function readI32List(reader: Reader): number[] {
  const count = reader.readListHeader(8, 8, 4);
  const items: number[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readI32());
  return items;
}

function writeI32List(writer: Writer, items: readonly number[]): void {
  writer.writeListHeader(8, items.length);
  for (const item of items) writer.writeI32(item);
}

function readWirePartitionConfigurationList(reader: Reader): WirePartitionConfiguration[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: WirePartitionConfiguration[] = [];
  for (let index = 0; index < count; index++) items.push(readWirePartitionConfiguration(reader));
  return items;
}

function writeWirePartitionConfigurationList(
  writer: Writer,
  items: readonly WirePartitionConfiguration[],
): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeWirePartitionConfiguration(writer, item);
}

function readRpcAddressList(reader: Reader): (WireHostPort | null)[] {
  const count = reader.readListHeader(12, 12, 8);
  const items: (WireHostPort | null)[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readRpcAddress());
  return items;
}

function writeRpcAddressList(writer: Writer, items: readonly (WireHostPort | null)[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writer.writeRpcAddress(item);
}

function readHostPortList(reader: Reader): (WireHostPort | null)[] {
  const count = reader.readListHeader(12, 12, 7);
  const items: (WireHostPort | null)[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readHostPort());
  return items;
}

function writeHostPortList(writer: Writer, items: readonly (WireHostPort | null)[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writer.writeHostPort(item);
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

function readWireAppInfoList(reader: Reader): WireAppInfo[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: WireAppInfo[] = [];
  for (let index = 0; index < count; index++) items.push(readWireAppInfo(reader));
  return items;
}

function writeWireAppInfoList(writer: Writer, items: readonly WireAppInfo[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeWireAppInfo(writer, item);
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

function readNodeInfoList(reader: Reader): NodeInfo[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: NodeInfo[] = [];
  for (let index = 0; index < count; index++) items.push(readNodeInfo(reader));
  return items;
}

function writeNodeInfoList(writer: Writer, items: readonly NodeInfo[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeNodeInfo(writer, item);
}

function readConfigurationProposalActionList(reader: Reader): ConfigurationProposalAction[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: ConfigurationProposalAction[] = [];
  for (let index = 0; index < count; index++) items.push(readConfigurationProposalAction(reader));
  return items;
}

function writeConfigurationProposalActionList(
  writer: Writer,
  items: readonly ConfigurationProposalAction[],
): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeConfigurationProposalAction(writer, item);
}

function readGpidSet(reader: Reader): WireGpid[] {
  const count = reader.readListHeader(12, 12, 8);
  const items: WireGpid[] = [];
  for (let index = 0; index < count; index++) items.push(reader.readGpid());
  return items;
}

function writeGpidSet(writer: Writer, items: readonly WireGpid[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writer.writeGpid(item);
}

function readI32GpidSetMap(reader: Reader): Map<number, readonly WireGpid[]> {
  const count = reader.readMapHeader(8, 14, 9);
  const items = new Map<number, readonly WireGpid[]>();
  for (let index = 0; index < count; index++) {
    const key = reader.readI32();
    items.set(key, readGpidSet(reader));
  }
  return items;
}

function writeI32GpidSetMap(writer: Writer, items: ReadonlyMap<number, readonly WireGpid[]>): void {
  writer.writeMapHeader(8, 14, items.size);
  for (const [key, value] of items) {
    writer.writeI32(key);
    writeGpidSet(writer, value);
  }
}

function readDiskInfoList(reader: Reader): DiskInfo[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: DiskInfo[] = [];
  for (let index = 0; index < count; index++) items.push(readDiskInfo(reader));
  return items;
}

function writeDiskInfoList(writer: Writer, items: readonly DiskInfo[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeDiskInfo(writer, item);
}

function readI32I32Map(reader: Reader): Map<number, number> {
  const count = reader.readMapHeader(8, 8, 8);
  const items = new Map<number, number>();
  for (let index = 0; index < count; index++) {
    const key = reader.readI32();
    items.set(key, reader.readI32());
  }
  return items;
}

function writeI32I32Map(writer: Writer, items: ReadonlyMap<number, number>): void {
  writer.writeMapHeader(8, 8, items.size);
  for (const [key, value] of items) {
    writer.writeI32(key);
    writer.writeI32(value);
  }
}

function readDddNodeInfoList(reader: Reader): DddNodeInfo[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: DddNodeInfo[] = [];
  for (let index = 0; index < count; index++) items.push(readDddNodeInfo(reader));
  return items;
}

function writeDddNodeInfoList(writer: Writer, items: readonly DddNodeInfo[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeDddNodeInfo(writer, item);
}

function readDddPartitionInfoList(reader: Reader): DddPartitionInfo[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: DddPartitionInfo[] = [];
  for (let index = 0; index < count; index++) items.push(readDddPartitionInfo(reader));
  return items;
}

function writeDddPartitionInfoList(writer: Writer, items: readonly DddPartitionInfo[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeDddPartitionInfo(writer, item);
}
