/**
 * What administrators ask of a replica server as a whole about its disks (RPC_QUERY_DISK_INFO and its like).
 *
 * A server of ours has one folder on one disk, its tag is `data`; who has more disks starts more servers
 * (`pegasus replica --processes`). So there is nothing to add a disk to, nor to move a replica to: both are refused
 * with a hint that says what to do instead.
 */
import { ErrorName } from '../base/error-names.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { Gpid } from '../model/identity.ts';
import type { ThriftSession } from '../rpc/thrift-session.ts';
import {
  makeQueryDiskInfoRequest,
  type QueryDiskInfoResponse,
  readQueryDiskInfoRequest,
  writeAddNewDiskResponse,
  writeQueryDiskInfoResponse,
  writeReplicaDiskMigrateResponse,
} from '../wire/generated/meta.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { beginArgument, type RequestHeader } from '../wire/thrift-frame.ts';
import type { DiskSpace } from './beacon-sender.ts';

export const DISK_TAG = 'data';
const MEGABYTE = 1_048_576;

const HINT = 'a server has one data folder here: start another server for another disk';

/** A replica on the disk. */
export interface DiskReplica {
  readonly gpid: Gpid;
  readonly appName: string;
  readonly status: ReplicaStatus;
}

export interface DiskHost {
  readonly dataPath: string;
  readonly space: DiskSpace;
  readonly replicas: () => readonly DiskReplica[];
}

/** Whether the request was one about disks; then it is answered. */
export function answerDiskRequest(
  host: DiskHost,
  session: ThriftSession,
  header: RequestHeader,
  reader: Reader,
): boolean {
  const begin = () => session.beginReply(header.rpc, header.seqid);
  switch (header.rpc) {
    case RpcCode.queryDiskInfo: {
      const has = beginArgument(reader);
      const { appName } = has ? readQueryDiskInfoRequest(reader) : makeQueryDiskInfoRequest();
      writeQueryDiskInfoResponse(begin(), diskInfo(host, appName));
      break;
    }
    case RpcCode.addNewDisk:
      writeAddNewDiskResponse(begin(), { err: ErrorName.notImplemented, errHint: HINT });
      break;
    case RpcCode.replicaDiskMigrate:
      writeReplicaDiskMigrateResponse(begin(), { err: ErrorName.notImplemented, hint: HINT });
      break;
    default:
      return false;
  }
  session.finishReply();
  return true;
}

/** Of all tables when none is named. */
export function diskInfo(host: DiskHost, appName: string): QueryDiskInfoResponse {
  const all = host.replicas();
  const wanted = appName === '' ? all : all.filter((replica) => replica.appName === appName);
  const totalCapacityMb = Math.floor(host.space.totalBytes / MEGABYTE);
  const totalAvailableMb = Math.floor(host.space.freeBytes / MEGABYTE);
  const isUnknown = appName !== '' && wanted.length === 0;
  const byTable = (status: ReplicaStatus): Map<number, Gpid[]> => {
    const found = new Map<number, Gpid[]>();
    for (const replica of wanted) {
      if (replica.status !== status) continue;
      const { appId } = replica.gpid;
      const known = found.get(appId);
      if (known === undefined) found.set(appId, [replica.gpid]);
      else known.push(replica.gpid);
    }
    return found;
  };
  const disk = {
    diskTag: DISK_TAG,
    fullDir: host.dataPath,
    diskCapacityMb: totalCapacityMb,
    diskAvailableMb: totalAvailableMb,
    holdingPrimaryReplicas: byTable(ReplicaStatus.primary),
    holdingSecondaryReplicas: byTable(ReplicaStatus.secondary),
  };
  return {
    err: isUnknown ? ErrorName.objectNotFound : ErrorName.ok,
    totalCapacityMb,
    totalAvailableMb,
    diskInfos: isUnknown ? [] : [disk],
  };
}
