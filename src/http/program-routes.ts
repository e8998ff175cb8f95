/** The paths that every server answers, whatever it serves: about the program and its settings. */
import {
  METRICS_PARAMETERS,
  type MetricEntity,
  type MetricsOrigin,
  metricsReply,
} from './metrics.ts';
import { type HttpRoute, jsonReply, missingParameter, textReply } from './routes.ts';

/** One option of the process as it stands. */
export interface Setting {
  readonly section: string;
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly value: string;
  /**
   * Absent: only a start changes it. Else it takes effect at once and `value` follows; returns why the text is none,
   * or null.
   */
  readonly change?: (text: string) => string | null;
}

export interface ProgramFacts {
  readonly version: string;
  /** Empty when it is not known. */
  readonly commit: string;
  readonly startedAt: Date;
  readonly settings: readonly Setting[];
}

export interface ProgramRoutesParts {
  readonly program: ProgramFacts;
  readonly origin: MetricsOrigin;
  readonly collect: () => readonly MetricEntity[];
}

export function programRoutes(parts: ProgramRoutesParts): HttpRoute[] {
  const { program } = parts;
  return [
    {
      path: '/version',
      method: 'GET',
      help: 'version of the program',
      parameters: null,
      answer: () => jsonReply({ Version: program.version, GitCommit: program.commit }),
    },
    {
      path: '/recentStartTime',
      method: 'GET',
      help: 'when the process was started',
      parameters: null,
      answer: () => jsonReply({ RecentStartTime: timeText(program.startedAt) }),
    },
    {
      path: '/config',
      method: 'GET',
      help: 'one setting: ?name=section.name',
      parameters: ['name'],
      answer: (query) => {
        const name = query.get('name');
        if (name === undefined) return missingParameter('name');
        const setting = settingNamed(program.settings, name);
        return setting === undefined
          ? textReply(200, `there is no setting ${name}`)
          : jsonReply(settingJson(setting));
      },
    },
    {
      path: '/configs',
      method: 'GET',
      help: 'all settings',
      parameters: null,
      answer: () =>
        jsonReply(
          Object.fromEntries(program.settings.map((one) => [keyOf(one), settingJson(one)])),
        ),
    },
    {
      path: '/updateConfig',
      method: 'GET',
      help: 'changes a setting, until the next start: ?section.name=value',
      parameters: null,
      answer: (query) => jsonReply({ update_status: updateStatus(program.settings, query) }),
    },
    {
      path: '/metrics',
      method: 'GET',
      help: `measurements: ?${METRICS_PARAMETERS.join('=&')}=`,
      parameters: METRICS_PARAMETERS,
      answer: (query) => metricsReply(parts.origin, parts.collect(), Date.now(), query),
    },
  ];
}

/** `YYYY-MM-DD hh:mm:ss`, UTC. */
export function timeText(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}

function updateStatus(settings: readonly Setting[], query: ReadonlyMap<string, string>): string {
  if (query.size !== 1) return 'exactly one setting is given: ?section.name=value';
  const [name, text] = [...query][0]!;
  const setting = settingNamed(settings, name);
  if (setting === undefined) return `there is no setting ${name}`;
  if (setting.change === undefined) {
    return `${keyOf(setting)} takes effect at the start of the process: change it there`;
  }
  return setting.change(text) ?? 'OK';
}

function keyOf(setting: Setting): string {
  return `${setting.section}.${setting.name}`;
}

/** By its key, or as the original writes names: the key with an underscore, or its last part. */
function settingNamed(settings: readonly Setting[], name: string): Setting | undefined {
  return (
    settings.find((setting) => keyOf(setting) === name) ??
    settings.find((setting) => `${setting.section}_${setting.name}` === name) ??
    settings.find((setting) => setting.name === name)
  );
}

function settingJson({ section, name, type, description, value }: Setting): object {
  return { name, section, type, tags: '', description, value };
}
