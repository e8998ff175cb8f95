/** What administrators ask for when something is lost, in the words of the wire and of the rules behind it. */
import { ErrorName } from '../base/error-names.ts';
import { diagnose } from '../cluster/diagnosis.ts';
import type { Now } from '../cluster/effects.ts';
import type { CommandContext, CommandPlan } from '../cluster/table-commands.ts';
import { planForcedPrimary } from '../cluster/unsafe-recovery.ts';
import type { Logger } from '../env/logger.ts';
import { hostPortText, toNodeId } from '../model/identity.ts';
import type {
  ConfigurationRecoveryRequest,
  DddDiagnoseRequest,
  DddDiagnoseResponse,
  ForcePrimaryRequest,
} from '../wire/generated/meta.ts';
import { diagnosisInfo } from './answers.ts';
import type { NamedRecovery } from './recovery-run.ts';

export function namedRecovery(request: ConfigurationRecoveryRequest): NamedRecovery {
  const named = request.hpRecoveryNodes ?? request.recoveryNodes;
  const nodes = named.flatMap((node) => (node === null ? [] : [toNodeId(hostPortText(node))]));
  const { skipBadNodes, skipLostPartitions } = request;
  return { nodes, skipBadNodes, skipLostPartitions };
}

export function diagnosisAnswer(
  state: CommandContext['state'],
  { pid }: DddDiagnoseRequest,
  now: Now,
  hostPortFields: boolean,
): DddDiagnoseResponse {
  const found = diagnose(state, pid.appId, pid.partitionIndex);
  const partitions = found.map((one) => diagnosisInfo(one, now, hostPortFields));
  return { err: ErrorName.ok, partitions };
}

/** Told in the log, whatever comes of it. */
export function planForce(
  context: CommandContext,
  { pid, node: address, ballot, reason }: ForcePrimaryRequest,
  logger: Logger,
): CommandPlan {
  const node = toNodeId(address === null ? '-' : hostPortText(address));
  const plan = planForcedPrimary(context, { ...pid, node, ballot, reason });
  const { code, hint } = plan;
  logger.warn('partition.forced', { ...pid, node, ballot, reason, code, hint });
  return plan;
}
