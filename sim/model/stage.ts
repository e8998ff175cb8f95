/**
 * Carries out the actions of the model on the real core and the real brain, and checks after each what must never
 * happen. The invariants are checked against a ghost (`World.history`): all that was ever committed anywhere.
 *
 *   one-digest   a decree is committed with one digest only
 *   one-leader   a ballot has one primary
 *   members      what is committed is recoverable from the disk of every member of the newest configuration: so any of
 *                them may lead, nothing that was acknowledged is lost by a truncation, and no learner becomes a member
 *                before it has everything
 *   ballot       no server acknowledges, and no primary commits, under a ballot that a crash would make it forget
 *   failure      no replica gives up: nothing is damaged here
 *   assertion    no assertion of production code fails
 */
import { assert, InvariantError } from '../../src/base/assert.ts';
import type { ReplicaEffects } from '../../src/consensus/effects.ts';
import { type AppInfo, isMember } from '../../src/model/configuration.ts';
import type { NodeId } from '../../src/model/identity.ts';
import type {
  ConfigurationPush,
  ConfigurationUpdate,
  GroupCheckAck,
  PrepareAck,
} from '../../src/wire/generated/internal.ts';
import { InternalMessage, PrepareResult } from '../../src/wire/schema/internal.ts';
import { type Bug, NO_BUG } from './bugs.ts';
import { Manager, type ManagerEvent, type Push } from './manager.ts';
import { GIVE_UP_MS, ModelReplica, type Point, RESEND_MS } from './replica.ts';
import { ModelViolation } from './violation.ts';
import {
  BUDGETS,
  type Budgets,
  CRASH,
  DELIVER,
  DROP,
  DUPLICATE,
  EMPTY,
  ENDED,
  ENDS,
  type Envelope,
  EXPIRE,
  emptyLinks,
  GIVE_UP,
  isReportDue,
  kindOf,
  linkOf,
  META,
  messageText,
  NAMES,
  OVERTAKE,
  type Queue,
  REPORT,
  RESEND,
  RESTART,
  STORE,
  SYNC,
  Texts,
  WORK,
  type World,
  WRITE,
} from './world.ts';

/**
 * `slow`: each sync, each stored configuration, each piece of work beside the core and each report is an action of
 * its own. `prompt`: they follow at once, but for syncs of a primary. Whoever receives a message promptly but acts on
 * it late is like one who received it late; only a primary has said something about a write before it is on its disk.
 */
export type Pace = 'slow' | 'prompt';

/** What one server did in one turn. */
interface NodeStep {
  readonly replica: ModelReplica;
  readonly replicaId: number;
  readonly sends: readonly Sent[];
  readonly committed: readonly Point[];
}

/** Equal names in equal states lead to equal steps. */
interface Input {
  readonly name: string;
  readonly run: (replica: ModelReplica) => void;
}

interface Sent {
  readonly to: number;
  readonly envelope: Envelope;
}

/**
 * A server is deterministic too, and far fewer of its states exist than of worlds: what it does in a state with an
 * input is found out once and remembered (`#steps`).
 */
export class Stage {
  readonly manager: Manager = new Manager(NAMES);
  readonly texts: Texts = new Texts();
  readonly #table: AppInfo;
  readonly #effects: readonly ReplicaEffects[];
  readonly #pace: Pace;
  readonly #bug: Bug;
  readonly #steps = new Map<string, NodeStep>();
  readonly #replicas = new Map<number, ModelReplica>();
  /** The server whose turn it is, and what comes of it. */
  #own: ModelReplica = new ModelReplica(NAMES[0]!);
  #sends: Sent[] = [];
  #committed: Point[] = [];

  constructor(pace: Pace, bug: Bug = NO_BUG) {
    this.#pace = pace;
    this.#bug = bug;
    assert(this.texts.idOf('') === EMPTY.id, 'the empty queue has its number');
    this.#table = this.manager.table.app;
    this.#effects = NAMES.map((name) => this.#effectsOf(name));
  }

  /** All servers new and empty; the first configuration is on its way to them. */
  initial(budgets: Budgets): World {
    const nodes = NAMES.map((name) => new ModelReplica(name));
    const world: World = {
      nodes,
      nodeIds: nodes.map((replica) => this.texts.idOf(replica.describe())),
      links: emptyLinks(),
      manager: this.manager.initial,
      left: BUDGETS.map((name) => budgets[name]),
      history: [],
      leaders: [],
    };
    NAMES.forEach((_, index) => {
      this.#turn(world, index, { name: 'new', run: (replica) => this.#start(replica, true) });
    });
    for (const push of this.manager.initialPushes) this.#push(world, push);
    return world;
  }

  /** The same state with other budgets. */
  withBudgets(world: World, budgets: Budgets): World {
    return { ...world, left: BUDGETS.map((name) => budgets[name]) };
  }

  key(world: World): string {
    const { left, history, leaders } = world;
    return `${this.shortKey(world)}|${left.join()}|${history.join()}|${leaders.join()}`;
  }

  /** What the future hangs on, but for the model's own budgets and ghosts. */
  shortKey({ nodeIds, links, manager }: World): string {
    let text = `${nodeIds[0]},${nodeIds[1]},${nodeIds[2]},${manager.id}`;
    for (const queue of links) text += queue.id === EMPTY.id ? '/' : `/${queue.id}`;
    return text;
  }

  /** Distinct states of single servers so far. */
  get replicaStateCount(): number {
    return this.#replicas.size;
  }

  /** Throws `ModelViolation`. `before` stays as it is. */
  apply(before: World, action: number): World {
    const world: World = {
      nodes: before.nodes.slice(),
      nodeIds: before.nodeIds.slice(),
      links: before.links.slice(),
      manager: before.manager,
      left: before.left,
      history: before.history,
      leaders: before.leaders,
    };
    const { from, budget } = kindOf(action);
    if (budget !== null) world.left = spend(before.left, BUDGETS.indexOf(budget));
    try {
      this.#perform(world, from, action - from);
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      throw new ModelViolation('assertion', error.message);
    }
    checkMembers(before, world);
    return world;
  }

  /** Whether the receiver, in the state in which it is, takes no notice of a message. */
  ignores(world: World, link: number, envelope: Envelope): boolean {
    const to = link % ENDS;
    const step = this.#stepOf(world, to, this.#receipt(link, envelope));
    return step.replicaId === world.nodeIds[to]! && step.sends.length === 0;
  }

  // ---- actions ----

  #perform(world: World, from: number, index: number): void {
    switch (from) {
      case DELIVER.from:
        this.#receive(world, index, this.#take(world, index, 0));
        break;
      case OVERTAKE.from:
        this.#receive(world, index, this.#take(world, index, 1));
        break;
      case DROP.from:
        this.#take(world, index, 0);
        break;
      case DUPLICATE.from:
        this.#append(world, index, world.links[index]!.envelopes[0]!);
        break;
      case REPORT.from:
        this.#report(world, index);
        break;
      case ENDED.from: {
        const { incarnation } = world.manager.nodes[index]!;
        this.#tell(world, { kind: 'ended', node: NAMES[index]!, incarnation });
        break;
      }
      case EXPIRE.from:
        this.#tell(world, { kind: 'expired', node: NAMES[index]! });
        break;
      default:
        this.#performOn(world, from, index);
    }
  }

  #performOn(world: World, from: number, index: number): void {
    const { nodes, links, left } = world;
    // Connections end with the server; what it has sent may still arrive.
    if (from === CRASH.from) {
      for (let other = 0; other < ENDS; other++) links[linkOf(other, index)] = EMPTY;
    }
    assert(from !== RESTART.from || !nodes[index]!.up, 'only what is down is started');
    const writes = left[BUDGETS.indexOf('writes')]!;
    const name = from === WRITE.from ? `${from}.${writes}` : `${from}`;
    this.#turn(world, index, { name, run: (replica) => this.#act(replica, from, writes) });
  }

  #act(replica: ModelReplica, from: number, writes: number): void {
    switch (from) {
      case CRASH.from:
        replica.crash();
        break;
      case RESTART.from:
        this.#start(replica, false);
        break;
      case SYNC.from:
        replica.syncOne();
        break;
      case STORE.from:
        replica.storeConfiguration();
        break;
      case WORK.from:
        replica.workOnce();
        break;
      case WRITE.from:
        replica.core!.leading!.propose(new Uint8Array(8).fill(writes), 1, replica.nowMs);
        break;
      case GIVE_UP.from:
        replica.passTime(GIVE_UP_MS);
        break;
      case RESEND.from:
        replica.passTime(RESEND_MS);
        break;
      default:
        assert(false, 'every action is performed');
    }
  }

  #start(replica: ModelReplica, isNew: boolean): void {
    const effects = this.#effects[NAMES.indexOf(replica.id)]!;
    replica.start(this.#table, effects, isNew, () => this.#own.nextLearnId());
  }

  // ---- turns of servers ----

  #turn(world: World, index: number, input: Input): void {
    const step = this.#stepOf(world, index, input);
    const { replica } = step;
    world.nodes[index] = replica;
    world.nodeIds[index] = step.replicaId;
    for (const { to, envelope } of step.sends) this.#send(world, linkOf(index, to), envelope);
    for (const point of step.committed) noteCommit(world, point);
    const ballot = replica.core?.leading?.ballot;
    if (ballot !== undefined) noteLeader(world, index, ballot);
    const seen = world.manager.nodes[index]!;
    const isHeard = replica.up && seen.usable && seen.incarnation === replica.incarnation;
    if (this.#pace === 'prompt' && isHeard && isReportDue(replica, seen)) {
      this.#report(world, index);
    }
  }

  #stepOf(world: World, index: number, input: Input): NodeStep {
    const key = `${world.nodeIds[index]}<${input.name}`;
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const step = this.#makeStep(world.nodes[index]!, input.run);
    this.#steps.set(key, step);
    return step;
  }

  #makeStep(before: ModelReplica, run: (replica: ModelReplica) => void): NodeStep {
    this.#own = before.copy();
    this.#sends = [];
    this.#committed = [];
    const own = this.#own;
    run(own);
    if (own.core !== null) {
      this.#bug.onTurnEnd(own, own.core);
      if (this.#pace === 'prompt') own.finishWork();
      if (own.wantsFlush) own.core.flushAcks();
      own.wantsFlush = false;
    }
    const replicaId = this.texts.idOf(own.describe());
    const replica = this.#replicas.get(replicaId) ?? own;
    this.#replicas.set(replicaId, replica);
    return { replica, replicaId, sends: this.#sends, committed: this.#committed };
  }

  #effectsOf(name: NodeId): ReplicaEffects {
    const own = (): ModelReplica => {
      assert(this.#own.id === name, 'a server acts in its own turn');
      return this.#own;
    };
    const send = (to: number, type: InternalMessage, message: object): void => {
      const id = this.texts.idOf(`${type} ${messageText(message)}`);
      this.#sends.push({ to, envelope: { type, message, id } });
    };
    const effects: ReplicaEffects = {
      send: (to, type, message) => {
        if (isOk(type, message)) checkBallot(own(), (message as PrepareAck).ballot);
        if (!isIdle(type, message)) send(NAMES.indexOf(to), type, message);
      },
      sendConfigurationUpdate: (message) =>
        send(META, InternalMessage.configurationUpdate, message),
      appendLog: (mutation) => own().append(mutation),
      commit: ({ decree, digest }) => {
        const leading = own().core?.leading ?? null;
        if (leading !== null) checkBallot(own(), leading.ballot);
        this.#committed.push({ decree, digest });
      },
      flushAcksSoon: () => {
        own().wantsFlush = true;
      },
      readLog: (learnId, from) => own().later({ kind: 'readLog', learnId, from }),
      makeCheckpoint: (learnId) => own().later({ kind: 'makeCheckpoint', learnId }),
      releaseLearner: () => {},
      holdLog: () => {},
      fetchCheckpoint: (_from, { learnId, decree, checkpointId }) =>
        own().later({ kind: 'fetchCheckpoint', learnId, decree, digest: Number(checkpointId) }),
      abandonFetches: (exceptLearnId) => own().abandonFetches(exceptLearnId),
      roleChanged: () => {},
      persistConfiguration: (config) => {
        own().storing = config;
      },
      mutationsDropped: () => {},
      failed: (reason) => {
        throw new ModelViolation('failure', `${name} gives up: ${reason}`);
      },
    };
    return this.#bug.wrap(effects, own);
  }

  // ---- messages ----

  #take(world: World, link: number, place: number): Envelope {
    const { envelopes } = world.links[link]!;
    const rest = envelopes.filter((_, at) => at !== place);
    world.links[link] = this.#queue(rest);
    return envelopes[place]!;
  }

  #append(world: World, link: number, envelope: Envelope): void {
    world.links[link] = this.#queue([...world.links[link]!.envelopes, envelope]);
  }

  #queue(envelopes: readonly Envelope[]): Queue {
    return { envelopes, id: this.texts.idOf(envelopes.map((one) => one.id).join()) };
  }

  #send(world: World, link: number, envelope: Envelope): void {
    const to = link % ENDS;
    // Nobody is there to receive it.
    if (to === META || world.nodes[to]!.up) this.#append(world, link, envelope);
  }

  #receive(world: World, link: number, envelope: Envelope): void {
    const to = link % ENDS;
    const from = Math.floor(link / ENDS);
    if (to === META) {
      const update = envelope.message as ConfigurationUpdate;
      this.#tell(world, { kind: 'update', from: NAMES[from]!, update });
      return;
    }
    this.#turn(world, to, this.#receipt(link, envelope));
  }

  #receipt(link: number, envelope: Envelope): Input {
    const from = Math.floor(link / ENDS);
    const run = (replica: ModelReplica): void => {
      if (from === META) replica.onPush(envelope.message as ConfigurationPush);
      else replica.receive(NAMES[from]!, envelope);
    };
    return { name: `${from}:${envelope.id}`, run };
  }

  // ---- the manager ----

  #tell(world: World, event: ManagerEvent): void {
    const step = this.manager.apply(world.manager, event);
    world.manager = step.next;
    for (const push of step.pushes) this.#push(world, push);
  }

  #push(world: World, { to, message }: Push): void {
    const id = this.texts.idOf(`push ${messageText(message)}`);
    const type = InternalMessage.configurationPush;
    this.#send(world, linkOf(META, NAMES.indexOf(to)), { type, message, id });
  }

  #report(world: World, index: number): void {
    const replica = world.nodes[index]!;
    const { id, incarnation } = replica;
    this.#tell(world, { kind: 'report', node: id, incarnation, replica: replica.report() });
  }
}

function spend(left: readonly number[], budget: number): readonly number[] {
  return left.map((count, index) => (index === budget ? count - 1 : count));
}

function noteCommit(world: World, { decree, digest }: Point): void {
  const { history } = world;
  if (history[decree] === digest) return;
  if (history[decree] !== undefined) {
    throw new ModelViolation('one-digest', `decree ${decree} is committed with two contents`);
  }
  const next = history.slice();
  next[decree] = digest;
  world.history = next;
}

function noteLeader(world: World, index: number, ballot: number): void {
  const { leaders } = world;
  if (leaders[ballot] === index) return;
  if (leaders[ballot] !== undefined) {
    throw new ModelViolation('one-leader', `ballot ${ballot} has two primaries`);
  }
  const next = leaders.slice();
  next[ballot] = index;
  world.leaders = next;
}

/** Who hears it only resets a clock that never runs out here. */
function isIdle(type: InternalMessage, message: object): boolean {
  if (type === InternalMessage.groupCheckAck) {
    const { failure } = message as GroupCheckAck;
    if (failure !== '') throw new ModelViolation('failure', `a replica says that ${failure}`);
    return true;
  }
  if (type !== InternalMessage.prepareAck) return false;
  return (message as PrepareAck).result === PrepareResult.staleBallot;
}

function isOk(type: InternalMessage, message: object): boolean {
  return type === InternalMessage.prepareAck && (message as PrepareAck).result === PrepareResult.ok;
}

/** See `ballot` above: something counts under `ballot`. */
function checkBallot({ id, stored }: ModelReplica, ballot: number): void {
  const durable = stored?.ballot ?? 0;
  if (durable >= ballot) return;
  const text = `${id} acts under ballot ${ballot} and would remember ${durable}`;
  throw new ModelViolation('ballot', text);
}

/** See `members` above. Looks only at what may have changed. */
function checkMembers(before: World, world: World): void {
  const { history, manager } = world;
  const isNews = history !== before.history || manager !== before.manager;
  for (const [index, replica] of world.nodes.entries()) {
    const old = before.nodes[index]!;
    const isChanged = old.log !== replica.log || old.checkpoint !== replica.checkpoint;
    if (!(isNews || isChanged) || !isMember(manager.config, replica.id)) continue;
    const found = replica.recoverable();
    for (let decree = replica.checkpoint.decree; decree < history.length; decree++) {
      if (history[decree] === undefined || history[decree] === found.get(decree)) continue;
      const text = `${replica.id} cannot recover decree ${decree}, which is committed`;
      throw new ModelViolation('members', `${text}, in ballot ${manager.config.ballot}`);
    }
  }
}
