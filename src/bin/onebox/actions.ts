/** What `pegasus onebox` does, one function for each verb; what it prints is for `../onebox.ts`. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { acquireLock } from '../../adapters/node/disk-lock.ts';
import { UserError } from '../../base/user-error.ts';
import { DiskError } from '../../env/disk.ts';
import { hostPortText } from '../../model/identity.ts';
import {
  assertFolderFree,
  findOnebox,
  makeOnebox,
  metaAddresses,
  type NodeKind,
  nodeOf,
  type Onebox,
  type OneboxNode,
  type OneboxSettings,
  requireOnebox,
} from './cluster.ts';
import { glance, type Sight, type TableHealth, waitUntilHealthy } from './health.ts';
import {
  endNode,
  killNode,
  type NodeState,
  nodeState,
  type StartedNode,
  signalNode,
  startNode,
  untilOneIsGone,
  untilServing,
} from './processes.ts';

export interface NodeReport {
  readonly name: string;
  readonly address: string;
  readonly state: NodeState;
  /** 0 when it does not run. */
  readonly pid: number;
}

export interface OneboxReport {
  readonly dir: string;
  /** All that should run runs, and every partition has all its replicas. */
  readonly healthy: boolean;
  readonly metas: readonly string[];
  /** `host:port` of the meta server that leads; null when none answers. */
  readonly leader: string | null;
  readonly nodes: readonly NodeReport[];
  /** Null when no meta server answers. */
  readonly tables: readonly TableHealth[] | null;
}

/** Long enough for the recovery of a lot of data. */
const START_LIMIT_MS = 120_000;
/** What servers are allowed for draining, and a little. */
const END_LIMIT_MS = 6_000;

export async function start(
  folder: string,
  settings: Partial<OneboxSettings>,
): Promise<{ readonly report: OneboxReport; readonly startedCount: number }> {
  // Before the lock, which is a file: nothing is to be left behind in somebody else's folder.
  if (findOnebox(folder) === null) assertFolderFree(resolve(folder));
  return await locked(folder, async () => {
    const onebox = makeOnebox(folder, settings);
    const started: StartedNode[] = [];
    try {
      // A server that was just killed may still be seen to run. Each can be found gone only once:
      // one that is started here and ends is a failure.
      for (;;) {
        const before = startStopped(onebox, started);
        const seen = await untilHealthy(onebox, started, before);
        if (seen !== 'one is gone') {
          return { report: reportOf(onebox, seen), startedCount: started.length };
        }
      }
    } catch (error) {
      // Half a cluster in the background is no help; what ran before is left alone.
      await Promise.all(started.map(({ node }) => endNode(node, END_LIMIT_MS)));
      throw error;
    }
  });
}

/** Adds those it starts; answers those that run already. */
function startStopped(onebox: Onebox, started: StartedNode[]): OneboxNode[] {
  const before: OneboxNode[] = [];
  for (const node of onebox.nodes) {
    if (started.some((one) => one.node === node)) continue;
    const { state } = nodeState(node);
    if (state === 'stopped') started.push(startNode(onebox, node));
    else before.push(node);
    if (state === 'paused') signalNode(node, 'SIGCONT');
  }
  return before;
}

/** Until all serve and every partition is whole, or one of those that ran before does no more. */
async function untilHealthy(
  onebox: Onebox,
  started: readonly StartedNode[],
  before: readonly OneboxNode[],
): Promise<Sight | 'one is gone'> {
  const ended = new AbortController();
  const healthy = async (): Promise<Sight> => {
    await Promise.all(started.map((one) => untilServing(one, START_LIMIT_MS)));
    return await waitUntilHealthy(onebox, START_LIMIT_MS, ended.signal);
  };
  const gone = untilOneIsGone(before, ended.signal).then(() => 'one is gone' as const);
  try {
    const seen = await Promise.race([healthy(), gone, ...started.map((one) => one.died)]);
    const isGone = before.some((node) => nodeState(node).state === 'stopped');
    return isGone ? 'one is gone' : seen;
  } finally {
    ended.abort();
  }
}

export async function status(folder: string): Promise<OneboxReport> {
  const onebox = requireOnebox(folder);
  const runs = onebox.nodes.some(
    (node) => node.kind === 'meta' && nodeState(node).state === 'running',
  );
  const seen = runs ? await glance(onebox) : null;
  return reportOf(onebox, seen);
}

/** Answers how many ran, and which had to be killed. */
export async function stop(
  folder: string,
): Promise<{ readonly ended: number; readonly killed: string[] }> {
  const { folder: dir } = requireOnebox(folder);
  return await locked(dir, () => endAll(requireOnebox(folder)));
}

/** Ends the servers and removes the folder; answers whether there was anything. */
export async function clear(folder: string): Promise<boolean> {
  if (findOnebox(folder) === null) return false;
  return await locked(folder, async () => {
    const onebox = requireOnebox(folder);
    await endAll(onebox);
    rmSync(onebox.folder, { recursive: true });
    return true;
  });
}

export type Fault = 'kill' | 'stop-node' | 'start-node' | 'pause' | 'resume';

/** Does one thing to one server; answers what it is like afterwards. */
export async function act(
  folder: string,
  fault: Fault,
  kind: NodeKind,
  index: number,
): Promise<NodeReport> {
  const onebox = requireOnebox(folder);
  const node = nodeOf(onebox, kind, index);
  await locked(onebox.folder, () => ACTIONS[fault](onebox, node));
  return nodeReport(node);
}

const ACTIONS: Readonly<Record<Fault, (onebox: Onebox, node: OneboxNode) => Promise<void>>> = {
  kill: async (_, node) => {
    if (!(await killNode(node))) throw notRunning(node);
  },
  'stop-node': async (_, node) => {
    await endNode(node, END_LIMIT_MS);
  },
  'start-node': async (onebox, node) => {
    if (nodeState(node).state !== 'stopped') return;
    await untilServing(startNode(onebox, node), START_LIMIT_MS);
  },
  pause: async (_, node) => {
    if (!signalNode(node, 'SIGSTOP')) throw notRunning(node);
  },
  resume: async (_, node) => {
    if (!signalNode(node, 'SIGCONT')) throw notRunning(node);
  },
};

function notRunning(node: OneboxNode): UserError {
  const verb = `./pegasus onebox start-node ${node.kind} ${node.index}`;
  return new UserError(`${node.name} does not run.`, `Start it with: ${verb}`);
}

/** Replica servers first: they say goodbye to the meta server, and that writes to its store. */
async function endAll(onebox: Onebox): Promise<{ ended: number; killed: string[] }> {
  let ended = 0;
  const killed: string[] = [];
  for (const kind of ['replica', 'meta', 'etcd', 'zookeeper'] as const) {
    const nodes = onebox.nodes.filter((node) => node.kind === kind);
    const ends = await Promise.all(nodes.map((node) => endNode(node, END_LIMIT_MS)));
    for (const [at, end] of ends.entries()) {
      if (end !== 'not running') ended++;
      if (end === 'killed') killed.push(nodes[at]!.name);
    }
  }
  return { ended, killed };
}

function reportOf(onebox: Onebox, seen: Sight | null): OneboxReport {
  const tables = seen?.tables ?? null;
  const nodes = onebox.nodes.map(nodeReport);
  const allRun = nodes.every((node) => node.state === 'running');
  const allWhole = tables?.every((table) => table.healthy === table.partitions) ?? false;
  return {
    dir: onebox.folder,
    healthy: allRun && allWhole,
    metas: metaAddresses(onebox),
    leader: seen?.leader ?? null,
    nodes,
    tables,
  };
}

function nodeReport(node: OneboxNode): NodeReport {
  const { pid, state } = nodeState(node);
  return { name: node.name, address: hostPortText(node.address), state, pid };
}

/** One onebox command at a time per folder. */
export async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const absolute = resolve(folder);
  const isNew = !existsSync(absolute);
  if (isNew) mkdirSync(absolute, { recursive: true });
  try {
    const lock = await acquireLock(join(absolute, 'onebox.lock'));
    try {
      return await work();
    } finally {
      // `clear` has removed the file; the lock itself is not in it.
      if (existsSync(absolute)) await lock.release();
    }
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'locked') throw error;
    throw new UserError(
      `Another onebox command is at work on ${absolute}.`,
      'Wait until it has ended, then try again.',
    );
  }
}
