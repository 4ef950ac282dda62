/** `xl list -l`: the configurations of domains. Models list_domains_details() and printf_info(), tools/xl/xl_info.c. */
import { ASSERT } from '../hypervisor/bug.ts';
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import { domainConfigType } from './domain-config.ts';
import { fromJson } from './libxl-json.ts';
import { ask, call, done, type Flow, flow, type Next } from './task.ts';
import type { XlEnv } from './xl-env.ts';
import { stderrText, stdoutText } from './xl-log.ts';
import { printfInfoSexp } from './xl-sxp.ts';

interface DetailsVars {
  readonly env: XlEnv;
  readonly infos: readonly GetDomainInfo[];
  readonly at?: number;
  /** What has been printed of them, without what surrounds it. */
  readonly parts?: readonly string[];
}

const isSxp = (vars: DetailsVars): boolean => vars.env.xlconf.outputFormat === 'sxp';

function nextDomain(vars: DetailsVars): Next<DetailsVars> {
  const info = vars.infos[vars.at ?? 0];
  if (info !== undefined) {
    return call('libxl_retrieve_domain_configuration', { domid: info.domid }, 'retrieved', vars);
  }
  const parts = vars.parts ?? [];
  // puts(3) ends the generator's last line once more.
  const text = isSxp(vars) ? parts.join('') : `[\n${parts.join(',\n')}\n]\n\n`;
  return ask(text === '' ? [] : stdoutText(text), 'printed', vars);
}

/** One element of the JSON array. Models printf_info_one_json(). */
const jsonElement = (domid: number, json: string): string =>
  `    {\n        "domid": ${domid},\n        "config": ${json.replace(/\n(?=.)/g, '\n        ')}\n    }`;

/** Xen: list_domains_details. `{ env, infos }`; a domain whose configuration cannot be told is left out. Done `{ rc: 0 }`, or 1 at a PVH guest as sxp. */
const listDomainsDetails = flow<DetailsVars>({
  name: 'list_domains_details',
  steps: {
    start: (vars) => nextDomain({ ...vars, at: 0, parts: [] }),
    retrieved: (vars, reply) => {
      const at = vars.at ?? 0;
      const next = { ...vars, at: at + 1 };
      if (reply.rc !== 0) return nextDomain(next);
      const parts = vars.parts ?? [];
      const domid = vars.infos[at]?.domid ?? 0;
      const json = reply.json as string;
      if (!isSxp(vars)) return nextDomain({ ...next, parts: [...parts, jsonElement(domid, json)] });
      const config = fromJson(domainConfigType, json);
      ASSERT(config !== null, `the configuration of domain ${domid} cannot be read back`);
      const sexp = printfInfoSexp(domid, config, reply.uuid as string | null);
      if (sexp.exit === null) return nextDomain({ ...next, parts: [...parts, sexp.stdout] });
      const said = [stdoutText([...parts, sexp.stdout].join('')), stderrText(sexp.stderr)];
      return ask(said, 'failed', next);
    },
    failed: () => done({ rc: 1 }),
    printed: () => done({ rc: 0 }),
  },
});

/** The flows of this file by name. */
export const xlListDetailsFlows: Readonly<Record<string, Flow>> = {
  list_domains_details: listDomainsDetails,
};
