/**
 * The names of things: tables, partitions, nodes, and the two counters of PacificA.
 *
 * Branded numbers and strings cannot be mixed up by accident; at run time they are plain values.
 */
import { assert, assertAtLeast, assertSafeInteger } from '../base/assert.ts';

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Number of a table, ≥ 1; never reused. 0 and negative numbers in requests mean "none". */
export type AppId = Brand<number, 'AppId'>;

/**
 * Configuration version of one partition (PacificA §2). Starts at 1 with the first configuration
 * and grows by one with every change of membership or primary.
 */
export type Ballot = Brand<number, 'Ballot'>;

/** Position of a mutation in a partition's history: 1, 2, 3 …; 0 is "before the first". */
export type Decree = Brand<number, 'Decree'>;

/**
 * Identity of a server in the cluster. Today it is the advertised `host:port`; compare it, never
 * parse it: `parseHostPort` is for addresses.
 */
export type NodeId = Brand<string, 'NodeId'>;

/** Global partition id, wire form `app_id.partition_index`. */
export interface Gpid {
  readonly appId: AppId;
  /** 0 … partitionCount − 1 */
  readonly partitionIndex: number;
}

export const DECREE_NONE: Decree = 0 as Decree;
export const BALLOT_NONE: Ballot = 0 as Ballot;

export function toDecree(value: number): Decree {
  assertSafeInteger(value, 'decree');
  assertAtLeast(value, 0, 'decree');
  return value as Decree;
}

export function toBallot(value: number): Ballot {
  assertSafeInteger(value, 'ballot');
  assertAtLeast(value, 0, 'ballot');
  return value as Ballot;
}

export function toAppId(value: number): AppId {
  assertAtLeast(value, 1, 'app id');
  return value as AppId;
}

export function toNodeId(value: string): NodeId {
  assert(value.length > 0, 'a node id is not empty');
  return value as NodeId;
}

export function gpidOf(appId: number, partitionIndex: number): Gpid {
  assertAtLeast(appId, 1, 'app id');
  assertAtLeast(partitionIndex, 0, 'partition index');
  return { appId: appId as AppId, partitionIndex };
}

export const PARTITION_INDEX_MAX = 0x1fffff;

/** Key for maps: unique and a safe integer, because partition indexes stay below 2^21. */
export function gpidKey(gpid: Gpid): number {
  return gpid.appId * (PARTITION_INDEX_MAX + 1) + gpid.partitionIndex;
}

export function gpidText(gpid: Gpid): string {
  return `${gpid.appId}.${gpid.partitionIndex}`;
}

export function gpidEquals(a: Gpid, b: Gpid): boolean {
  return a.appId === b.appId && a.partitionIndex === b.partitionIndex;
}

export { type HostPort, hostPortText, parseHostPort } from '../base/host-port.ts';
