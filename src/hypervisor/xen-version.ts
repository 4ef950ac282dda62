/** What xen_version answers. Models xen/common/kernel.c:do_xen_version(). */

import { SCHEDULER } from './cpupool.ts';
import type { HypercallReply } from './privcmd.ts';
import { PAGE_SIZE } from './units.ts';
import type { Xen } from './xen.ts';

/** The release follows the profile; who built it and when is the same for every host. */
export function xenVersion(xen: Xen): HypercallReply<'XENVER_info'> {
  const { major, minor, point } = xen.profile;
  return {
    rc: 0,
    major,
    minor,
    extra: `.${point}`,
    capabilities: 'xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ',
    changeset: 'none',
    commandline: xen.commandLine,
    compiler: 'gcc (Debian 12.2.0-14) 12.2.0',
    compileBy: 'xlsim',
    compileDomain: 'example.invalid',
    compileDate: 'Thu Jan  1 00:00:00 UTC 2026',
    buildId: '00000000000000000000000000000000',
    pagesize: PAGE_SIZE,
    virtStart: '0xffff800000000000',
    scheduler: SCHEDULER,
  };
}
