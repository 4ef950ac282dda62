/**
 * xl.conf as plain data: the global settings xl reads before any command.
 *
 * Models parse_global_config(), tools/xl/xl.c.
 */

/** The settings that concern a simulator. Affinity masks are kept as text and resolved where they are used. */
export interface XlConf {
  /** Stake a claim before building a domain. */
  readonly claimMode: boolean;
  /** `auto` is settled by Xen's command line: on unless dom0_mem= is there. */
  readonly autoballoon: 'on' | 'off' | 'auto';
  readonly lockfile: string;
  readonly runHotplugScripts: boolean;
  readonly maxGrantFrames: number | null;
  readonly maxMaptrackFrames: number | null;
  readonly maxGrantVersion: number | null;
  readonly domidPolicy: 'xen' | 'random';
  readonly outputFormat: 'json' | 'sxp';
  readonly vmCpumask: string | null;
  readonly vmPvCpumask: string | null;
  readonly vmHvmCpumask: string | null;
  readonly defaultVifscript: string | null;
  readonly defaultBridge: string | null;
  readonly defaultGatewaydev: string | null;
  readonly defaultVifbackend: string | null;
  /** First virtual disk handed out to a bootloader. */
  readonly blkdevStart: string | null;
}

/** What holds where xl.conf sets nothing. */
export const xlConfDefaults: XlConf = {
  claimMode: true,
  autoballoon: 'auto',
  lockfile: '/var/lock/xl',
  runHotplugScripts: true,
  maxGrantFrames: null,
  maxMaptrackFrames: null,
  maxGrantVersion: null,
  domidPolicy: 'xen',
  outputFormat: 'json',
  vmCpumask: null,
  vmPvCpumask: null,
  vmHvmCpumask: null,
  defaultVifscript: null,
  defaultBridge: null,
  defaultGatewaydev: null,
  defaultVifbackend: null,
  blkdevStart: null,
};
