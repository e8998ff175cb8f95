/**
 * A table: its description and its partitions in order of their index. Dropped tables stay for ever, as in
 * the original.
 */
import { assert, assertEqual } from '../base/assert.ts';
import { type AppInfo, AppStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { Partition } from './partition.ts';
import type { TableRecord } from './records.ts';

export class Table {
  record: TableRecord;
  readonly partitions: Partition[] = [];
  /** Members and primaries of its partitions on each node. Kept by ClusterState. */
  readonly replicas: Map<NodeId, number> = new Map();
  readonly primaries: Map<NodeId, number> = new Map();
  /** A command that touches all its partitions is under way: no change of a partition may begin. */
  frozen = false;

  constructor(record: TableRecord) {
    this.record = record;
  }

  get app(): AppInfo {
    return this.record.app;
  }

  get isAvailable(): boolean {
    return this.record.app.status === AppStatus.available;
  }

  take(record: TableRecord): void {
    assertEqual(record.app.appId, this.app.appId, 'a record replaces that of its table');
    assertEqual(
      record.app.partitionCount,
      this.app.partitionCount,
      'the number of partitions is fixed',
    );
    assert(
      record.app.status === AppStatus.available || record.app.status === AppStatus.dropped,
      'only the two lasting states of a table are recorded',
    );
    this.record = record;
  }
}
