/**
 * What a meta server is started with.
 *
 *   const meta = await MetaServer.open(environment, { ...defaultMetaOptions(), listen, dataPath });
 *   meta.address;         // with the real port
 *   await meta.close();
 */
import { type ClusterSettings, DEFAULT_CLUSTER_SETTINGS } from '../cluster/settings.ts';
import type { HostPort } from '../model/identity.ts';

export interface MetaOptions {
  /** Port 0 picks a free one. */
  readonly listen: HostPort;
  /** What others connect to; null = as `listen`, with the real port. */
  readonly advertised: HostPort | null;
  /** Servers of another cluster are refused, and so is a data folder of another cluster. */
  readonly clusterName: string;
  /** Folder of the journal; created if it is missing. */
  readonly dataPath: string;
  /** How often dead nodes are looked for and cures are tried again. */
  readonly tickIntervalMs: number;
  readonly cluster: ClusterSettings;
}

export function defaultMetaOptions(): MetaOptions {
  return {
    listen: { host: '127.0.0.1', port: 34601 },
    advertised: null,
    clusterName: 'onebox',
    dataPath: 'meta',
    tickIntervalMs: 200,
    cluster: DEFAULT_CLUSTER_SETTINGS,
  };
}
