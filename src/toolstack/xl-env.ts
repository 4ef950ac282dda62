/**
 * What every xl command runs with: the values of xl.conf, the global options, and the profile of the Xen below.
 *
 * Plain data. xl's main() fills it once; a command's flow gets it as `vars.env` and hands it on unchanged.
 */
import type { LogLevel, Plain, Task } from './task.ts';
import { LOG_LEVELS } from './task.ts';
import { type XlConf, xlConfDefaults } from './xl-conf.ts';

/** What uname(2) says in dom0. */
export interface Uname {
  readonly nodename: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
}

/** Models xl.c's globals after main() has read its options and xl.conf. */
export interface XlEnv {
  readonly xlconf: XlConf;
  /** The lowest level that is printed: `progress`, lowered by one for each `-v`. Xen: minmsglevel. */
  readonly minLevel: LogLevel;
  /** `-N`, or a command's own dry run option. Xen: dryrun_only. */
  readonly dryrun: boolean;
  /** `-f`. Xen: force_execution. */
  readonly force: boolean;
  /** `-t`: progress messages end in a carriage return. Xen: progress_use_cr. */
  readonly progressUseCr: boolean;
  /** `-T`: log lines carry date and pid. Xen: timestamps. */
  readonly timestamps: boolean;
  /** The release the toolstack's algorithms follow, e.g. `4.17`. */
  readonly profile: string;
  /** The kernel of dom0, as xl info prints it. */
  readonly uname: Uname;
}

/** The variables every `main_<command>` flow starts with. `argv` is what follows the command word. */
export interface CommandArgs {
  readonly argv: readonly string[];
  readonly env: XlEnv;
}

/** The environment of `xl` without options, an empty xl.conf and the newest profile. */
export const defaultXlEnv: XlEnv = {
  xlconf: xlConfDefaults,
  minLevel: 'progress',
  dryrun: false,
  force: false,
  progressUseCr: false,
  timestamps: false,
  profile: '4.22',
  uname: { nodename: 'xlsim', release: '6.1.0-xlsim-amd64', version: '#1 SMP xlsim', machine: 'x86_64' },
};

/** Lowers the minimum level by one for a `-v`; it stops at the lowest. Models the `v` option of xl.c:main. */
export function moreVerbose(level: LogLevel): LogLevel {
  const i = LOG_LEVELS.indexOf(level);
  return i > 0 ? LOG_LEVELS[i - 1]! : level;
}

const isRecord = (v: Plain | undefined): v is { readonly [key: string]: Plain | undefined } =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

/**
 * Whether a `log` request of this task is printed: its level is at or above `minLevel` of the innermost frame
 * that carries an `env`; a task without one prints from `progress` on.
 */
export function logShown(task: Task, level: LogLevel): boolean {
  for (let i = task.frames.length - 1; i >= 0; i--) {
    const env = task.frames[i]?.vars.env;
    if (isRecord(env) && typeof env.minLevel === 'string') {
      return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(env.minLevel as LogLevel);
    }
  }
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf('progress');
}
