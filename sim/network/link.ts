/**
 * One direction between two hosts: how long bytes take and whether they get through.
 *
 * A cut direction swallows packets silently; TCP repeats them, so bytes are late, not lost, unless the
 * connection itself ends. Loss of packets is therefore delay as well.
 */
import type { Random } from '../../src/env/random.ts';

export interface LinkTraits {
  /** Half of the shortest round trip. */
  readonly latencyUs: number;
  /** Mean of the exponential part. */
  readonly jitterUs: number;
  /** Chance that a segment has to be sent again. */
  readonly lossFraction: number;
  readonly bytesPerUs: number;
  /** Deliveries are rounded up to a multiple: what falls together is one turn of the receiver's event loop. */
  readonly turnUs: number;
}

/** First retransmission of Linux; doubled each time. */
const RETRANSMIT_US = 200_000;

/** However slow a link is: what is under way when it is healed still has to arrive soon. */
const DELAY_US_MAX = 3_000_000;

export class Link {
  /** Number of faults that cut it now; several may overlap. */
  cuts: number = 0;
  /** Slow link: multiplies all delays. 1 = healthy. */
  slowness: number = 1;
  /** Woken when the last cut is healed. */
  readonly waiting: Set<() => void> = new Set();

  get isCut(): boolean {
    return this.cuts > 0;
  }

  delayUs(traits: LinkTraits, byteCount: number, random: Random): number {
    const jitterUs = -Math.log(1 - random.fraction()) * traits.jitterUs;
    let delayUs = (traits.latencyUs + jitterUs + byteCount / traits.bytesPerUs) * this.slowness;
    if (traits.lossFraction > 0) {
      let retransmitUs = RETRANSMIT_US;
      while (random.fraction() < traits.lossFraction && retransmitUs < 8 * RETRANSMIT_US) {
        delayUs += retransmitUs;
        retransmitUs *= 2;
      }
    }
    return Math.min(delayUs, DELAY_US_MAX);
  }
}

export function roundUpToTurn(timeUs: number, turnUs: number): number {
  return turnUs <= 1 ? Math.ceil(timeUs) : Math.ceil(timeUs / turnUs) * turnUs;
}
