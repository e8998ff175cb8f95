/**
 * For tests: servers that speak the wire protocol from its codecs and do what a test tells them,
 * one step away from the real ones. It holds no rules of its own: rows are a sorted map, routing is
 * what the test sets.
 */
import { assert } from '../base/assert.ts';
import { compareBytes, copyBytes, toHex } from '../base/bytes.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { Connection, ConnectionHandler, Listener, Transport } from '../env/transport.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { encodeKey } from '../model/key.ts';
import { FrameBuffer, type FrameParser } from '../rpc/frame-buffer.ts';
import * as meta from '../wire/generated/meta.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import {
  beginArgument,
  beginReply,
  finishReply,
  parseRequest,
  RequestHeader,
  requestFrameSize,
  writeErrorReply,
} from '../wire/thrift-frame.ts';
import { Writer } from '../wire/writer.ts';
import type { ClientOptions, Table } from './api.ts';
import { ClusterClient } from './client.ts';
import { PegasusError } from './errors.ts';

/** Field 100, i32. */
const STALENESS_TAG = 0x6408;
const FRAME_BYTES_MAX = 4 * 1024 * 1024;

/** One request as it came in; answered, by whoever holds it, when and how they like. */
export class ScriptedRequest {
  readonly rpc: RpcCode;
  readonly seqid: number;
  readonly appId: number;
  readonly partitionIndex: number;
  readonly hashLow: number;
  readonly timeoutMs: number;
  readonly isBackup: boolean;
  readonly server: string;
  readonly connection: Connection;
  readonly #argument: Uint8Array;

  constructor(server: string, connection: Connection, header: RequestHeader, reader: Reader) {
    this.server = server;
    this.connection = connection;
    this.rpc = header.rpc;
    this.seqid = header.seqid;
    this.appId = header.appId;
    this.partitionIndex = header.partitionIndex;
    this.hashLow = header.partitionHashLow;
    this.timeoutMs = header.timeoutMs;
    this.isBackup = header.isBackupRequest;
    beginArgument(reader);
    this.#argument = copyBytes(reader.bytes.subarray(reader.position, reader.end));
  }

  argument<T>(read: (reader: Reader) => T): T {
    const reader = new Reader();
    reader.reset(this.#argument, 0, this.#argument.length);
    return read(reader);
  }

  /** With `stalenessMs`, as a secondary that vouches for the age of its answer. */
  reply<T>(write: (writer: Writer, value: T) => void, value: T, stalenessMs?: number): void {
    const writer = new Writer();
    const mark = beginReply(writer, ErrorCode.ok, this.rpc, this.seqid);
    write(writer, value);
    if (stalenessMs !== undefined) writer.writeFieldI32(STALENESS_TAG, stalenessMs);
    finishReply(writer, mark);
    this.connection.write(writer.take());
  }

  refuse(code: ErrorCode): void {
    const writer = new Writer();
    writeErrorReply(writer, code, this.rpc, this.seqid);
    this.connection.write(writer.take());
  }
}

export type Script = (request: ScriptedRequest) => void;

/** A listening server. `script` may be replaced at any time. */
export class ScriptedServer {
  script: Script;
  readonly requests: ScriptedRequest[] = [];
  readonly connections: Set<Connection> = new Set();
  readonly #listener: Listener;

  private constructor(listener: Listener, script: Script) {
    this.#listener = listener;
    this.script = script;
  }

  static async open(transport: Transport, script: Script): Promise<ScriptedServer> {
    const accept = (connection: Connection): ConnectionHandler => server.#accept(connection);
    const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, accept);
    const server: ScriptedServer = new ScriptedServer(listener, script);
    return server;
  }

  get address(): HostPort {
    return this.#listener.address;
  }

  get name(): string {
    return hostPortText(this.address);
  }

  /** As a crash looks from outside. */
  async kill(): Promise<void> {
    await this.#listener.close();
    this.dropConnections();
  }

  dropConnections(): void {
    for (const connection of this.connections) connection.destroy();
  }

  #accept(connection: Connection): ConnectionHandler {
    const reader = new Reader();
    const header = new RequestHeader();
    const parser: FrameParser = {
      frameSize: (at) => requestFrameSize(at, FRAME_BYTES_MAX),
      onFrame: (at, size) => {
        parseRequest(at, size, header);
        const request = new ScriptedRequest(this.name, connection, header, at);
        this.requests.push(request);
        this.script(request);
        return true;
      },
    };
    const frames = new FrameBuffer(reader, parser);
    this.connections.add(connection);
    return {
      onOpen: () => undefined,
      onData: (_, bytes) => {
        frames.push(bytes);
      },
      onDrain: () => undefined,
      onClose: () => {
        this.connections.delete(connection);
      },
    };
  }
}

/**
 * Table `id 2` over replica servers that share one set of rows, and a meta server that tells where
 * to go.
 */
export class ScriptedCluster {
  readonly meta: ScriptedServer;
  readonly replicas: readonly ScriptedServer[];
  /**
   * Index into `replicas` by partition; -1 = none. Change it and clients go elsewhere when they
   * ask.
   */
  primaries: number[];
  ballots: number[];
  /** By hex of the encoded key. */
  readonly rows: Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }> = new Map();
  readonly table = 'temp';
  readonly #contexts: Map<bigint, rrdb.GetScannerRequest> = new Map();
  #contextId = 1n;

  private constructor(meta_: ScriptedServer, replicas: ScriptedServer[], partitionCount: number) {
    this.meta = meta_;
    this.replicas = replicas;
    this.primaries = [];
    this.ballots = [];
    for (let index = 0; index < partitionCount; index++) {
      this.primaries.push(index % replicas.length);
      this.ballots.push(1);
    }
    meta_.script = (request) => this.answerMeta(request);
    for (const replica of replicas) replica.script = (request) => this.answer(request);
  }

  static async open(transport: Transport, partitionCount = 8): Promise<ScriptedCluster> {
    const servers: ScriptedServer[] = [];
    for (let index = 0; index < 4; index++) {
      servers.push(await ScriptedServer.open(transport, () => undefined));
    }
    return new ScriptedCluster(servers[0]!, servers.slice(1), partitionCount);
  }

  get metaAddress(): string {
    return this.meta.name;
  }

  movePrimaries(from: number, to: number): void {
    this.primaries = this.primaries.map((primary) => (primary === from ? to : primary));
    this.ballots = this.ballots.map((ballot) => ballot + 1);
  }

  /** Forgets all scan contexts, as a server does that was restarted. */
  loseContexts(): void {
    this.#contexts.clear();
  }

  async close(): Promise<void> {
    for (const server of [this.meta, ...this.replicas]) await server.kill();
  }

  answerMeta(request: ScriptedRequest): void {
    if (request.rpc === RpcCode.clusterInfo) {
      const info = { err: errorName(ErrorCode.ok), keys: ['cluster_name'], values: ['scripted'] };
      request.reply(meta.writeConfigurationClusterInfoResponse, info);
    } else if (request.rpc === RpcCode.queryPartitionConfig) {
      const { appName } = request.argument(meta.readQueryCfgRequest);
      request.reply(meta.writeQueryCfgResponse, this.#config(appName));
    } else {
      request.refuse(ErrorCode.handlerNotFound);
    }
  }

  #config(appName: string): meta.QueryCfgResponse {
    const exists = appName === this.table;
    return {
      err: errorName(exists ? ErrorCode.ok : ErrorCode.objectNotFound),
      appId: exists ? 2 : 0,
      partitionCount: exists ? this.primaries.length : 0,
      isStateful: true,
      partitions: exists ? this.primaries.map((_, index) => this.#partition(index)) : [],
    };
  }

  #partition(index: number): meta.WirePartitionConfiguration {
    return {
      ...meta.makeWirePartitionConfiguration(),
      pid: { appId: 2, partitionIndex: index },
      ballot: this.ballots[index]!,
      maxReplicaCount: 3,
      primary: this.replicas[this.primaries[index]!]?.address ?? null,
      secondaries: this.replicas
        .filter((_, replica) => replica !== this.primaries[index])
        .map(({ address }) => address),
    };
  }

  /** What a replica answers: refuses what it is not primary of, else works on the rows. */
  answer(request: ScriptedRequest): void {
    const primary = this.replicas[this.primaries[request.partitionIndex] ?? -1];
    if (primary?.name !== request.server) {
      request.refuse(ErrorCode.invalidState);
      return;
    }
    if (request.rpc === RpcCode.get) this.#get(request);
    else if (request.rpc === RpcCode.put) this.#put(request);
    else if (request.rpc === RpcCode.remove) this.#remove(request);
    else if (request.rpc === RpcCode.getScanner) this.#getScanner(request);
    else if (request.rpc === RpcCode.scan) this.#scan(request);
    else if (request.rpc === RpcCode.clearScanner) this.#clearScanner(request);
    else request.refuse(ErrorCode.handlerNotFound);
  }

  #get(request: ScriptedRequest): void {
    const row = this.rows.get(toHex(request.argument((reader) => reader.readBlob())));
    request.reply(rrdb.writeReadResponse, {
      ...rrdb.makeReadResponse(),
      error: row === undefined ? StorageStatus.notFound : StorageStatus.ok,
      value: row?.value ?? new Uint8Array(0),
      server: request.server,
    });
  }

  #put(request: ScriptedRequest): void {
    const { key, value } = request.argument(rrdb.readUpdateRequest);
    this.rows.set(toHex(key), { key: copyBytes(key), value: copyBytes(value) });
    request.reply(rrdb.writeUpdateResponse, rrdb.makeUpdateResponse());
  }

  #remove(request: ScriptedRequest): void {
    this.rows.delete(toHex(request.argument((reader) => reader.readBlob())));
    request.reply(rrdb.writeUpdateResponse, rrdb.makeUpdateResponse());
  }

  #getScanner(request: ScriptedRequest): void {
    const from = request.argument(rrdb.readGetScannerRequest);
    this.#batch(request, {
      ...from,
      startKey: copyBytes(from.startKey),
      stopKey: copyBytes(from.stopKey),
    });
  }

  #scan(request: ScriptedRequest): void {
    const { contextId } = request.argument(rrdb.readScanRequest);
    const from = this.#contexts.get(contextId);
    this.#contexts.delete(contextId);
    if (from !== undefined) {
      this.#batch(request, from);
      return;
    }
    const lost = { ...rrdb.makeScanResponse(), error: StorageStatus.notFound };
    request.reply(rrdb.writeScanResponse, lost);
  }

  #clearScanner(request: ScriptedRequest): void {
    this.#contexts.delete(request.argument((reader) => reader.readI64Big()));
  }

  #batch(request: ScriptedRequest, from: rrdb.GetScannerRequest): void {
    const rows = [...this.rows.values()]
      .filter(({ key }) => key[key.length - 1]! % this.primaries.length === request.partitionIndex)
      .filter(({ key }) => compareBytes(key, from.startKey) >= (from.startInclusive ? 0 : 1))
      .filter(({ key }) => compareBytes(key, from.stopKey) < (from.stopInclusive ? 1 : 0))
      .sort((a, b) => compareBytes(a.key, b.key));
    const batch = rows.slice(0, from.batchSize);
    let contextId = -1n;
    if (batch.length < rows.length) {
      contextId = this.#contextId++;
      const startKey = batch[batch.length - 1]!.key;
      this.#contexts.set(contextId, { ...from, startKey, startInclusive: false });
    }
    request.reply(rrdb.writeScanResponse, {
      ...rrdb.makeScanResponse(),
      kvs: batch.map(({ key, value }) => ({ key, value, expireTsSeconds: undefined })),
      contextId,
    });
  }

  /** Puts a row into the partition that the last byte of its sort key says, for scans. */
  place(hashKey: string, sortKey: string, value: string): void {
    const key = encodeKey(encodeUtf8(hashKey), encodeUtf8(sortKey));
    this.rows.set(toHex(key), { key, value: encodeUtf8(value) });
  }
}

export interface Stage {
  readonly cluster: ScriptedCluster;
  readonly client: ClusterClient;
  readonly table: Table;
  /** Resolves with the next request that any replica gets; it is left to the test to answer it. */
  nextRequest(): Promise<ScriptedRequest>;
  /** Back to ordinary answers. */
  resume(): void;
}

/** Sets the stage for a story, and cleans up after it. */
export async function onStage(
  environment: ClientEnvironment,
  options: Partial<ClientOptions>,
  story: (stage: Stage) => Promise<void>,
): Promise<void> {
  const cluster = await ScriptedCluster.open(environment.transport);
  const client = new ClusterClient(environment, {
    metas: cluster.metaAddress,
    timeoutMs: 5_000,
    ...options,
  });
  const stage: Stage = {
    cluster,
    client,
    table: client.table(cluster.table),
    nextRequest: () =>
      new Promise((resolve) => {
        for (const replica of cluster.replicas) replica.script = resolve;
      }),
    resume: () => {
      for (const replica of cluster.replicas) replica.script = (request) => cluster.answer(request);
    },
  };
  try {
    await story(stage);
  } finally {
    await client.close();
    await cluster.close();
  }
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<PegasusError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  assert(outcome instanceof PegasusError, 'a rejection with an error of the client was expected');
  return outcome;
}
