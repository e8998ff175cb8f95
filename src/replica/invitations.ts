/**
 * The invitations to learn that copies of this server have followed in this life.
 *
 * A learner that has caught up is proposed as a member for what it has acknowledged, under one ballot, one learn id and
 * the server's incarnation. The meta server may take long over its answer. So for this server the copy that
 * acknowledged and the copy that becomes a member have to be the same: one that has failed or was given up meanwhile
 * must not be followed by an empty one under the same invitation. A newer one proves that nothing of the older is
 * under way any more: a primary begins no other learn under its ballot while a promotion is undecided, and under a
 * higher ballot every older request is void.
 *
 * Learn ids of one ballot grow, since one process leads under it.
 */
import { assert } from '../base/assert.ts';
import { type Gpid, gpidKey } from '../model/identity.ts';

interface Invitation {
  ballot: number;
  learnId: number;
}

export class Invitations {
  /** The newest one that was followed, by gpid: as many as this server has learned partitions. */
  readonly #followed = new Map<number, Invitation>();

  /** No copy of this life has followed this one or a newer one. */
  isNew(gpid: Gpid, ballot: number, learnId: number): boolean {
    const followed = this.#followed.get(gpidKey(gpid));
    if (followed === undefined || ballot > followed.ballot) return true;
    return ballot === followed.ballot && learnId > followed.learnId;
  }

  onFollowed(gpid: Gpid, ballot: number, learnId: number): void {
    assert(learnId > 0, 'an invitation has a learn id');
    if (!this.isNew(gpid, ballot, learnId)) return;
    const followed = this.#followed.get(gpidKey(gpid));
    if (followed === undefined) {
      this.#followed.set(gpidKey(gpid), { ballot, learnId });
      return;
    }
    followed.ballot = ballot;
    followed.learnId = learnId;
  }
}
