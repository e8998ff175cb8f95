/**
 * Keeps damage to disks within what a cluster can survive (after TigerBeetle's fault atlas): of each
 * partition at most one member's machine has damaged storage, and the others are whole.
 *
 * 1. The disk of a machine may be damaged in a calm moment (all members are there, no other fault is
 *    active), or while the machine is down and a member of nothing.
 * 2. Until every configuration that named the machine was followed by one that does not, the cluster
 *    leans on the others: meanwhile (`isCritical`) no other fault begins.
 * 3. Then it learns anew. Rot that nobody has found by then is taken back, or it would strike when
 *    the same machine is needed, together with other faults.
 * 4. A disk that refuses to be written or read is bounded alike: the log of its server may be lost to
 *    it, and with the last good copies it would have to wait for a restart.
 * 5. Damage that no checksum can tell, because the disk is whole and only old (`forgets`), excuses
 *    the machine from what it had promised as a member, until it is none any more.
 */
import type { DiskCopy } from '../../src/adapters/memory/disk-damage.ts';
import { assert } from '../../src/base/assert.ts';
import type { Membership } from '../checkers/observer.ts';
import type { AnyMachine } from './stage.ts';

/** What the observer knows of configurations. */
export interface ConfigurationSight {
  /** Partitions whose newest configuration names the server. */
  memberships(server: string): readonly Membership[];
  /** A configuration newer than `ballot` was seen that does not name the server. */
  hasLeft(server: string, membership: Membership): boolean;
}

export interface Damage {
  /** The disk is an older one, or has lost what it had promised to keep. */
  readonly forgets: boolean;
  /** Takes back what is still there of it. */
  readonly undo: () => void;
  /** It was trouble of a disk that passes; it is over, and all members are there. */
  readonly isWithstood?: () => boolean;
}

/** Of damage that leaves everything coherent, or that is gone once it was seen. */
export const NO_UNDO = (): void => {};

class Patient {
  readonly machine: AnyMachine;
  readonly damage: Damage;
  readonly generation: number;
  readonly wasDown: boolean;
  readonly sinceUs: number;
  leaving: readonly Membership[];

  constructor(
    machine: AnyMachine,
    damage: Damage,
    leaving: readonly Membership[],
    sinceUs: number,
  ) {
    this.machine = machine;
    this.damage = damage;
    this.generation = machine.owner.generation;
    this.wasDown = machine.isDown;
    this.leaving = leaving;
    this.sinceUs = sinceUs;
  }

  get hasRestarted(): boolean {
    const { owner, process } = this.machine;
    return process !== null && (this.wasDown || owner.generation > this.generation);
  }
}

/** A table that is dropped keeps its last members for ever. */
const CRITICAL_US_MAX = 40_000_000;

export interface OldCopy {
  readonly path: string;
  readonly copy: DiskCopy;
}

export class Atlas {
  readonly #sight: ConfigurationSight;
  readonly #nowUs: () => number;
  readonly #isCalm: () => boolean;
  #patients: Patient[] = [];
  /** Backups that were taken, by machine. */
  readonly copies: Map<string, OldCopy> = new Map();

  constructor(sight: ConfigurationSight, nowUs: () => number, isCalm: () => boolean) {
    this.#sight = sight;
    this.#nowUs = nowUs;
    this.#isCalm = isCalm;
  }

  mayDamage(machine: AnyMachine): boolean {
    this.#discharge();
    if (this.#patients.length > 0) return false;
    if (this.#sight.memberships(machine.name).length === 0 && machine.isDown) return true;
    return this.#isCalm();
  }

  /** In the life that the machine has now, or, if it is down, before its next one. */
  onDamaged(machine: AnyMachine, damage: Damage): void {
    assert(this.#patients.length === 0, 'one machine is damaged at a time');
    const leaving = this.#sight.memberships(machine.name);
    this.#patients.push(new Patient(machine, damage, leaving, this.#nowUs()));
  }

  /** No other fault may begin. */
  get isCritical(): boolean {
    this.#discharge();
    return this.#patients.some(
      ({ leaving, machine }) =>
        leaving.length > 0 || this.#sight.memberships(machine.name).length > 0,
    );
  }

  isExcused(server: string): boolean {
    return this.#patients.some(({ machine, damage }) => damage.forgets && machine.name === server);
  }

  #discharge(): void {
    if (this.#patients.length === 0) return;
    this.#patients = this.#patients.filter((patient) => !this.#isDischarged(patient));
  }

  #isDischarged(patient: Patient): boolean {
    const { machine, damage, sinceUs } = patient;
    const left = (membership: Membership): boolean => this.#sight.hasLeft(machine.name, membership);
    patient.leaving = patient.leaving.filter((membership) => !left(membership));
    const hasLearned = patient.leaving.length === 0 && patient.hasRestarted;
    const isOver = hasLearned || damage.isWithstood?.() === true;
    if (!isOver && this.#nowUs() - sinceUs < CRITICAL_US_MAX) return false;
    damage.undo();
    return true;
  }
}
