/**
 * What administrators ask of the balance, and of single partitions: RPC_CM_PROPOSE_BALANCER, RPC_CM_CONTROL_BALANCE.
 */
import { ErrorCode } from '../base/error-names.ts';
import { balanceStatus } from '../cluster/balance-status.ts';
import type { ClusterBrain, Now } from '../cluster/brain.ts';
import type { MoveRefusal } from '../cluster/moves-book.ts';
import { proposedMove } from '../cluster/proposals.ts';
import { type CommandContext, type CommandPlan, refused } from '../cluster/table-commands.ts';
import { planDrain, planIgnore, planPause, planUndrain } from '../cluster/wishes.ts';
import { hostPortText, type NodeId, parseHostPort, toNodeId } from '../model/identity.ts';
import type {
  ConfigurationBalancerRequest,
  ControlBalanceRequest,
} from '../wire/generated/meta.ts';
import { BalanceAction, MetaLevel } from '../wire/schema/meta.ts';

export interface ProposalAnswer {
  readonly code: ErrorCode;
  readonly hint: string;
}

export function propose(
  brain: ClusterBrain,
  request: ConfigurationBalancerRequest,
  now: Now,
): ProposalAnswer {
  if (brain.level <= MetaLevel.freezed) return { code: ErrorCode.stateFreezed, hint: '' };
  const partition = brain.state.partition(request.gpid);
  if (partition === undefined || !partition.table.isAvailable) {
    return { code: ErrorCode.appNotExist, hint: 'there is no such partition' };
  }
  const steps = request.actionList.flatMap(({ type, node, hpNode, target, hpTarget }) => {
    const at = hpNode ?? node ?? hpTarget ?? target;
    return at === null ? [] : [{ type, node: toNodeId(hostPortText(at)) }];
  });
  const move = proposedMove(brain.state, partition, steps);
  if (move === null) {
    return { code: ErrorCode.invalidParameters, hint: 'these steps make no move' };
  }
  const refusal = brain.move(partition, move, now, request.force === true);
  return refusal === null
    ? { code: ErrorCode.ok, hint: '' }
    : {
        code: isPassing(refusal) ? ErrorCode.invalidState : ErrorCode.invalidParameters,
        hint: refusal,
      };
}

/** The same may be granted later. */
function isPassing(refusal: MoveRefusal): boolean {
  return refusal === 'it is not whole' || refusal === 'it cannot be changed now';
}

/** The records that make it so, or why it is refused. */
export function planControl(
  { state }: CommandContext,
  { action, node: nodeText, tables }: ControlBalanceRequest,
): CommandPlan {
  const { wishes } = state;
  const node = parseHostPort(nodeText) === null ? null : (nodeText as NodeId);
  if (nodeText !== '' && node === null) return unclear(`${nodeText} is no host:port`);
  switch (action) {
    case BalanceAction.status:
      return refused(ErrorCode.ok);
    case BalanceAction.pause:
    case BalanceAction.resume:
      return planPause(wishes, action === BalanceAction.pause);
    case BalanceAction.ignore: {
      const unknown = tables.find((appId) => state.table(appId) === undefined);
      if (unknown !== undefined) return unclear(`there is no table with the id ${unknown}`);
      return planIgnore(wishes, tables);
    }
    case BalanceAction.drain:
    case BalanceAction.drainPrimaries: {
      if (node === null || state.nodes.get(node) === undefined) {
        return unclear(`there is no server ${nodeText}`);
      }
      const what = action === BalanceAction.drain ? 'all' : 'primaries';
      return planDrain(wishes, { node, what });
    }
    case BalanceAction.undrain:
      return planUndrain(wishes, node);
    default:
      return unclear(`there is no action ${action.slice(0, 40)}`);
  }
}

function unclear(hint: string): CommandPlan {
  return { ...refused(ErrorCode.invalidParameters), hint };
}

/** The document that goes with every answer. */
export function statusText(brain: ClusterBrain, now: Now): string {
  return JSON.stringify(balanceStatus(brain.state, brain.balancer, now.monotonicMs));
}
