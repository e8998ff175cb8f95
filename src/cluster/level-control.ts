/**
 * What the meta server may do by itself: the level that people have set, and the freeze that it imposes on itself
 * while too few servers live.
 *
 * Who counts: servers that hold copies, and those that were heard of in this lead. One that has said farewell and holds
 * nothing does not; otherwise every server that was ever taken out of service would bring the cluster nearer to a
 * freeze.
 *
 * Both limits are off unless they are set. While the cluster is frozen the dead are followed but not replaced, and a
 * cluster that has lost many servers is the one that most needs to be repaired; that not everything is copied at once
 * is what the delays of replacement and the limits of learning are for.
 */
import { assertAtLeast, assertAtMost } from '../base/assert.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import type { ClusterState } from './cluster-state.ts';
import type { ServerNode } from './node-registry.ts';

export interface FreezeSettings {
  /** With fewer living servers the cluster is frozen; 0 = never. */
  readonly liveNodesMin: number;
  /** The same in percent of all servers. */
  readonly liveNodesPercentMin: number;
}

export class LevelControl {
  readonly #settings: FreezeSettings;
  #chosen: MetaLevel;
  #livePercentMin: number;
  #isFrozen = false;
  #isChosen = false;

  constructor(settings: FreezeSettings, level: MetaLevel) {
    assertAtLeast(settings.liveNodesMin, 0, 'fewest living servers');
    this.#settings = settings;
    this.#chosen = level;
    this.#livePercentMin = settings.liveNodesPercentMin;
  }

  /** What holds now. */
  get level(): MetaLevel {
    return this.#isFrozen && this.#chosen > MetaLevel.freezed ? MetaLevel.freezed : this.#chosen;
  }

  /**
   * What is told: as long as nobody has chosen a level, the one that the original begins with, `steady`. It balances
   * nothing then, and this one does.
   */
  get told(): MetaLevel {
    return this.#isChosen || this.level < MetaLevel.steady ? this.level : MetaLevel.steady;
  }

  choose(level: MetaLevel): void {
    this.#isChosen = true;
    this.#chosen = level;
  }

  get livePercentMin(): number {
    return this.#livePercentMin;
  }

  /** For the time of this lead; null: as configured. */
  setLivePercentMin(percent: number | null): void {
    const value = percent ?? this.#settings.liveNodesPercentMin;
    assertAtLeast(value, 0, 'percentage');
    assertAtMost(value, 100, 'percentage');
    this.#livePercentMin = value;
  }

  /** Counts who lives. Returns whether it made a difference. */
  look(state: ClusterState): boolean {
    const wasFrozen = this.#isFrozen;
    this.#isFrozen = this.#hasTooFew(state);
    return wasFrozen !== this.#isFrozen;
  }

  #hasTooFew(state: ClusterState): boolean {
    const { liveNodesMin } = this.#settings;
    if (liveNodesMin === 0 && this.#livePercentMin === 0) return false;
    let alive = 0;
    let all = 0;
    for (const node of state.nodes.all()) {
      if (!counts(state, node)) continue;
      all += 1;
      if (node.usable) alive += 1;
    }
    return alive < liveNodesMin || alive * 100 < this.#livePercentMin * all;
  }
}

function counts(state: ClusterState, node: ServerNode): boolean {
  if (state.replicaCountOf(node.id) > 0) return true;
  return !node.left && Number.isFinite(node.heardMs);
}
