/**
 * The settings of one replica's table: parsed when they change, handed to the engine when what they say to it changes.
 *
 * The meta server pushes the whole table with every configuration, so most of what comes here is known already. What a
 * replica finds on its own disk may be old: the engine hears of settings only once the replica has a role, that is,
 * after a configuration of today. A wrong default TTL would delete rows for good.
 */
import { type Engine, EngineError, type EngineMaking } from '../env/engine.ts';
import type { Logger } from '../env/logger.ts';
import type { AppInfo } from '../model/configuration.ts';
import { type Gpid, gpidText } from '../model/identity.ts';
import { type TableSettings, tableSettings, UsageScenario } from '../model/table-settings.ts';

/** Triggers of compaction by the number of files, under each scenario: RocksDB's own, or as good as never. */
const NORMAL_OPTIONS: Readonly<Record<string, string>> = {
  disable_auto_compactions: 'false',
  level0_file_num_compaction_trigger: '4',
  level0_slowdown_writes_trigger: '20',
  level0_stop_writes_trigger: '36',
  max_write_buffer_number: '4',
};
const SCENARIO_OPTIONS: Readonly<Record<UsageScenario, Readonly<Record<string, string>>>> = {
  [UsageScenario.normal]: NORMAL_OPTIONS,
  // Fewer and larger compactions: reads look into more files meanwhile.
  [UsageScenario.preferWrite]: { ...NORMAL_OPTIONS, level0_file_num_compaction_trigger: '10' },
  [UsageScenario.bulkLoad]: {
    disable_auto_compactions: 'true',
    level0_file_num_compaction_trigger: '1000000000',
    level0_slowdown_writes_trigger: '1000000000',
    level0_stop_writes_trigger: '1000000000',
    max_write_buffer_number: '6',
  },
};

/** How the engine of a new replica of this table is made. */
export function engineMaking({ partitionCount, envs }: AppInfo): EngineMaking {
  return { levels: tableSettings(partitionCount, envs).engineLevels };
}

export class SettingsKeeper {
  private readonly logger: Logger;
  private readonly gpid: Gpid;
  private settings: TableSettings;
  private envs: ReadonlyMap<string, string>;
  /** What it was told last; null once its settings are those it was opened with. */
  private engine: Engine | null = null;
  private engineSettings: TableSettings | null = null;

  constructor(logger: Logger, gpid: Gpid, table: AppInfo) {
    this.logger = logger;
    this.gpid = gpid;
    this.settings = tableSettings(table.partitionCount, table.envs);
    this.envs = table.envs;
  }

  get current(): TableSettings {
    return this.settings;
  }

  /** False: nothing has changed. */
  update(table: AppInfo): boolean {
    const { partitionCount, envs } = table;
    if (partitionCount === this.settings.partitionCount && isSame(envs, this.envs)) return false;
    this.settings = tableSettings(partitionCount, envs);
    this.envs = envs;
    return true;
  }

  /** Tells the engine what it does not know yet. A newly opened one knows nothing. */
  tell(engine: Engine): void {
    const { settings } = this;
    const known = this.engine === engine ? this.engineSettings : null;
    if (known === settings) return;
    this.engine = engine;
    this.engineSettings = settings;
    this.tellRules(engine, settings, known);
    this.tellOptions(engine, settings, known);
  }

  private tellRules(engine: Engine, settings: TableSettings, known: TableSettings | null): void {
    const { defaultTtlSeconds, validatePartitionHash, compactionRules, partitionCount } = settings;
    if (
      known !== null &&
      defaultTtlSeconds === known.defaultTtlSeconds &&
      validatePartitionHash === known.validatePartitionHash &&
      compactionRules === known.compactionRules &&
      partitionCount === known.partitionCount
    ) {
      return;
    }
    engine.setCompactionRules({
      enabled: true,
      defaultTtlSeconds,
      partitionVersion: validatePartitionHash ? partitionCount - 1 : -1,
      partitionIndex: this.gpid.partitionIndex,
      userRules: compactionRules,
    });
  }

  private tellOptions(engine: Engine, settings: TableSettings, known: TableSettings | null): void {
    const { writeBufferBytes, usageScenario } = settings;
    const options: Record<string, string> = {};
    if (usageScenario !== (known?.usageScenario ?? UsageScenario.normal)) {
      Object.assign(options, SCENARIO_OPTIONS[usageScenario]);
    }
    if (writeBufferBytes > 0 && writeBufferBytes !== known?.writeBufferBytes) {
      Object.assign(options, { write_buffer_size: String(writeBufferBytes) });
    }
    if (Object.keys(options).length === 0) return;
    try {
      engine.setOptions(options);
      this.logger.info('replica.engine.options', { gpid: gpidText(this.gpid), ...options });
    } catch (error) {
      // The replica serves as before; the next change tells everything anew.
      if (!(error instanceof EngineError)) throw error;
      this.engineSettings = null;
      const fields = { gpid: gpidText(this.gpid), error: error.message };
      this.logger.warn('replica.engine.options.refused', fields);
    }
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    if (b.get(name) !== value) return false;
  }
  return true;
}
