/** Options of the servers in a run: the defaults, with what the swarm has drawn. */
import type { HostPort } from '../../src/base/host-port.ts';
import { defaultOptions } from '../../src/base/option-table.ts';
import { META_OPTIONS, type MetaOptions } from '../../src/meta/options.ts';
import { REPLICA_OPTIONS, type ReplicaOptions } from '../../src/replica/options.ts';
import type { Swarm } from '../nemesis/swarm.ts';

export function metaOptions(swarm: Swarm, listen: HostPort): MetaOptions {
  const { learnStallMs } = swarm;
  return defaultOptions(META_OPTIONS, {
    listen,
    dataPath: 'meta',
    learnStallMs,
    // Faults restart all servers, and all the time.
    unstableRestartsMax: 0,
  });
}

export function replicaOptions(
  swarm: Swarm,
  listen: HostPort,
  metaServers: readonly HostPort[],
): ReplicaOptions {
  return defaultOptions(REPLICA_OPTIONS, {
    listen,
    metaServers,
    dataPath: 'data',
    durability: swarm.durability,
    inFlightMax: swarm.inFlightMax,
    flushIntervalMs: swarm.flushIntervalMs,
    logSegmentBytesMax: swarm.logSegmentBytesMax,
    logBytesMax: swarm.logBytesMax,
    tailBytesMax: swarm.tailBytesMax,
    logCongestedBytes: swarm.logCongestedBytes,
    learnPieceBytesMax: swarm.learnPieceBytesMax,
    learnBytesPerSecondMax: swarm.learnBytesPerSecondMax,
  });
}
