/** xl's tables of domains: list, claims, sharing. Models tools/xl/xl_info.c. */
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import { kib, kibToMibFloor } from '../hypervisor/units.ts';
import { poolName, poolNamePath } from './libxl-cpupool.ts';
import { ERROR_DOMAIN_NOTFOUND } from './libxl-errno.ts';
import { foundDomid, foundNames, listedInfos, oneInfo } from './libxl-list.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next, xs } from './task.ts';
import { printBitmap } from './xl-bitmap.ts';
import { helpCommand } from './xl-cmdtable.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt, type LongOption } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';

/** Which columns are printed. Xen: list_domains()'s arguments. */
interface Columns {
  readonly verbose: boolean;
  readonly context: boolean;
  readonly claim: boolean;
  readonly numa: boolean;
  readonly cpupool: boolean;
}

/** libxl_dominfo's current_memkb + outstanding_memkb in MiB: what a domain being built will own counts. */
const memMib = (info: GetDomainInfo): number =>
  kibToMibFloor(kib((info.totPages + info.outstandingPages) * 4));

/** `(float)cpu_time / 1e9`: C rounds to single precision first. */
const seconds = (cpuTimeNs: number): number => Math.fround(cpuTimeNs) / 1e9;

/** Xen: shutdown_reason_letters. */
const SHUTDOWN_REASON_LETTERS = '-rscwS';

function stateLetters(info: GetDomainInfo): string {
  const reason = info.shutdown ? info.shutdownReason : 0;
  return [
    info.running ? 'r' : '-',
    info.blocked ? 'b' : '-',
    info.paused ? 'p' : '-',
    info.shutdown ? 's' : '-',
    SHUTDOWN_REASON_LETTERS[reason] ?? '?',
    info.dying ? 'd' : '-',
  ].join('');
}

function header(columns: Columns): string {
  let text = 'Name                                        ID   Mem VCPUs\tState\tTime(s)';
  if (columns.verbose) text += '   UUID                            Reason-Code\tSecurity Label';
  if (columns.context && !columns.verbose) text += '   Security Label';
  if (columns.claim) text += '  Claimed';
  if (columns.cpupool) text += '         Cpupool';
  return text;
}

/** What a row needs besides the domain's own data. */
interface RowExtras {
  readonly name: string | null;
  readonly poolName: string | null;
  readonly affinity: string;
}

function row(info: GetDomainInfo, columns: Columns, extras: RowExtras): string {
  let text = sprintf(
    '%-40s %5d %5lu %5d     %s  %8.1f',
    extras.name,
    info.domid,
    memMib(info),
    info.nrOnlineVcpus,
    stateLetters(info),
    seconds(info.cpuTime),
  );
  if (columns.verbose) {
    text += ` ${info.handle}`;
    text += info.shutdown ? sprintf(' %8x', info.shutdownReason) : sprintf(' %8s', '-');
  }
  if (columns.claim) text += sprintf(' %5lu', kibToMibFloor(kib(info.outstandingPages * 4)));
  if (columns.verbose || columns.context) text += sprintf(' %16s', '-');
  if (columns.cpupool) text += sprintf('%16s', extras.poolName);
  if (columns.numa) text += ` ${extras.affinity}`;
  return `${text}\n`;
}

interface ListDomainsVars {
  readonly columns: Columns;
  readonly infos: readonly GetDomainInfo[];
  readonly names?: readonly (string | null)[];
  readonly nrNodes?: number;
  /** Per domain, gathered one after another. */
  readonly poolNames?: readonly (string | null)[];
  readonly nodes?: readonly (readonly number[])[];
}

/** Xen: list_domains. `{ columns, infos }`; prints the table; done `{ rc }`: 0, or 1 where the nodes could not be told. */
const listDomains = flow<ListDomainsVars>({
  name: 'list_domains',
  steps: {
    start: (vars) =>
      vars.columns.numa ? ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', vars) : askNames(vars),
    physinfo: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      if (rc >= 0) return askNames({ ...vars, nrNodes: info.nrNodes });
      const site = 'libxl_utils.c:842:libxl_node_bitmap_alloc';
      const lines = [
        stdoutText(header(vars.columns)),
        libxlError(site, null, 'failed to retrieve the maximum number of nodes'),
        stderrText('libxl_node_bitmap_alloc_failed.\n'),
      ];
      return ask(lines, 'failed', vars);
    },
    failed: () => done({ rc: 1 }),
    named: (vars, reply) => nextExtra({ ...vars, names: foundNames(reply), poolNames: [], nodes: [] }),
    pool: (vars, reply) => {
      const cpupool = vars.infos[vars.poolNames?.length ?? 0]?.cpupool ?? 0;
      return nextExtra({ ...vars, poolNames: [...(vars.poolNames ?? []), poolName(cpupool, reply)] });
    },
    affinity: (vars, reply) => {
      const { rc, nodes } = hypercallReply('XEN_DOMCTL_getnodeaffinity', reply);
      const before = vars.nodes ?? [];
      // One map serves all rows: where Xen has no answer, the previous row's stays.
      const found = rc >= 0 ? nodes : (before[before.length - 1] ?? []);
      return nextExtra({ ...vars, nodes: [...before, found] });
    },
    printed: () => done({ rc: 0 }),
  },
});

const askNames = (vars: ListDomainsVars): Next<ListDomainsVars> =>
  call('libxl_domid_to_name', { domids: vars.infos.map((info) => info.domid) }, 'named', vars);

/** Asks for the next pool name or node affinity that a column needs; prints when all are there. */
function nextExtra(vars: ListDomainsVars): Next<ListDomainsVars> {
  const { columns, infos } = vars;
  const poolOf = infos[vars.poolNames?.length ?? 0];
  if (columns.cpupool && poolOf !== undefined) {
    return ask(xs({ op: 'read', path: poolNamePath(poolOf.cpupool) }), 'pool', vars);
  }
  const nodesOf = infos[vars.nodes?.length ?? 0];
  if (columns.numa && nodesOf !== undefined) {
    return ask(hypercall('XEN_DOMCTL_getnodeaffinity', { domid: nodesOf.domid }), 'affinity', vars);
  }
  const rows = infos.map((info, i) =>
    row(info, columns, {
      name: vars.names?.[i] ?? null,
      poolName: vars.poolNames?.[i] ?? null,
      affinity: printBitmap(vars.nodes?.[i] ?? [], vars.nrNodes ?? 0),
    }),
  );
  const head = header(columns) + (columns.numa ? ' NODE Affinity' : '');
  return ask(stdoutText(`${head}\n${rows.join('')}`), 'printed', vars);
}

const noColumns: Columns = { verbose: false, context: false, claim: false, numa: false, cpupool: false };

interface SelectVars {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The domains a table is about: all, or the one a word names. `{ command, args }`; done `{ rc: 0, infos }`, or
 * `{ rc: 1 }` after the message. Two words or more get the command's help. Models the shared part of main_list()
 * and main_sharing().
 */
const selectDomains = flow<SelectVars>({
  name: 'select_domains',
  steps: {
    start: (vars) => {
      const [word, ...more] = vars.args;
      if (more.length > 0) return ask(stdoutText(helpCommand(vars.command)), 'failed', vars);
      if (word === undefined) return call('libxl_list_domain', {}, 'listed', vars);
      return call('find_domain', { p: word }, 'found', vars);
    },
    listed: (vars, reply) =>
      reply.rc === 0
        ? done({ rc: 0, infos: listedInfos(reply) })
        : ask(stderrText('libxl_list_domain failed.\n'), 'failed', vars),
    found: (vars, reply) =>
      reply.rc === 0
        ? call('libxl_domain_info', { domid: foundDomid(reply) }, 'info', vars)
        : done({ rc: reply.rc }),
    info: (vars, reply) => {
      if (reply.rc === 0) return done({ rc: 0, infos: [oneInfo(reply)] });
      const text =
        reply.rc === ERROR_DOMAIN_NOTFOUND
          ? `Error: Domain '${vars.args[0]}' does not exist.\n`
          : `libxl_domain_info failed (code ${reply.rc}).\n`;
      return ask(stderrText(text), 'failed', vars);
    },
    failed: () => done({ rc: 1 }),
  },
});

const LIST_OPTIONS: readonly LongOption[] = [
  { name: 'long', val: 'l' },
  { name: 'verbose', val: 'v' },
  { name: 'context', val: 'Z' },
  { name: 'cpupool', val: 'c' },
  { name: 'numa', val: 'n' },
];

type MainVars = CommandArgs & { readonly columns?: Columns; readonly details?: boolean };

/** Xen: main_list. `xl list [-lvZcn] [Domain]`. */
const mainList = flow<MainVars>({
  name: 'main_list',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, {
        command: 'list',
        short: 'lvZcn',
        long: LIST_OPTIONS,
        minArgs: 0,
      });
      if (!parsed.ok) return endWith(parsed, vars);
      const has = (opt: string) => parsed.options.some((o) => o.opt === opt);
      const columns = {
        verbose: has('v'),
        context: has('Z'),
        claim: false,
        numa: has('n'),
        cpupool: has('c'),
      };
      const next = { ...vars, columns, details: has('l') };
      return call('select_domains', { command: 'list', args: parsed.args }, 'selected', next);
    },
    selected: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: 1 });
      const infos = listedInfos(reply);
      return vars.details
        ? call('list_domains_details', { env: vars.env, infos }, 'printed', vars)
        : call('list_domains', { columns: vars.columns ?? noColumns, infos }, 'printed', vars);
    },
    printed: (_vars, reply) => done({ rc: reply.rc }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** Xen: main_claims. `xl claims`: every domain with what it has claimed and not yet got. */
const mainClaims = flow<CommandArgs>({
  name: 'main_claims',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'claims', short: '', minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      const warning = vars.env.xlconf.claimMode ? [] : ['claim_mode not enabled (see man xl.conf).\n'];
      return ask(warning.map(stderrText), 'warned', vars);
    },
    warned: (vars) => call('libxl_list_domain', {}, 'listed', vars),
    listed: (vars, reply) =>
      reply.rc === 0
        ? call(
            'list_domains',
            { columns: { ...noColumns, claim: true }, infos: listedInfos(reply) },
            'printed',
            vars,
          )
        : ask(stderrText('libxl_list_domain failed.\n'), 'failed', vars),
    failed: () => done({ rc: 1 }),
    printed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

type SharingVars = CommandArgs & { readonly infos?: readonly GetDomainInfo[] };

/** Xen: main_sharing. `xl sharing [Domain]`: how much of each domain is shared. */
const mainSharing = flow<SharingVars>({
  name: 'main_sharing',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'sharing', short: '', minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      return call('select_domains', { command: 'sharing', args: parsed.args }, 'selected', vars);
    },
    selected: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: 1 });
      const infos = listedInfos(reply);
      const domids = infos.map((info) => info.domid);
      return call('libxl_domid_to_name', { domids }, 'named', { ...vars, infos });
    },
    named: (vars, reply) => {
      const names = foundNames(reply);
      const rows = (vars.infos ?? []).map((info, i) =>
        sprintf(
          '%-40s %5d %5lu  %5lu\n',
          names[i] ?? null,
          info.domid,
          memMib(info),
          kibToMibFloor(kib(info.shrPages * 4)),
        ),
      );
      const head = 'Name                                        ID   Mem Shared\n';
      return ask(stdoutText(head + rows.join('')), 'printed', vars);
    },
    printed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** The flows of this file by name. */
export const xlListFlows: Readonly<Record<string, Flow>> = {
  list_domains: listDomains,
  select_domains: selectDomains,
  main_list: mainList,
  main_claims: mainClaims,
  main_sharing: mainSharing,
};
