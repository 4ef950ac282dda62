/**
 * xentop's table of domains, one frame. Models tools/xentop/xentop.c in its batch mode.
 *
 * Simplified: nothing has run between two frames, so CPU(%) is that since boot, and network and block devices count
 * nothing.
 */
import type { GetDomainInfo, PhysInfo } from '../hypervisor/privcmd.ts';
import { foundNames, listedInfos } from './libxl-list.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply } from './task.ts';
import { stderrText, stdoutText } from './xl-log.ts';

interface TopVars {
  readonly infos?: readonly GetDomainInfo[];
  readonly names?: readonly (string | null)[];
  readonly physinfo?: PhysInfo;
}

/** The columns: heading and width, as xentop lays them out. Xen: fields[]. */
const FIELDS = [
  ['NAME', 10],
  ['STATE', 6],
  ['CPU(sec)', 10],
  ['CPU(%)', 6],
  ['MEM(k)', 10],
  ['MEM(%)', 6],
  ['MAXMEM(k)', 10],
  ['MAXMEM(%)', 9],
  ['VCPUS', 5],
  ['NETS', 4],
  ['NETTX(k)', 8],
  ['NETRX(k)', 8],
  ['VBDS', 4],
  ['VBD_OO', 8],
  ['VBD_RD', 8],
  ['VBD_WR', 8],
  ['VBD_RSECT', 10],
  ['VBD_WSECT', 10],
  ['SSID', 4],
] as const;

/** dsbrcp: dying, shut down, blocked, running, crashed, paused; `-` for what is not so. */
function stateLetters(info: GetDomainInfo): string {
  const crashed = info.shutdown && info.shutdownReason === 3;
  return [
    info.dying ? 'd' : '-',
    info.shutdown ? 's' : '-',
    info.blocked ? 'b' : '-',
    info.running ? 'r' : '-',
    crashed ? 'c' : '-',
    info.paused ? 'p' : '-',
  ].join('');
}

function cells(info: GetDomainInfo, name: string | null, host: PhysInfo, bootNs: number): string[] {
  const percent = (pages: number): string => sprintf('%.1f', (100 * pages) / host.totalPages);
  // dom0's limit where none is set: all that fits a frame count.
  const unlimited = info.maxPages >= 2 ** 32 - 2;
  return [
    name ?? '(null)',
    stateLetters(info),
    sprintf('%d', Math.floor(info.cpuTime / 1e9)),
    sprintf('%.1f', bootNs === 0 ? 0 : (100 * info.cpuTime) / bootNs),
    sprintf('%d', info.totPages * 4),
    percent(info.totPages),
    unlimited ? 'no limit' : sprintf('%d', info.maxPages * 4),
    unlimited ? 'n/a' : percent(info.maxPages),
    sprintf('%d', info.nrOnlineVcpus),
    ...['0', '0', '0', '0', '0', '0', '0', '0', '0'],
    '0',
  ];
}

const line = (texts: readonly string[]): string =>
  `${texts.map((text, i) => text.padStart(FIELDS[i]?.[1] ?? 0)).join(' ')}\n`;

/** Prints one frame: the host in two lines, then a row per domain. No arguments; done `{ rc }`. */
const xentop = flow<TopVars>({
  name: 'xentop',
  clock: [],
  steps: {
    start: () => call('libxl_list_domain', {}, 'listed', {}),
    listed: (vars, reply) => {
      if (reply.rc !== 0) return ask(stderrText('Failed to get domain list\n'), 'failed', vars);
      const infos = listedInfos(reply);
      return call('libxl_domid_to_name', { domids: infos.map((info) => info.domid) }, 'named', { infos });
    },
    named: (vars, reply) =>
      ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', { ...vars, names: foundNames(reply) }),
    physinfo: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      if (rc < 0) return ask(stderrText('Failed to get physinfo\n'), 'failed', vars);
      return ask({ kind: 'now' }, 'time', { ...vars, physinfo: info });
    },
    time: (vars, reply) => {
      const host = vars.physinfo;
      if (host === undefined) return done({ rc: 1 });
      const infos = vars.infos ?? [];
      const count = (is: (info: GetDomainInfo) => boolean): number => infos.filter(is).length;
      const [running, blocked, paused] = [
        count((i) => i.running),
        count((i) => i.blocked),
        count((i) => i.paused),
      ];
      const [crashed, dying] = [count((i) => i.shutdown && i.shutdownReason === 3), count((i) => i.dying)];
      const shutdown = count((i) => i.shutdown);
      const used = (host.totalPages - host.freePages) * 4;
      const head = [
        `${infos.length} domains: ${running} running, ${blocked} blocked, ${paused} paused, ${crashed} crashed, ${dying} dying, ${shutdown} shutdown \n`,
        `Mem: ${host.totalPages * 4}k total, ${used}k used, ${host.freePages * 4}k free    CPUs: ${host.nrCpus} @ ${Math.floor(host.cpuKhz / 1000)}MHz\n`,
        line(FIELDS.map(([name]) => name)),
      ];
      const rows = infos.map((info, i) =>
        line(cells(info, vars.names?.[i] ?? null, host, reply.ns as number)),
      );
      return ask(stdoutText([...head, ...rows].join('')), 'printed', vars);
    },
    printed: () => done({ rc: 0 }),
    failed: () => done({ rc: 1 }),
  },
});

/** The flows of this file by name. */
export const xentopFlows: Readonly<Record<string, Flow>> = { xentop };
