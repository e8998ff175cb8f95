/**
 * What may fail at once: a server's host, its rack, its zone, as its operator has labelled them. Copies of one
 * partition are kept apart by zones first, then by racks, then by hosts; where there is no other, they share.
 *
 * Servers that name no zone (or rack, or host) are taken for being in one that has no name: nothing says that they are
 * apart. Racks count within their zone. A host is one machine, whatever its rack is called.
 *
 * Two copies on one server are never had: that is the business of whoever chooses among servers (placement.ts,
 * learner-choice.ts).
 */
import { assertAtMost } from '../base/assert.ts';

export interface Labels {
  /** Empty = not told. */
  readonly zone: string;
  readonly rack: string;
  readonly host: string;
}

export const NO_LABELS: Labels = { zone: '', rack: '', host: '' };

/** Longer ones are refused where they are configured, and cut where they are told. */
export const LABEL_LENGTH_MAX = 64;

/** What a server tells of itself; `host` is what it is called by if it names none. */
export function labelsOf(
  told: {
    readonly zone?: string | undefined;
    readonly rack?: string | undefined;
    readonly host?: string | undefined;
  },
  host: string,
): Labels {
  const cut = (text: string): string => text.slice(0, LABEL_LENGTH_MAX);
  const named = told.host === undefined || told.host === '' ? host : told.host;
  return { zone: cut(told.zone ?? ''), rack: cut(told.rack ?? ''), host: cut(named) };
}

/** More members than a partition ever has, so that no number of hosts outweighs a rack. */
const MEMBERS_MAX = 99;
const RACK_WEIGHT = 100;
const ZONE_WEIGHT = 10_000;

/** How much would be lost together with `one` of what the others hold. Less is better; 0 = nothing. */
export function sharedRisk(one: Labels, others: readonly Labels[]): number {
  assertAtMost(others.length, MEMBERS_MAX, 'members of a partition');
  let risk = 0;
  for (const other of others) risk += riskOfPair(one, other);
  return risk;
}

/** The same for two. */
export function riskOfPair(a: Labels, b: Labels): number {
  const isSameZone = a.zone === b.zone;
  let risk = 0;
  if (isSameZone) risk += ZONE_WEIGHT;
  if (isSameZone && a.rack === b.rack) risk += RACK_WEIGHT;
  if (a.host === b.host) risk += 1;
  return risk;
}
