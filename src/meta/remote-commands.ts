/**
 * The remote commands of a meta server, with the names, arguments and answers of the original. What they change holds
 * for the time of this lead: another leader begins with what is configured, as in the original.
 *
 * A meta server that does not lead says who does: what it would tell or change is not what holds.
 */

import { parseNodeList } from '../cluster/admission.ts';
import type { BalanceSwitches } from '../cluster/balance-plan.ts';
import { balanceStatus } from '../cluster/balance-status.ts';
import type { ClusterBrain } from '../cluster/brain.ts';
import { planIgnore } from '../cluster/wishes.ts';
import { type HostPort, hostPortText, toNodeId } from '../model/identity.ts';
import {
  commandReply,
  type RemoteCommand,
  type RemoteCommandTable,
} from '../rpc/remote-commands.ts';

export interface CommandedMeta {
  /** Null while it does not lead. */
  readonly term: { readonly brain: ClusterBrain } | null;
  readonly leader: HostPort | null;
}

type Act = (brain: ClusterBrain, args: readonly string[]) => string;

export function metaCommands(server: CommandedMeta): RemoteCommandTable {
  const command = (help: string, act: Act): RemoteCommand => ({
    help,
    answer: (args) => (server.term === null ? notHere(server) : act(server.term.brain, args)),
  });
  return new Map([
    ['fd.allow_list', command('the white list of replica servers', allowList)],
    [
      'meta.live_percentage',
      command(
        '[0-100 | DEFAULT] the cluster is frozen while fewer percent of its servers live',
        number('meta.live_percentage', 100, {
          get: (brain) => brain.levels.livePercentMin,
          set: (brain, value) => brain.levels.setLivePercentMin(value),
        }),
      ),
    ],
    [
      'meta.lb.assign_delay_ms',
      command(
        '[MILLISECONDS | DEFAULT] how long a lost copy is waited for',
        number('meta.lb.assign_delay_ms', 86_400_000, {
          get: (brain) => brain.cureSettings.replacementDelayMs,
          set: (brain, value) => brain.setCure({ replacementDelayMs: value }),
        }),
      ),
    ],
    [
      'meta.lb.add_secondary_max_count_for_one_node',
      command(
        '[COUNT | DEFAULT] copies under way at a time per server',
        number('meta.lb.add_secondary_max_count_for_one_node', 1_000, {
          minimum: 1,
          get: (brain) => brain.cureSettings.learnsPerNodeMax,
          set: (brain, value) => brain.setCure({ learnsPerNodeMax: value }),
        }),
      ),
    ],
    [
      'meta.lb.assign_secondary_black_list',
      command('[HOST:PORT,HOST:PORT,... | clear] servers that get no more copies', blackList),
    ],
    ...balanceCommands(command),
    ['meta.forgive', command('[HOST:PORT] unstable servers, or copies for one again', forgive)],
  ]);
}

/** Those of the balance, with the words of the original. */
function balanceCommands(
  command: (help: string, act: Act) => RemoteCommand,
): [string, RemoteCommand][] {
  const toggle = (
    name: string,
    key: keyof BalanceSwitches,
    help: string,
  ): [string, RemoteCommand] => [
    name,
    command(`[true | false] ${help}`, (brain, [text, ...more]) => {
      const { balancer } = brain;
      if (text !== undefined) {
        const isFlag = text === 'true' || text === 'false';
        if (!isFlag || more.length > 0) return commandReply({}, 'true or false');
        balancer.switches = { ...balancer.switches, [key]: text === 'true' };
      }
      return commandReply({ [name]: String(balancer.switches[key]) });
    }),
  ];
  return [
    toggle('meta.lb.balancer_in_turn', 'inTurn', 'one table at a time is balanced'),
    toggle('meta.lb.only_primary_balancer', 'onlyPrimaries', 'copies of secondaries stay'),
    toggle('meta.lb.only_move_primary', 'onlyLeads', 'all copies stay'),
    [
      'meta.lb.get_balance_operation_count',
      command('[total | move_pri | copy_pri | copy_sec | detail] moves there are to make', counts),
    ],
    [
      'meta.lb.ignored_app_list',
      command('[get | set ID,ID,... | clear] tables left alone', ignored),
    ],
  ];
}

function counts(brain: ClusterBrain, [what = 'total', ...more]: readonly string[]): string {
  const { wanted } = balanceStatus(brain.state, brain.balancer, brain.balancer.seenMs);
  const { movePrimary, copyPrimary, copySecondary, total } = wanted;
  const byName = { total, move_pri: movePrimary, copy_pri: copyPrimary, copy_sec: copySecondary };
  if (what === 'detail' && more.length === 0) {
    return `move_pri=${movePrimary},copy_pri=${copyPrimary},copy_sec=${copySecondary},total=${total}`;
  }
  const count = more.length === 0 && Object.hasOwn(byName, what) ? byName[what as 'total'] : null;
  return count === null ? 'ERR: invalid arguments' : `${what}=${count}`;
}

function ignored(brain: ClusterBrain, [verb = 'get', list, ...more]: readonly string[]): string {
  const { wishes } = brain.state;
  const ids = (list ?? '').split(',').map(Number);
  const areTables = ids.every((appId) => brain.state.table(appId) !== undefined);
  if (verb === 'get' && list === undefined) {
    return `get ok: ${wishes.record.ignoredTables.join(',')}`;
  }
  const isClear = verb === 'clear' && list === undefined;
  if (!isClear && !(verb === 'set' && areTables && more.length === 0)) return 'invalid arguments';
  const { records } = planIgnore(wishes, isClear ? [] : ids);
  if (records.length > 0) brain.submit(records, () => {});
  return isClear ? 'clear ok' : 'set ok';
}

function notHere({ leader }: CommandedMeta): string {
  const fields = leader === null ? {} : { leader: hostPortText(leader) };
  return commandReply(fields, 'this meta server does not lead');
}

function allowList({ state }: ClusterBrain): string {
  const list = state.admission.whiteList;
  return commandReply({ enabled: String(list !== null), allow_list: list ?? [] });
}

interface Number {
  readonly minimum?: number;
  readonly get: (brain: ClusterBrain) => number;
  /** Null: as configured. */
  readonly set: (brain: ClusterBrain, value: number | null) => void;
}

/** A number that is told without an argument, and set with one. */
function number(name: string, maximum: number, { minimum = 0, get, set }: Number): Act {
  return (brain, args) => {
    const [text, ...more] = args;
    if (text === undefined) return commandReply({ [name]: String(get(brain)) });
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    const isDefault = text === 'DEFAULT';
    if (more.length > 0 || !(isDefault || (value >= minimum && value <= maximum))) {
      return commandReply({}, `one number from ${minimum} to ${maximum}, or DEFAULT`);
    }
    set(brain, isDefault ? null : value);
    return commandReply({ [name]: String(get(brain)) });
  };
}

/** Its answers are the words that the original's scripts look for. */
function blackList(brain: ClusterBrain, args: readonly string[]): string {
  const { admission } = brain.state;
  const [text, ...more] = args;
  if (text === undefined) return `get ok: ${admission.blackList.join(',')}`;
  const nodes = text === 'clear' ? [] : parseNodeList(text);
  if (nodes === null || more.length > 0) return 'invalid arguments';
  admission.setBlackList(nodes);
  brain.reconsider();
  return text === 'clear' ? 'clear ok' : 'set ok';
}

function forgive(brain: ClusterBrain, args: readonly string[]): string {
  const { admission, nodes } = brain.state;
  const [text, ...more] = args;
  if (text === undefined) {
    const unstable = [...nodes.all()].filter((node) => admission.isUnstable(node));
    return commandReply({ unstable: unstable.map(({ id }) => id).sort() });
  }
  const node = text === '' ? undefined : nodes.get(toNodeId(text));
  if (node === undefined || more.length > 0) return commandReply({}, 'one server that is known');
  node.shortLives = 0;
  brain.reconsider();
  return commandReply({});
}
