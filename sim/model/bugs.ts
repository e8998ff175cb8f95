/**
 * Classic mistakes, made in the layers that the model puts around the core. The search has to find each of them: else
 * its silence about the real code would mean nothing.
 */
import type { ReplicaEffects } from '../../src/consensus/effects.ts';
import type { ReplicaCore } from '../../src/consensus/replica-core.ts';
import type { Ballot, NodeId } from '../../src/model/identity.ts';
import type { GroupCheck, Prepare } from '../../src/wire/generated/internal.ts';
import {
  ConfigurationChange,
  InternalMessage,
  PrepareResult,
} from '../../src/wire/schema/internal.ts';
import { GPID, type ModelReplica } from './replica.ts';

export interface Bug {
  wrap(effects: ReplicaEffects, own: () => ModelReplica): ReplicaEffects;
  onTurnEnd(replica: ModelReplica, core: ReplicaCore): void;
}

const HARMLESS: Bug = { wrap: (effects) => effects, onTurnEnd: () => {} };

export const NO_BUG: Bug = HARMLESS;

/** The log says "appended" before it has synced. */
const ackBeforeSync: Bug = {
  ...HARMLESS,
  onTurnEnd: (replica, core) => {
    for (const { mutation } of [...replica.appends]) {
      if (!mutation.logged) core.onLogAppended(mutation, replica.nowMs);
    }
  },
};

/** A peer counts as having a mutation as soon as it was sent to it. */
class CommitBeforeAcks implements Bug {
  #sent: { to: NodeId; ballot: number; decree: number }[] = [];

  wrap(effects: ReplicaEffects): ReplicaEffects {
    return {
      ...effects,
      send: (to, type, message) => {
        effects.send(to, type, message);
        if (type !== InternalMessage.prepare) return;
        const { ballot, decree } = message as object as Prepare;
        this.#sent.push({ to, ballot, decree });
      },
    };
  }

  onTurnEnd(replica: ModelReplica, core: ReplicaCore): void {
    for (const { to, ballot, decree } of this.#sent.splice(0)) {
      const ack = { ...GPID, ballot, decree, result: PrepareResult.ok, lastCommittedDecree: 0 };
      core.onPrepareAck(to, ack, replica.nowMs);
    }
  }
}

/** A learner is proposed when it is invited, instead of when it has caught up. */
const promotedEarly: Bug = {
  ...HARMLESS,
  wrap: (effects, own) => ({
    ...effects,
    send: (to, type, message) => {
      effects.send(to, type, message);
      if (type !== InternalMessage.groupCheck) return;
      const { learnId, configuration, lastCommittedDecree } = message as object as GroupCheck;
      if (learnId === 0 || !own().up) return;
      effects.sendConfigurationUpdate({
        gpid: GPID,
        ballot: configuration.ballot,
        change: ConfigurationChange.addSecondary,
        node: to,
        lastCommittedDecree,
        learnId,
        reason: '',
        incarnation: 1,
      });
    },
  }),
};

/** A ballot counts as durable as soon as it is about to be stored. */
class BallotCountsEarly implements Bug {
  #ballots: Ballot[] = [];

  wrap(effects: ReplicaEffects): ReplicaEffects {
    return {
      ...effects,
      persistConfiguration: (config, table) => {
        effects.persistConfiguration(config, table);
        // The search begins when the first configuration is everywhere.
        if (config.ballot > 1) this.#ballots.push(config.ballot);
      },
    };
  }

  onTurnEnd(replica: ModelReplica, core: ReplicaCore): void {
    for (const ballot of this.#ballots.splice(0)) {
      core.onConfigurationPersisted(ballot, replica.nowMs);
    }
  }
}

export const BUGS: Readonly<Record<string, () => Bug>> = {
  ackBeforeSync: () => ackBeforeSync,
  commitBeforeAcks: () => new CommitBeforeAcks(),
  promotedEarly: () => promotedEarly,
  ballotCountsEarly: () => new BallotCountsEarly(),
};
