/** xl's small questions about names: domid, domname, vm-list. Models tools/xl/xl_info.c. */
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import { foundNames, listedInfos } from './libxl-list.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, type Next, xs, xsReply } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { stderrText, stdoutText } from './xl-log.ts';

type NameVars = CommandArgs & { readonly word?: string };

/** Xen: main_domid. `xl domid NAME`: names only, digits are no exception. */
const mainDomid = flow<NameVars>({
  name: 'main_domid',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'domid', short: '', minArgs: 1 });
      if (!parsed.ok) return endWith(parsed, vars);
      const word = parsed.args[0] ?? '';
      return call('libxl_name_to_domid', { name: word }, 'found', { ...vars, word });
    },
    found: (vars, reply) => {
      if (reply.rc === 0) return ask(stdoutText(`${reply.domid}\n`), 'printed', vars);
      const text = `Can't get domid of domain name '${vars.word}', maybe this domain does not exist.\n`;
      return ask(stderrText(text), 'failed', vars);
    },
    failed: () => done({ rc: 1 }),
    printed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** strtol(3) in base 10, then cut to the 32 bits of a domid; null where there are no digits. */
function strtolDomid(word: string): number | null {
  const digits = /^[ \t\n\v\f\r]*([-+]?[0-9]+)/.exec(word)?.[1];
  if (digits === undefined) return null;
  const value = BigInt(digits.replace('+', ''));
  const [low, high] = [-(2n ** 63n), 2n ** 63n - 1n];
  return Number(BigInt.asUintN(32, value < low ? low : value > high ? high : value));
}

/** Xen: main_domname. `xl domname ID`. */
const mainDomname = flow<NameVars>({
  name: 'main_domname',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'domname', short: '', minArgs: 1 });
      if (!parsed.ok) return endWith(parsed, vars);
      const word = parsed.args[0] ?? '';
      const domid = strtolDomid(word);
      if (domid === null) return ask(stderrText('Invalid domain id.\n\n'), 'failed', vars);
      return call('libxl_domid_to_name', { domids: [domid] }, 'named', { ...vars, word: String(domid) });
    },
    named: (vars, reply) => {
      const name = foundNames(reply)[0] ?? null;
      if (name !== null) return ask(stdoutText(`${name}\n`), 'printed', vars);
      const text = `Can't get domain name of domain id '${vars.word}', maybe this domain does not exist.\n`;
      return ask(stderrText(text), 'failed', vars);
    },
    failed: () => done({ rc: 1 }),
    printed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

interface VmVars {
  readonly left: readonly GetDomainInfo[];
  readonly vms: readonly GetDomainInfo[];
}

/** Xen: libxl_list_vm. Every domain that is no stub domain; done `{ rc: 0, infos }`, or `{ rc: ERROR_FAIL }`. */
const listVm = flow<Partial<VmVars>>({
  name: 'libxl_list_vm',
  steps: {
    start: () => call('libxl_list_domain', {}, 'listed', {}),
    listed: (_vars, reply) =>
      reply.rc === 0 ? askTarget({ left: listedInfos(reply), vms: [] }) : done({ rc: reply.rc }),
    target: ({ left = [], vms = [] }, reply) => {
      const [info, ...rest] = left;
      // A stub domain says in xenstore whose device model it is. Models libxl_is_stubdom().
      const isVm = info !== undefined && xsReply(reply).rc < 0;
      return askTarget({ left: rest, vms: isVm ? [...vms, info] : vms });
    },
  },
});

function askTarget(vars: VmVars): Next<Partial<VmVars>> {
  const info = vars.left[0];
  if (info === undefined) return done({ rc: 0, infos: vars.vms });
  return ask(xs({ op: 'read', path: `/local/domain/${info.domid}/target` }), 'target', vars);
}

type VmListVars = CommandArgs & { readonly infos?: readonly GetDomainInfo[] };

/** Xen: main_vm_list. `xl vm-list`. */
const mainVmList = flow<VmListVars>({
  name: 'main_vm_list',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'vm-list', short: '', minArgs: 0 });
      return parsed.ok ? call('libxl_list_vm', {}, 'listed', vars) : endWith(parsed, vars);
    },
    listed: (vars, reply) => {
      if (reply.rc !== 0) return ask(stderrText('libxl_list_vm failed.\n'), 'failed', vars);
      const infos = listedInfos(reply);
      const domids = infos.map((info) => info.domid);
      return call('libxl_domid_to_name', { domids }, 'named', { ...vars, infos });
    },
    named: (vars, reply) => {
      const names = foundNames(reply);
      const rows = (vars.infos ?? []).map((info, i) =>
        sprintf('%s  %d    %-30s\n', info.handle, info.domid, names[i] ?? null),
      );
      return ask(
        stdoutText(`UUID                                  ID    name\n${rows.join('')}`),
        'printed',
        vars,
      );
    },
    failed: () => done({ rc: 1 }),
    printed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** The flows of this file by name. */
export const xlNamesFlows: Readonly<Record<string, Flow>> = {
  main_domid: mainDomid,
  main_domname: mainDomname,
  libxl_list_vm: listVm,
  main_vm_list: mainVmList,
};
