/**
 * The published entry point `pegasus-ts/client`: the client over the sockets of this process. No
 * native code is loaded.
 *
 *   await using client = await connect({ metas: '127.0.0.1:34601' });
 *   const users = client.table('users');
 *   await users.set('ada', 'born', '1815');
 */

import { NodeClock } from '../adapters/node/clock.ts';
import { createNodeRandom } from '../adapters/node/random.ts';
import { NodeTimers } from '../adapters/node/timers.ts';
import { NodeTransport } from '../adapters/node/transport.ts';
import type { Client, ClientOptions } from '../client/api.ts';
import { ClusterClient } from '../client/client.ts';
import { PegasusError, RejectedError, UnavailableError } from '../client/errors.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { Logger } from '../env/logger.ts';

export type * from '../client/api.ts';
export { bytes, decimal, float64, int64, integer, json, text } from '../client/codec.ts';
export * from '../client/errors.ts';
export * from '../client/open-telemetry.ts';
export * from '../client/operation-metrics.ts';
export type { Logger } from '../env/logger.ts';
export * from './client-compression.ts';

export interface ConnectOptions extends ClientOptions {
  /** Where events go; nowhere by default. */
  readonly logger?: Logger;
  /**
   * Do not wait for a meta server to answer; a wrong address shows at the first operation. Default
   * false.
   */
  readonly lazy?: boolean;
  /** How long to wait for that answer. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** Resolves when a meta server has answered. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const client = new ClusterClient(nodeEnvironment(options.logger ?? silent), options);
  if (options.lazy !== true) {
    await greet(client, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  }
  return client;
}

/** What a client needs from this process. */
export function nodeEnvironment(logger: Logger): ClientEnvironment {
  const clock = new NodeClock();
  return {
    clock,
    timers: new NodeTimers(clock),
    random: createNodeRandom(),
    transport: new NodeTransport(),
    logger,
  };
}

async function greet(client: ClusterClient, timeoutMs: number): Promise<void> {
  try {
    await client.admin.clusterInfo({ timeoutMs });
  } catch (error) {
    // A refusal is an answer too.
    if (error instanceof RejectedError) return;
    const { servers } = client.engine.meta;
    await client.close();
    if (!(error instanceof PegasusError)) throw error;
    throw new UnavailableError(
      `no meta server answered within ${timeoutMs} ms at ${servers}: is the cluster up, and is the address right?`,
      error,
    );
  }
}

export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}
