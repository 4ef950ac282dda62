/**
 * What every xl command runs with: the values of xl.conf, the global options, and the profile of the Xen below.
 *
 * Plain data. xl's main() fills it once; a command's flow gets it as `vars.env` and hands it on unchanged.
 */
import { gmtime, twoDigits } from './calendar.ts';
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

/** Simplified: every xl has the same process id, since a reader of the host is no task that could have one. */
const XL_PID = 1000;

/** `2024-01-31 09:05:00 UTC [PID] `, as xl -T begins its lines. Models stdiostream_vmessage(), xtl_logger_stdio.c. */
function timestamp(seconds: number): string {
  const { year, month, day, hour, minute, second } = gmtime(seconds);
  const date = `${year}-${twoDigits(month)}-${twoDigits(day)}`;
  return `${date} ${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(second)} UTC [${XL_PID}] `;
}

/**
 * What a `log` request of this task prints at a time in seconds since 1970; null when nothing: its level must be at
 * or above `minLevel` of the innermost frame that carries an `env`; a task without one prints from `progress` on.
 */
export function logLine(
  task: Task,
  { level, text }: { readonly level: LogLevel; readonly text: string },
  seconds: number,
): string | null {
  let minLevel: LogLevel = 'progress';
  let timestamps = false;
  for (const frame of task.frames) {
    const env = frame.vars.env;
    if (!isRecord(env) || typeof env.minLevel !== 'string') continue;
    minLevel = env.minLevel as LogLevel;
    timestamps = env.timestamps === true;
  }
  if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(minLevel)) return null;
  return timestamps ? timestamp(seconds) + text : text;
}
