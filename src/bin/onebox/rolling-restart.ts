/**
 * Restarts all replica servers, one after the other, so that nobody who reads or writes notices: each is rid of its
 * leads, ended in order and started again, and the next one waits until every partition is whole.
 *
 * Safe to repeat after it was interrupted anywhere: a server that was left drained gets its leads back in its turn.
 */
import { UserError } from '../../base/user-error.ts';
import type { Client, DrainReport } from '../../client/api.ts';
import { hostPortText } from '../../model/identity.ts';
import { connect } from '../client.ts';
import { metaAddresses, type Onebox, type OneboxNode, requireOnebox } from './cluster.ts';
import { waitUntilHealthy } from './health.ts';
import { endNode, nodeState, pauseMs, startNode, untilServing } from './processes.ts';

const HEALTHY_LIMIT_MS = 300_000;
const DRAIN_LIMIT_MS = 60_000;
const START_LIMIT_MS = 120_000;
const END_LIMIT_MS = 6_000;
const POLL_MS = 200;

/** Calls `tell` with each step. Servers that do not run are started, too. */
export async function rollingRestart(folder: string, tell: (step: string) => void): Promise<void> {
  const onebox = requireOnebox(folder);
  await using client = await connect({ metas: metaAddresses(onebox), timeoutMs: START_LIMIT_MS });
  for (const node of onebox.nodes.filter(({ kind }) => kind === 'replica')) {
    await restart(onebox, node, client, tell);
  }
}

async function restart(
  onebox: Onebox,
  node: OneboxNode,
  client: Client,
  tell: (step: string) => void,
): Promise<void> {
  const address = hostPortText(node.address);
  if (nodeState(node).state !== 'stopped') {
    await untilHealthy(onebox, node);
    tell(`${node.name}: gives its leads away`);
    await untilDrained(client, address);
    tell(`${node.name}: restarts`);
    await endNode(node, END_LIMIT_MS);
  }
  await untilServing(startNode(onebox, node), START_LIMIT_MS);
  await untilHealthy(onebox, null);
  await client.admin.controlBalance('undrain', { node: address });
  tell(`${node.name}: is back, all partitions are whole`);
}

/** `except`: may not run. */
async function untilHealthy(onebox: Onebox, except: OneboxNode | null): Promise<void> {
  const nodes = onebox.nodes.filter(
    (node) => node === except || node.kind !== 'replica' || nodeState(node).state !== 'stopped',
  );
  const ended = new AbortController();
  await waitUntilHealthy({ ...onebox, nodes }, HEALTHY_LIMIT_MS, ended.signal);
}

/** What nobody else can lead stays: those partitions are away for the time of the restart. */
async function untilDrained(client: Client, node: string): Promise<void> {
  const ofNode = (drains: readonly DrainReport[]): DrainReport | undefined =>
    drains.find((drain) => drain.node === node);
  const untilMs = performance.now() + DRAIN_LIMIT_MS;
  let drain = ofNode((await client.admin.controlBalance('drain_primaries', { node })).drains);
  while (drain?.isDone === false && drain.obstacle === '') {
    if (performance.now() > untilMs) {
      await client.admin.controlBalance('undrain', { node });
      throw new UserError(
        `${node} still leads ${drain.primaries} partitions after ${DRAIN_LIMIT_MS / 1_000} s.`,
        'The shell’s `balance_status` says why. It was not restarted; try again when that is mended.',
      );
    }
    await pauseMs(POLL_MS);
    drain = ofNode((await client.admin.controlBalance('status')).drains);
  }
}
