/**
 * Lines of the three loggers that share xl's stderr, as requests: libxl's, libxc's and the domain builder's.
 *
 * A line is complete as printed, its newline included. File names and line numbers are those of 4.17, the release
 * the recordings are of.
 */
import { strerror } from '../hypervisor/errno.ts';
import type { LogLevel, Request } from './task.ts';

/** Where in libxl a message comes from: `libxl_dom.c:586:libxl__build_dom`. */
export type LogSite = `${string}.c:${number}:${string}`;

/**
 * A line of libxl's logger. `domid` is shown for guests only, as libxl does; `errno` adds `: <strerror>`.
 * Models libxl__logv(), tools/libs/light/libxl_internal.c.
 */
export function libxlLog(
  level: LogLevel,
  site: LogSite,
  domid: number | null,
  message: string,
  errno?: number,
): Request {
  const domain = domid !== null && domid > 0 && domid < 0x7ff0 ? `Domain ${domid}:` : '';
  const tail = errno === undefined ? '' : `: ${strerror(errno)}`;
  return { kind: 'log', level, text: `libxl: ${level}: ${site}: ${domain}${message}${tail}\n` };
}

/** A libxl error. */
export const libxlError = (site: LogSite, domid: number | null, message: string, errno?: number): Request =>
  libxlLog('error', site, domid, message, errno);

/** A line of libxc's logger. Models xc_reportv(), tools/libs/ctrl/xc_private.c. */
export const xcLog = (level: LogLevel, message: string): Request => ({
  kind: 'log',
  level,
  text: `xc: ${level}: ${message}\n`,
});

/** A panic of the domain builder. Models xc_dom_panic_func(), tools/libs/guest/xg_dom_core.c. */
export const xcPanic = (
  site: `${string}.c:${number}`,
  message: string,
  kind: 'Out of memory' | 'Internal error' | 'Invalid kernel',
): Request => xcLog('error', `panic: ${site}: ${message}: ${kind}`);

/** The domain builder's chatter, seen with -v. Xen: DOMPRINTF. */
export const domprintf = (message: string): Request => ({
  kind: 'log',
  level: 'detail',
  text: `domainbuilder: detail: ${message}\n`,
});

export const stderrText = (text: string): Request => ({ kind: 'stderr', text });
export const stdoutText = (text: string): Request => ({ kind: 'stdout', text });
