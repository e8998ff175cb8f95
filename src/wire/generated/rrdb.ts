/**
 * Made from src/wire/schema/rrdb.ts by scripts/generate-wire.ts; do not edit.
 */
import { EMPTY_BYTES } from '../../base/bytes.ts';
import type { Reader } from '../reader.ts';
import type { Writer } from '../writer.ts';

const EMPTY_LIST: readonly never[] = [];

/** put. `key` is an encoded key. Clients never set 4 to 7. */
export interface UpdateRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly expireTsSeconds: number;
  readonly type: number | undefined;
  readonly checkValueReturned: boolean | undefined;
  readonly checkValueExist: boolean | undefined;
  readonly checkValue: Uint8Array | undefined;
}

export function makeUpdateRequest(): UpdateRequest {
  return {
    key: EMPTY_BYTES,
    value: EMPTY_BYTES,
    expireTsSeconds: 0,
    type: undefined,
    checkValueReturned: undefined,
    checkValueExist: undefined,
    checkValue: undefined,
  };
}

export function readUpdateRequest(reader: Reader): UpdateRequest {
  let key: Uint8Array = EMPTY_BYTES;
  let value: Uint8Array = EMPTY_BYTES;
  let expireTsSeconds: number = 0;
  let type: number | undefined;
  let checkValueReturned: boolean | undefined;
  let checkValueExist: boolean | undefined;
  let checkValue: Uint8Array | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        key = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        value = reader.readBlob();
        break;
      case 0x0308:
        expireTsSeconds = reader.readI32();
        break;
      case 0x0408:
        type = reader.readI32();
        break;
      case 0x0502:
        checkValueReturned = reader.readBool();
        break;
      case 0x0602:
        checkValueExist = reader.readBool();
        break;
      case 0x070b:
      case 0x070c:
        checkValue = reader.readBlob();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    key,
    value,
    expireTsSeconds,
    type,
    checkValueReturned,
    checkValueExist,
    checkValue,
  };
}

export function writeUpdateRequest(writer: Writer, value: UpdateRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.key);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.value);
  writer.writeFieldI32(0x0308, value.expireTsSeconds);
  if (value.type !== undefined) {
    writer.writeFieldI32(0x0408, value.type);
  }
  if (value.checkValueReturned !== undefined) {
    writer.writeFieldTag(0x0502);
    writer.writeBool(value.checkValueReturned);
  }
  if (value.checkValueExist !== undefined) {
    writer.writeFieldTag(0x0602);
    writer.writeBool(value.checkValueExist);
  }
  if (value.checkValue !== undefined) {
    writer.writeFieldTag(0x070c);
    writer.writeBlob(value.checkValue);
  }
  writer.writeStop();
}

/** put, multi_put and remove. */
export interface UpdateResponse {
  readonly error: number;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly decree: number;
  readonly server: string;
}

export function makeUpdateResponse(): UpdateResponse {
  return {
    error: 0,
    appId: 0,
    partitionIndex: 0,
    decree: 0,
    server: '',
  };
}

export function readUpdateResponse(reader: Reader): UpdateResponse {
  let error: number = 0;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let decree: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x0208:
        appId = reader.readI32();
        break;
      case 0x0308:
        partitionIndex = reader.readI32();
        break;
      case 0x040a:
        decree = reader.readI64();
        break;
      case 0x050b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    appId,
    partitionIndex,
    decree,
    server,
  };
}

export function writeUpdateResponse(writer: Writer, value: UpdateResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldI32(0x0208, value.appId);
  writer.writeFieldI32(0x0308, value.partitionIndex);
  writer.writeFieldTag(0x040a);
  writer.writeI64(value.decree);
  writer.writeFieldTag(0x050b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** `key` is a sort key, or in scan responses a whole encoded key. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly expireTsSeconds: number | undefined;
}

export function makeKeyValue(): KeyValue {
  return {
    key: EMPTY_BYTES,
    value: EMPTY_BYTES,
    expireTsSeconds: undefined,
  };
}

export function readKeyValue(reader: Reader): KeyValue {
  let key: Uint8Array = EMPTY_BYTES;
  let value: Uint8Array = EMPTY_BYTES;
  let expireTsSeconds: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        key = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        value = reader.readBlob();
        break;
      case 0x0308:
        expireTsSeconds = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    key,
    value,
    expireTsSeconds,
  };
}

export function writeKeyValue(writer: Writer, value: KeyValue): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.key);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.value);
  if (value.expireTsSeconds !== undefined) {
    writer.writeFieldI32(0x0308, value.expireTsSeconds);
  }
  writer.writeStop();
}

/** One atomic batch under one hash key. */
export interface MultiPutRequest {
  readonly hashKey: Uint8Array;
  readonly kvs: readonly KeyValue[];
  readonly expireTsSeconds: number;
}

export function makeMultiPutRequest(): MultiPutRequest {
  return {
    hashKey: EMPTY_BYTES,
    kvs: EMPTY_LIST,
    expireTsSeconds: 0,
  };
}

export function readMultiPutRequest(reader: Reader): MultiPutRequest {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let kvs: readonly KeyValue[] = EMPTY_LIST;
  let expireTsSeconds: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020f:
        kvs = readKeyValueList(reader);
        break;
      case 0x0308:
        expireTsSeconds = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    kvs,
    expireTsSeconds,
  };
}

export function writeMultiPutRequest(writer: Writer, value: MultiPutRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020f);
  writeKeyValueList(writer, value.kvs);
  writer.writeFieldI32(0x0308, value.expireTsSeconds);
  writer.writeStop();
}

/** `maxCount` is ignored. */
export interface MultiRemoveRequest {
  readonly hashKey: Uint8Array;
  readonly sortKeys: readonly Uint8Array[];
  readonly maxCount: bigint;
}

export function makeMultiRemoveRequest(): MultiRemoveRequest {
  return {
    hashKey: EMPTY_BYTES,
    sortKeys: EMPTY_LIST,
    maxCount: 0n,
  };
}

export function readMultiRemoveRequest(reader: Reader): MultiRemoveRequest {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let sortKeys: readonly Uint8Array[] = EMPTY_LIST;
  let maxCount: bigint = 0n;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020f:
        sortKeys = readBlobList(reader);
        break;
      case 0x030a:
        maxCount = reader.readI64Big();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    sortKeys,
    maxCount,
  };
}

export function writeMultiRemoveRequest(writer: Writer, value: MultiRemoveRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020f);
  writeBlobList(writer, value.sortKeys);
  writer.writeFieldTag(0x030a);
  writer.writeI64Big(value.maxCount);
  writer.writeStop();
}

/** `count` is the number of sort keys asked for. */
export interface MultiRemoveResponse {
  readonly error: number;
  readonly count: number;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly decree: number;
  readonly server: string;
}

export function makeMultiRemoveResponse(): MultiRemoveResponse {
  return {
    error: 0,
    count: 0,
    appId: 0,
    partitionIndex: 0,
    decree: 0,
    server: '',
  };
}

export function readMultiRemoveResponse(reader: Reader): MultiRemoveResponse {
  let error: number = 0;
  let count: number = 0;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let decree: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020a:
        count = reader.readI64();
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x050a:
        decree = reader.readI64();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    count,
    appId,
    partitionIndex,
    decree,
    server,
  };
}

export function writeMultiRemoveResponse(writer: Writer, value: MultiRemoveResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.count);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.decree);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** expireTsSeconds: 0 keeps, below 0 clears, above 0 replaces the expiry. */
export interface IncrRequest {
  readonly key: Uint8Array;
  readonly increment: bigint;
  readonly expireTsSeconds: number;
}

export function makeIncrRequest(): IncrRequest {
  return {
    key: EMPTY_BYTES,
    increment: 0n,
    expireTsSeconds: 0,
  };
}

export function readIncrRequest(reader: Reader): IncrRequest {
  let key: Uint8Array = EMPTY_BYTES;
  let increment: bigint = 0n;
  let expireTsSeconds: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        key = reader.readBlob();
        break;
      case 0x020a:
        increment = reader.readI64Big();
        break;
      case 0x0308:
        expireTsSeconds = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    key,
    increment,
    expireTsSeconds,
  };
}

export function writeIncrRequest(writer: Writer, value: IncrRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.key);
  writer.writeFieldTag(0x020a);
  writer.writeI64Big(value.increment);
  writer.writeFieldI32(0x0308, value.expireTsSeconds);
  writer.writeStop();
}

/** On overflow `newValue` is the old value. */
export interface IncrResponse {
  readonly error: number;
  readonly newValue: bigint;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly decree: number;
  readonly server: string;
}

export function makeIncrResponse(): IncrResponse {
  return {
    error: 0,
    newValue: 0n,
    appId: 0,
    partitionIndex: 0,
    decree: 0,
    server: '',
  };
}

export function readIncrResponse(reader: Reader): IncrResponse {
  let error: number = 0;
  let newValue: bigint = 0n;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let decree: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020a:
        newValue = reader.readI64Big();
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x050a:
        decree = reader.readI64();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    newValue,
    appId,
    partitionIndex,
    decree,
    server,
  };
}

export function writeIncrResponse(writer: Writer, value: IncrResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020a);
  writer.writeI64Big(value.newValue);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x050a);
  writer.writeI64(value.decree);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** Sets one value when the check of another holds. */
export interface CheckAndSetRequest {
  readonly hashKey: Uint8Array;
  readonly checkSortKey: Uint8Array;
  readonly checkType: number;
  readonly checkOperand: Uint8Array;
  readonly setDiffSortKey: boolean;
  readonly setSortKey: Uint8Array;
  readonly setValue: Uint8Array;
  readonly setExpireTsSeconds: number;
  readonly returnCheckValue: boolean;
}

export function makeCheckAndSetRequest(): CheckAndSetRequest {
  return {
    hashKey: EMPTY_BYTES,
    checkSortKey: EMPTY_BYTES,
    checkType: 0,
    checkOperand: EMPTY_BYTES,
    setDiffSortKey: false,
    setSortKey: EMPTY_BYTES,
    setValue: EMPTY_BYTES,
    setExpireTsSeconds: 0,
    returnCheckValue: false,
  };
}

export function readCheckAndSetRequest(reader: Reader): CheckAndSetRequest {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let checkSortKey: Uint8Array = EMPTY_BYTES;
  let checkType: number = 0;
  let checkOperand: Uint8Array = EMPTY_BYTES;
  let setDiffSortKey: boolean = false;
  let setSortKey: Uint8Array = EMPTY_BYTES;
  let setValue: Uint8Array = EMPTY_BYTES;
  let setExpireTsSeconds: number = 0;
  let returnCheckValue: boolean = false;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        checkSortKey = reader.readBlob();
        break;
      case 0x0308:
        checkType = reader.readI32();
        break;
      case 0x040b:
      case 0x040c:
        checkOperand = reader.readBlob();
        break;
      case 0x0502:
        setDiffSortKey = reader.readBool();
        break;
      case 0x060b:
      case 0x060c:
        setSortKey = reader.readBlob();
        break;
      case 0x070b:
      case 0x070c:
        setValue = reader.readBlob();
        break;
      case 0x0808:
        setExpireTsSeconds = reader.readI32();
        break;
      case 0x0902:
        returnCheckValue = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    checkSortKey,
    checkType,
    checkOperand,
    setDiffSortKey,
    setSortKey,
    setValue,
    setExpireTsSeconds,
    returnCheckValue,
  };
}

export function writeCheckAndSetRequest(writer: Writer, value: CheckAndSetRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.checkSortKey);
  writer.writeFieldI32(0x0308, value.checkType);
  writer.writeFieldTag(0x040c);
  writer.writeBlob(value.checkOperand);
  writer.writeFieldTag(0x0502);
  writer.writeBool(value.setDiffSortKey);
  writer.writeFieldTag(0x060c);
  writer.writeBlob(value.setSortKey);
  writer.writeFieldTag(0x070c);
  writer.writeBlob(value.setValue);
  writer.writeFieldI32(0x0808, value.setExpireTsSeconds);
  writer.writeFieldTag(0x0902);
  writer.writeBool(value.returnCheckValue);
  writer.writeStop();
}

/** error 13 = the check did not hold. */
export interface CheckAndSetResponse {
  readonly error: number;
  readonly checkValueReturned: boolean;
  readonly checkValueExist: boolean;
  readonly checkValue: Uint8Array;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly decree: number;
  readonly server: string;
}

export function makeCheckAndSetResponse(): CheckAndSetResponse {
  return {
    error: 0,
    checkValueReturned: false,
    checkValueExist: false,
    checkValue: EMPTY_BYTES,
    appId: 0,
    partitionIndex: 0,
    decree: 0,
    server: '',
  };
}

export function readCheckAndSetResponse(reader: Reader): CheckAndSetResponse {
  let error: number = 0;
  let checkValueReturned: boolean = false;
  let checkValueExist: boolean = false;
  let checkValue: Uint8Array = EMPTY_BYTES;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let decree: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x0202:
        checkValueReturned = reader.readBool();
        break;
      case 0x0302:
        checkValueExist = reader.readBool();
        break;
      case 0x040b:
      case 0x040c:
        checkValue = reader.readBlob();
        break;
      case 0x0508:
        appId = reader.readI32();
        break;
      case 0x0608:
        partitionIndex = reader.readI32();
        break;
      case 0x070a:
        decree = reader.readI64();
        break;
      case 0x080b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    checkValueReturned,
    checkValueExist,
    checkValue,
    appId,
    partitionIndex,
    decree,
    server,
  };
}

export function writeCheckAndSetResponse(writer: Writer, value: CheckAndSetResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x0202);
  writer.writeBool(value.checkValueReturned);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.checkValueExist);
  writer.writeFieldTag(0x040c);
  writer.writeBlob(value.checkValue);
  writer.writeFieldI32(0x0508, value.appId);
  writer.writeFieldI32(0x0608, value.partitionIndex);
  writer.writeFieldTag(0x070a);
  writer.writeI64(value.decree);
  writer.writeFieldTag(0x080b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** operation: 0 put, 1 delete. */
export interface Mutate {
  readonly operation: number;
  readonly sortKey: Uint8Array;
  readonly value: Uint8Array;
  readonly setExpireTsSeconds: number;
}

export function makeMutate(): Mutate {
  return {
    operation: 0,
    sortKey: EMPTY_BYTES,
    value: EMPTY_BYTES,
    setExpireTsSeconds: 0,
  };
}

export function readMutate(reader: Reader): Mutate {
  let operation: number = 0;
  let sortKey: Uint8Array = EMPTY_BYTES;
  let value: Uint8Array = EMPTY_BYTES;
  let setExpireTsSeconds: number = 0;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        operation = reader.readI32();
        break;
      case 0x020b:
      case 0x020c:
        sortKey = reader.readBlob();
        break;
      case 0x030b:
      case 0x030c:
        value = reader.readBlob();
        break;
      case 0x0408:
        setExpireTsSeconds = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    operation,
    sortKey,
    value,
    setExpireTsSeconds,
  };
}

export function writeMutate(writer: Writer, value: Mutate): void {
  writer.writeFieldI32(0x0108, value.operation);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.sortKey);
  writer.writeFieldTag(0x030c);
  writer.writeBlob(value.value);
  writer.writeFieldI32(0x0408, value.setExpireTsSeconds);
  writer.writeStop();
}

/** Applies a list of mutations when the check holds. */
export interface CheckAndMutateRequest {
  readonly hashKey: Uint8Array;
  readonly checkSortKey: Uint8Array;
  readonly checkType: number;
  readonly checkOperand: Uint8Array;
  readonly mutateList: readonly Mutate[];
  readonly returnCheckValue: boolean;
}

export function makeCheckAndMutateRequest(): CheckAndMutateRequest {
  return {
    hashKey: EMPTY_BYTES,
    checkSortKey: EMPTY_BYTES,
    checkType: 0,
    checkOperand: EMPTY_BYTES,
    mutateList: EMPTY_LIST,
    returnCheckValue: false,
  };
}

export function readCheckAndMutateRequest(reader: Reader): CheckAndMutateRequest {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let checkSortKey: Uint8Array = EMPTY_BYTES;
  let checkType: number = 0;
  let checkOperand: Uint8Array = EMPTY_BYTES;
  let mutateList: readonly Mutate[] = EMPTY_LIST;
  let returnCheckValue: boolean = false;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        checkSortKey = reader.readBlob();
        break;
      case 0x0308:
        checkType = reader.readI32();
        break;
      case 0x040b:
      case 0x040c:
        checkOperand = reader.readBlob();
        break;
      case 0x050f:
        mutateList = readMutateList(reader);
        break;
      case 0x0602:
        returnCheckValue = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    checkSortKey,
    checkType,
    checkOperand,
    mutateList,
    returnCheckValue,
  };
}

export function writeCheckAndMutateRequest(writer: Writer, value: CheckAndMutateRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.checkSortKey);
  writer.writeFieldI32(0x0308, value.checkType);
  writer.writeFieldTag(0x040c);
  writer.writeBlob(value.checkOperand);
  writer.writeFieldTag(0x050f);
  writeMutateList(writer, value.mutateList);
  writer.writeFieldTag(0x0602);
  writer.writeBool(value.returnCheckValue);
  writer.writeStop();
}

/** Same layout as CheckAndSetResponse. */
export interface CheckAndMutateResponse {
  readonly error: number;
  readonly checkValueReturned: boolean;
  readonly checkValueExist: boolean;
  readonly checkValue: Uint8Array;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly decree: number;
  readonly server: string;
}

export function makeCheckAndMutateResponse(): CheckAndMutateResponse {
  return {
    error: 0,
    checkValueReturned: false,
    checkValueExist: false,
    checkValue: EMPTY_BYTES,
    appId: 0,
    partitionIndex: 0,
    decree: 0,
    server: '',
  };
}

export function readCheckAndMutateResponse(reader: Reader): CheckAndMutateResponse {
  let error: number = 0;
  let checkValueReturned: boolean = false;
  let checkValueExist: boolean = false;
  let checkValue: Uint8Array = EMPTY_BYTES;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let decree: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x0202:
        checkValueReturned = reader.readBool();
        break;
      case 0x0302:
        checkValueExist = reader.readBool();
        break;
      case 0x040b:
      case 0x040c:
        checkValue = reader.readBlob();
        break;
      case 0x0508:
        appId = reader.readI32();
        break;
      case 0x0608:
        partitionIndex = reader.readI32();
        break;
      case 0x070a:
        decree = reader.readI64();
        break;
      case 0x080b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    checkValueReturned,
    checkValueExist,
    checkValue,
    appId,
    partitionIndex,
    decree,
    server,
  };
}

export function writeCheckAndMutateResponse(writer: Writer, value: CheckAndMutateResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x0202);
  writer.writeBool(value.checkValueReturned);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.checkValueExist);
  writer.writeFieldTag(0x040c);
  writer.writeBlob(value.checkValue);
  writer.writeFieldI32(0x0508, value.appId);
  writer.writeFieldI32(0x0608, value.partitionIndex);
  writer.writeFieldTag(0x070a);
  writer.writeI64(value.decree);
  writer.writeFieldTag(0x080b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** get. */
export interface ReadResponse {
  readonly error: number;
  readonly value: Uint8Array;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly server: string;
}

export function makeReadResponse(): ReadResponse {
  return {
    error: 0,
    value: EMPTY_BYTES,
    appId: 0,
    partitionIndex: 0,
    server: '',
  };
}

export function readReadResponse(reader: Reader): ReadResponse {
  let error: number = 0;
  let value: Uint8Array = EMPTY_BYTES;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020b:
      case 0x020c:
        value = reader.readBlob();
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    value,
    appId,
    partitionIndex,
    server,
  };
}

export function writeReadResponse(writer: Writer, value: ReadResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.value);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** -1 = no expiry. */
export interface TtlResponse {
  readonly error: number;
  readonly ttlSeconds: number;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly server: string;
}

export function makeTtlResponse(): TtlResponse {
  return {
    error: 0,
    ttlSeconds: 0,
    appId: 0,
    partitionIndex: 0,
    server: '',
  };
}

export function readTtlResponse(reader: Reader): TtlResponse {
  let error: number = 0;
  let ttlSeconds: number = 0;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x0208:
        ttlSeconds = reader.readI32();
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    ttlSeconds,
    appId,
    partitionIndex,
    server,
  };
}

export function writeTtlResponse(writer: Writer, value: TtlResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldI32(0x0208, value.ttlSeconds);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** sortkey_count; -1 = out of time. */
export interface CountResponse {
  readonly error: number;
  readonly count: number;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly server: string;
}

export function makeCountResponse(): CountResponse {
  return {
    error: 0,
    count: 0,
    appId: 0,
    partitionIndex: 0,
    server: '',
  };
}

export function readCountResponse(reader: Reader): CountResponse {
  let error: number = 0;
  let count: number = 0;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020a:
        count = reader.readI64();
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    count,
    appId,
    partitionIndex,
    server,
  };
}

export function writeCountResponse(writer: Writer, value: CountResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020a);
  writer.writeI64(value.count);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** Given sort keys, or a range when `sortKeys` is empty. */
export interface MultiGetRequest {
  readonly hashKey: Uint8Array;
  readonly sortKeys: readonly Uint8Array[];
  readonly maxKvCount: number;
  readonly maxKvSize: number;
  readonly noValue: boolean;
  readonly startSortkey: Uint8Array;
  readonly stopSortkey: Uint8Array;
  readonly startInclusive: boolean;
  readonly stopInclusive: boolean;
  readonly sortKeyFilterType: number;
  readonly sortKeyFilterPattern: Uint8Array;
  readonly reverse: boolean;
}

export function makeMultiGetRequest(): MultiGetRequest {
  return {
    hashKey: EMPTY_BYTES,
    sortKeys: EMPTY_LIST,
    maxKvCount: 0,
    maxKvSize: 0,
    noValue: false,
    startSortkey: EMPTY_BYTES,
    stopSortkey: EMPTY_BYTES,
    startInclusive: false,
    stopInclusive: false,
    sortKeyFilterType: 0,
    sortKeyFilterPattern: EMPTY_BYTES,
    reverse: false,
  };
}

export function readMultiGetRequest(reader: Reader): MultiGetRequest {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let sortKeys: readonly Uint8Array[] = EMPTY_LIST;
  let maxKvCount: number = 0;
  let maxKvSize: number = 0;
  let noValue: boolean = false;
  let startSortkey: Uint8Array = EMPTY_BYTES;
  let stopSortkey: Uint8Array = EMPTY_BYTES;
  let startInclusive: boolean = false;
  let stopInclusive: boolean = false;
  let sortKeyFilterType: number = 0;
  let sortKeyFilterPattern: Uint8Array = EMPTY_BYTES;
  let reverse: boolean = false;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020f:
        sortKeys = readBlobList(reader);
        break;
      case 0x0308:
        maxKvCount = reader.readI32();
        break;
      case 0x0408:
        maxKvSize = reader.readI32();
        break;
      case 0x0502:
        noValue = reader.readBool();
        break;
      case 0x060b:
      case 0x060c:
        startSortkey = reader.readBlob();
        break;
      case 0x070b:
      case 0x070c:
        stopSortkey = reader.readBlob();
        break;
      case 0x0802:
        startInclusive = reader.readBool();
        break;
      case 0x0902:
        stopInclusive = reader.readBool();
        break;
      case 0x0a08:
        sortKeyFilterType = reader.readI32();
        break;
      case 0x0b0b:
      case 0x0b0c:
        sortKeyFilterPattern = reader.readBlob();
        break;
      case 0x0c02:
        reverse = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    sortKeys,
    maxKvCount,
    maxKvSize,
    noValue,
    startSortkey,
    stopSortkey,
    startInclusive,
    stopInclusive,
    sortKeyFilterType,
    sortKeyFilterPattern,
    reverse,
  };
}

export function writeMultiGetRequest(writer: Writer, value: MultiGetRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020f);
  writeBlobList(writer, value.sortKeys);
  writer.writeFieldI32(0x0308, value.maxKvCount);
  writer.writeFieldI32(0x0408, value.maxKvSize);
  writer.writeFieldTag(0x0502);
  writer.writeBool(value.noValue);
  writer.writeFieldTag(0x060c);
  writer.writeBlob(value.startSortkey);
  writer.writeFieldTag(0x070c);
  writer.writeBlob(value.stopSortkey);
  writer.writeFieldTag(0x0802);
  writer.writeBool(value.startInclusive);
  writer.writeFieldTag(0x0902);
  writer.writeBool(value.stopInclusive);
  writer.writeFieldI32(0x0a08, value.sortKeyFilterType);
  writer.writeFieldTag(0x0b0c);
  writer.writeBlob(value.sortKeyFilterPattern);
  writer.writeFieldTag(0x0c02);
  writer.writeBool(value.reverse);
  writer.writeStop();
}

/** error 7 = a limit was hit and there is more. */
export interface MultiGetResponse {
  readonly error: number;
  readonly kvs: readonly KeyValue[];
  readonly appId: number;
  readonly partitionIndex: number;
  readonly server: string;
}

export function makeMultiGetResponse(): MultiGetResponse {
  return {
    error: 0,
    kvs: EMPTY_LIST,
    appId: 0,
    partitionIndex: 0,
    server: '',
  };
}

export function readMultiGetResponse(reader: Reader): MultiGetResponse {
  let error: number = 0;
  let kvs: readonly KeyValue[] = EMPTY_LIST;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020f:
        kvs = readKeyValueList(reader);
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    kvs,
    appId,
    partitionIndex,
    server,
  };
}

export function writeMultiGetResponse(writer: Writer, value: MultiGetResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020f);
  writeKeyValueList(writer, value.kvs);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** Hash key and sort key, apart. */
export interface FullKey {
  readonly hashKey: Uint8Array;
  readonly sortKey: Uint8Array;
}

export function makeFullKey(): FullKey {
  return {
    hashKey: EMPTY_BYTES,
    sortKey: EMPTY_BYTES,
  };
}

export function readFullKey(reader: Reader): FullKey {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let sortKey: Uint8Array = EMPTY_BYTES;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        sortKey = reader.readBlob();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    sortKey,
  };
}

export function writeFullKey(writer: Writer, value: FullKey): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.sortKey);
  writer.writeStop();
}

/** Keys of one partition. */
export interface BatchGetRequest {
  readonly keys: readonly FullKey[];
}

export function makeBatchGetRequest(): BatchGetRequest {
  return {
    keys: EMPTY_LIST,
  };
}

export function readBatchGetRequest(reader: Reader): BatchGetRequest {
  let keys: readonly FullKey[] = EMPTY_LIST;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010f:
        keys = readFullKeyList(reader);
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    keys,
  };
}

export function writeBatchGetRequest(writer: Writer, value: BatchGetRequest): void {
  writer.writeFieldTag(0x010f);
  writeFullKeyList(writer, value.keys);
  writer.writeStop();
}

/** A found row of batch_get. */
export interface FullData {
  readonly hashKey: Uint8Array;
  readonly sortKey: Uint8Array;
  readonly value: Uint8Array;
}

export function makeFullData(): FullData {
  return {
    hashKey: EMPTY_BYTES,
    sortKey: EMPTY_BYTES,
    value: EMPTY_BYTES,
  };
}

export function readFullData(reader: Reader): FullData {
  let hashKey: Uint8Array = EMPTY_BYTES;
  let sortKey: Uint8Array = EMPTY_BYTES;
  let value: Uint8Array = EMPTY_BYTES;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        hashKey = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        sortKey = reader.readBlob();
        break;
      case 0x030b:
      case 0x030c:
        value = reader.readBlob();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    hashKey,
    sortKey,
    value,
  };
}

export function writeFullData(writer: Writer, value: FullData): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.hashKey);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.sortKey);
  writer.writeFieldTag(0x030c);
  writer.writeBlob(value.value);
  writer.writeStop();
}

/** In request order, missing rows left out. */
export interface BatchGetResponse {
  readonly error: number;
  readonly data: readonly FullData[];
  readonly appId: number;
  readonly partitionIndex: number;
  readonly server: string;
}

export function makeBatchGetResponse(): BatchGetResponse {
  return {
    error: 0,
    data: EMPTY_LIST,
    appId: 0,
    partitionIndex: 0,
    server: '',
  };
}

export function readBatchGetResponse(reader: Reader): BatchGetResponse {
  let error: number = 0;
  let data: readonly FullData[] = EMPTY_LIST;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let server: string = '';
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020f:
        data = readFullDataList(reader);
        break;
      case 0x0308:
        appId = reader.readI32();
        break;
      case 0x0408:
        partitionIndex = reader.readI32();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    data,
    appId,
    partitionIndex,
    server,
  };
}

export function writeBatchGetResponse(writer: Writer, value: BatchGetResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020f);
  writeFullDataList(writer, value.data);
  writer.writeFieldI32(0x0308, value.appId);
  writer.writeFieldI32(0x0408, value.partitionIndex);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  writer.writeStop();
}

/** What follows the result in the answer of a secondary to a backup request. */
export interface ReadStaleness {
  readonly stalenessMs: number | undefined;
}

export function makeReadStaleness(): ReadStaleness {
  return {
    stalenessMs: undefined,
  };
}

export function readReadStaleness(reader: Reader): ReadStaleness {
  let stalenessMs: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x6408:
        stalenessMs = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    stalenessMs,
  };
}

export function writeReadStaleness(writer: Writer, value: ReadStaleness): void {
  if (value.stalenessMs !== undefined) {
    writer.writeFieldI32(0x6408, value.stalenessMs);
  }
  writer.writeStop();
}

/** validatePartitionHash counts as true when it is absent. */
export interface GetScannerRequest {
  readonly startKey: Uint8Array;
  readonly stopKey: Uint8Array;
  readonly startInclusive: boolean;
  readonly stopInclusive: boolean;
  readonly batchSize: number;
  readonly noValue: boolean;
  readonly hashKeyFilterType: number;
  readonly hashKeyFilterPattern: Uint8Array;
  readonly sortKeyFilterType: number;
  readonly sortKeyFilterPattern: Uint8Array;
  readonly validatePartitionHash: boolean | undefined;
  readonly returnExpireTs: boolean | undefined;
  readonly fullScan: boolean | undefined;
  readonly onlyReturnCount: boolean | undefined;
}

export function makeGetScannerRequest(): GetScannerRequest {
  return {
    startKey: EMPTY_BYTES,
    stopKey: EMPTY_BYTES,
    startInclusive: false,
    stopInclusive: false,
    batchSize: 0,
    noValue: false,
    hashKeyFilterType: 0,
    hashKeyFilterPattern: EMPTY_BYTES,
    sortKeyFilterType: 0,
    sortKeyFilterPattern: EMPTY_BYTES,
    validatePartitionHash: undefined,
    returnExpireTs: undefined,
    fullScan: undefined,
    onlyReturnCount: undefined,
  };
}

export function readGetScannerRequest(reader: Reader): GetScannerRequest {
  let startKey: Uint8Array = EMPTY_BYTES;
  let stopKey: Uint8Array = EMPTY_BYTES;
  let startInclusive: boolean = false;
  let stopInclusive: boolean = false;
  let batchSize: number = 0;
  let noValue: boolean = false;
  let hashKeyFilterType: number = 0;
  let hashKeyFilterPattern: Uint8Array = EMPTY_BYTES;
  let sortKeyFilterType: number = 0;
  let sortKeyFilterPattern: Uint8Array = EMPTY_BYTES;
  let validatePartitionHash: boolean | undefined;
  let returnExpireTs: boolean | undefined;
  let fullScan: boolean | undefined;
  let onlyReturnCount: boolean | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010b:
      case 0x010c:
        startKey = reader.readBlob();
        break;
      case 0x020b:
      case 0x020c:
        stopKey = reader.readBlob();
        break;
      case 0x0302:
        startInclusive = reader.readBool();
        break;
      case 0x0402:
        stopInclusive = reader.readBool();
        break;
      case 0x0508:
        batchSize = reader.readI32();
        break;
      case 0x0602:
        noValue = reader.readBool();
        break;
      case 0x0708:
        hashKeyFilterType = reader.readI32();
        break;
      case 0x080b:
      case 0x080c:
        hashKeyFilterPattern = reader.readBlob();
        break;
      case 0x0908:
        sortKeyFilterType = reader.readI32();
        break;
      case 0x0a0b:
      case 0x0a0c:
        sortKeyFilterPattern = reader.readBlob();
        break;
      case 0x0b02:
        validatePartitionHash = reader.readBool();
        break;
      case 0x0c02:
        returnExpireTs = reader.readBool();
        break;
      case 0x0d02:
        fullScan = reader.readBool();
        break;
      case 0x0e02:
        onlyReturnCount = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    startKey,
    stopKey,
    startInclusive,
    stopInclusive,
    batchSize,
    noValue,
    hashKeyFilterType,
    hashKeyFilterPattern,
    sortKeyFilterType,
    sortKeyFilterPattern,
    validatePartitionHash,
    returnExpireTs,
    fullScan,
    onlyReturnCount,
  };
}

export function writeGetScannerRequest(writer: Writer, value: GetScannerRequest): void {
  writer.writeFieldTag(0x010c);
  writer.writeBlob(value.startKey);
  writer.writeFieldTag(0x020c);
  writer.writeBlob(value.stopKey);
  writer.writeFieldTag(0x0302);
  writer.writeBool(value.startInclusive);
  writer.writeFieldTag(0x0402);
  writer.writeBool(value.stopInclusive);
  writer.writeFieldI32(0x0508, value.batchSize);
  writer.writeFieldTag(0x0602);
  writer.writeBool(value.noValue);
  writer.writeFieldI32(0x0708, value.hashKeyFilterType);
  writer.writeFieldTag(0x080c);
  writer.writeBlob(value.hashKeyFilterPattern);
  writer.writeFieldI32(0x0908, value.sortKeyFilterType);
  writer.writeFieldTag(0x0a0c);
  writer.writeBlob(value.sortKeyFilterPattern);
  if (value.validatePartitionHash !== undefined) {
    writer.writeFieldTag(0x0b02);
    writer.writeBool(value.validatePartitionHash);
  }
  if (value.returnExpireTs !== undefined) {
    writer.writeFieldTag(0x0c02);
    writer.writeBool(value.returnExpireTs);
  }
  if (value.fullScan !== undefined) {
    writer.writeFieldTag(0x0d02);
    writer.writeBool(value.fullScan);
  }
  if (value.onlyReturnCount !== undefined) {
    writer.writeFieldTag(0x0e02);
    writer.writeBool(value.onlyReturnCount);
  }
  writer.writeStop();
}

/** The next batch. */
export interface ScanRequest {
  readonly contextId: bigint;
}

export function makeScanRequest(): ScanRequest {
  return {
    contextId: 0n,
  };
}

export function readScanRequest(reader: Reader): ScanRequest {
  let contextId: bigint = 0n;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x010a:
        contextId = reader.readI64Big();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    contextId,
  };
}

export function writeScanRequest(writer: Writer, value: ScanRequest): void {
  writer.writeFieldTag(0x010a);
  writer.writeI64Big(value.contextId);
  writer.writeStop();
}

/** get_scanner and scan. contextId -1 = finished. */
export interface ScanResponse {
  readonly error: number;
  readonly kvs: readonly KeyValue[];
  readonly contextId: bigint;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly server: string;
  readonly kvCount: number | undefined;
}

export function makeScanResponse(): ScanResponse {
  return {
    error: 0,
    kvs: EMPTY_LIST,
    contextId: 0n,
    appId: 0,
    partitionIndex: 0,
    server: '',
    kvCount: undefined,
  };
}

export function readScanResponse(reader: Reader): ScanResponse {
  let error: number = 0;
  let kvs: readonly KeyValue[] = EMPTY_LIST;
  let contextId: bigint = 0n;
  let appId: number = 0;
  let partitionIndex: number = 0;
  let server: string = '';
  let kvCount: number | undefined;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        error = reader.readI32();
        break;
      case 0x020f:
        kvs = readKeyValueList(reader);
        break;
      case 0x030a:
        contextId = reader.readI64Big();
        break;
      case 0x0408:
        appId = reader.readI32();
        break;
      case 0x0508:
        partitionIndex = reader.readI32();
        break;
      case 0x060b:
        server = reader.readString();
        break;
      case 0x0708:
        kvCount = reader.readI32();
        break;
      default:
        reader.skipField(tag);
    }
  }
  return {
    error,
    kvs,
    contextId,
    appId,
    partitionIndex,
    server,
    kvCount,
  };
}

export function writeScanResponse(writer: Writer, value: ScanResponse): void {
  writer.writeFieldI32(0x0108, value.error);
  writer.writeFieldTag(0x020f);
  writeKeyValueList(writer, value.kvs);
  writer.writeFieldTag(0x030a);
  writer.writeI64Big(value.contextId);
  writer.writeFieldI32(0x0408, value.appId);
  writer.writeFieldI32(0x0508, value.partitionIndex);
  writer.writeFieldTag(0x060b);
  writer.writeString(value.server);
  if (value.kvCount !== undefined) {
    writer.writeFieldI32(0x0708, value.kvCount);
  }
  writer.writeStop();
}

function readKeyValueList(reader: Reader): KeyValue[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: KeyValue[] = [];
  for (let index = 0; index < count; index++) items.push(readKeyValue(reader));
  return items;
}

function writeKeyValueList(writer: Writer, items: readonly KeyValue[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeKeyValue(writer, item);
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

function readMutateList(reader: Reader): Mutate[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: Mutate[] = [];
  for (let index = 0; index < count; index++) items.push(readMutate(reader));
  return items;
}

function writeMutateList(writer: Writer, items: readonly Mutate[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeMutate(writer, item);
}

function readFullKeyList(reader: Reader): FullKey[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: FullKey[] = [];
  for (let index = 0; index < count; index++) items.push(readFullKey(reader));
  return items;
}

function writeFullKeyList(writer: Writer, items: readonly FullKey[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeFullKey(writer, item);
}

function readFullDataList(reader: Reader): FullData[] {
  const count = reader.readListHeader(12, 12, 1);
  const items: FullData[] = [];
  for (let index = 0; index < count; index++) items.push(readFullData(reader));
  return items;
}

function writeFullDataList(writer: Writer, items: readonly FullData[]): void {
  writer.writeListHeader(12, items.length);
  for (const item of items) writeFullData(writer, item);
}
