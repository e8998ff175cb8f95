/** What a server tells a meta server that has lost its store: its replicas, and what they know of their tables. */
import type { AppInfo } from '../model/configuration.ts';
import { configurationToWire, tableToWire } from '../model/configuration-wire.ts';
import { type Gpid, gpidKey } from '../model/identity.ts';
import {
  type InventoryAnswer,
  makeConfigurationInfo,
  type ReplicaHeld,
  type ReplicaState,
  type TableInfo,
} from '../wire/generated/internal.ts';
import type { Replica } from './replica.ts';

export function inventoryOf(
  replicas: readonly Replica[],
  states: readonly ReplicaState[],
): Pick<InventoryAnswer, 'tables' | 'replicas'> {
  const tables: TableInfo[] = [];
  /** By number and revision; where that is not known each replica has its own. */
  const places = new Map<string, number>();
  const placeOf = (table: AppInfo): number => {
    const version = `${table.appId}.${table.revision}`;
    const known = table.revision === 0 ? undefined : places.get(version);
    if (known !== undefined) return known;
    places.set(version, tables.length);
    return tables.push(tableToWire(table)) - 1;
  };
  const open = new Map(replicas.map((replica) => [gpidKey(replica.gpid), replica]));
  const held = states.map((state): ReplicaHeld => {
    const replica = open.get(gpidKey(state.gpid as Gpid));
    if (replica === undefined) {
      return { state, configuration: makeConfigurationInfo(), tableAt: -1 };
    }
    const { config, table } = replica.core.state;
    return { state, configuration: configurationToWire(config), tableAt: placeOf(table) };
  });
  return { tables, replicas: held };
}
