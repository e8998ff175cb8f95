/**
 * Which replica servers may join the cluster, and which of them get no copies for the time being.
 *
 *  1. White list (an option): who is not on it and holds nothing is not taken up at all; who holds copies already keeps
 *     them, or a slip of the pen would cost data, and gets no more.
 *  2. Black list (for the time of this meta server's lead): who is on it gets no more copies. Those that it has stay.
 *  3. Unstable servers: who ended often without a farewell, each time soon after its start, gets no copies until it has
 *     run for a while, or until an operator forgives it. It may still save a partition that takes no writes without it.
 */
import { assertAtLeast } from '../base/assert.ts';
import {
  type HostPort,
  hostPortText,
  type NodeId,
  parseHostPort,
  toNodeId,
} from '../model/identity.ts';
import type { ServerNode } from './node-registry.ts';

/** Why a server gets no copies. */
export type Ban = 'unlisted' | 'blackListed' | 'unstable';

export interface AdmissionSettings {
  /** Null: everybody may join. */
  readonly replicaWhiteList: readonly HostPort[] | null;
  /** So many lives in a row that were short make a server unstable; 0 = never. */
  readonly unstableRestartsMax: number;
  /** A life that lasts so long is not short. */
  readonly stableAfterMs: number;
}

export const OPEN_DOORS: AdmissionSettings = {
  replicaWhiteList: null,
  unstableRestartsMax: 0,
  stableAfterMs: 600_000,
};

export class Admission {
  readonly stableAfterMs: number;
  readonly #unstableRestartsMax: number;
  readonly #listed: ReadonlySet<string> | null;
  #blackListed: ReadonlySet<NodeId> = new Set();

  constructor(settings: AdmissionSettings) {
    assertAtLeast(settings.stableAfterMs, 0, 'time after which a server is stable');
    assertAtLeast(settings.unstableRestartsMax, 0, 'restarts of an unstable server');
    this.stableAfterMs = settings.stableAfterMs;
    this.#unstableRestartsMax = settings.unstableRestartsMax;
    const { replicaWhiteList: list } = settings;
    this.#listed = list === null ? null : new Set(list.map(hostPortText));
  }

  /** Null: everybody may join. In order. */
  get whiteList(): readonly string[] | null {
    return this.#listed === null ? null : [...this.#listed].sort();
  }

  get blackList(): readonly NodeId[] {
    return [...this.#blackListed];
  }

  /** The whole list anew. */
  setBlackList(nodes: readonly NodeId[]): void {
    this.#blackListed = new Set(nodes);
  }

  /** Whether a server of this name may join that holds nothing yet. */
  isListed(id: NodeId): boolean {
    return this.#listed === null || this.#listed.has(id);
  }

  banOf(node: ServerNode): Ban | null {
    if (!this.isListed(node.id)) return 'unlisted';
    if (this.#blackListed.has(node.id)) return 'blackListed';
    return this.isUnstable(node) ? 'unstable' : null;
  }

  isUnstable(node: ServerNode): boolean {
    const most = this.#unstableRestartsMax;
    return most > 0 && node.shortLives >= most;
  }
}

/** Longer lists are a mistake. */
const LIST_MAX = 10_000;

/** `host:port,host:port`, or null when that is not what it is. */
export function parseNodeList(text: string): NodeId[] | null {
  const names = text.split(',').map((name) => name.trim());
  if (names.length > LIST_MAX) return null;
  const addresses = names.map(parseHostPort);
  if (addresses.some((address) => address === null || address.port === 0)) return null;
  return names.map(toNodeId);
}
