/** What every service that meta servers share is reached with. */
import type { HostPort } from '../model/identity.ts';

export interface CoordinationOptions {
  /** The servers of the service; at least one. */
  readonly members: readonly HostPort[];
  /** Where what belongs to the cluster begins: `/…`, without a slash at its end. */
  readonly root: string;
  readonly requestTimeoutMs: number;
  readonly leadTimeoutMs: number;
}

export const DEFAULT_COORDINATION_TIMEOUTS: Pick<
  CoordinationOptions,
  'requestTimeoutMs' | 'leadTimeoutMs'
> = {
  requestTimeoutMs: 3_000,
  leadTimeoutMs: 3_000,
};
