/**
 * What libxl tells about domains: the list, one of them, their names; and xl's way from a word to a domain id.
 *
 * Models libxl_list_domain() and libxl_domain_info() of tools/libs/light/libxl_domain.c, libxl_domid_to_name() and
 * libxl_domain_qualifier_to_domid() of libxl_utils.c, find_domain() of tools/xl/xl_utils.c.
 */
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import { type DomId, domId } from '../hypervisor/units.ts';
import { ERROR_DOMAIN_NOTFOUND, ERROR_FAIL, ERROR_INVAL, ERROR_NOMEM } from './libxl-errno.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  hypercall,
  hypercallReply,
  type Reply,
  xs,
  xsReply,
} from './task.ts';
import { libxlError, stderrText } from './xl-log.ts';

/** How many domains one request asks for, as libxl does. */
const BATCH = 1024;

interface ListVars {
  readonly infos?: readonly GetDomainInfo[];
  /** Kept instead of `infos` where nothing else is wanted: what a task does not know cannot grow old. */
  readonly domids?: readonly number[];
}

/**
 * Xen: libxl_list_domain. No arguments; done `{ rc: 0, infos }` in ascending domid, or `{ rc: ERROR_FAIL }` after a log
 * line. With `{ domids: [] }` it is `{ rc: 0, domids }`.
 */
const listDomain = flow<ListVars>({
  name: 'libxl_list_domain',
  steps: {
    start: ({ domids }) => askInfos(domids === undefined ? { infos: [] } : { domids: [] }, 0),
    got: (vars, reply) => {
      const { rc, infos } = hypercallReply('XEN_SYSCTL_getdomaininfolist', reply);
      if (rc < 0) {
        const line = libxlError(
          'libxl_domain.c:335:libxl_list_domain',
          null,
          'getting domain info list',
          -rc,
        );
        return ask(line, 'failed', {});
      }
      const last = infos[infos.length - 1];
      if (last === undefined) return done({ rc: 0, ...vars });
      const { domids } = vars;
      const known =
        domids === undefined
          ? { infos: [...(vars.infos ?? []), ...infos] }
          : { domids: [...domids, ...infos.map(({ domid }) => domid)] };
      return askInfos(known, last.domid + 1);
    },
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

function askInfos(known: ListVars, first: number) {
  const request = hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(first), maxDomains: BATCH });
  return ask<ListVars>(request, 'got', known);
}

/** The `infos` of a finished libxl_list_domain. */
export const listedInfos = (reply: Reply): readonly GetDomainInfo[] =>
  reply.infos as readonly GetDomainInfo[];

/** Xen: libxl_domain_info. `{ domid }`; done `{ rc: 0, info }`, ERROR_DOMAIN_NOTFOUND, or ERROR_FAIL after a log line. */
const domainInfo = flow<{ domid: DomId }>({
  name: 'libxl_domain_info',
  steps: {
    start: (vars) =>
      ask(hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: vars.domid, maxDomains: 1 }), 'got', vars),
    got: (vars, reply) => {
      const { rc, infos } = hypercallReply('XEN_SYSCTL_getdomaininfolist', reply);
      if (rc < 0) {
        const site = 'libxl_domain.c:354:libxl_domain_info';
        return ask(libxlError(site, vars.domid, 'Getting domain info list', -rc), 'failed', vars);
      }
      const info = infos[0];
      if (info === undefined || info.domid !== vars.domid) return done({ rc: ERROR_DOMAIN_NOTFOUND });
      return done({ rc: 0, info });
    },
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

/** The `info` of a finished libxl_domain_info. */
export const oneInfo = (reply: Reply): GetDomainInfo => reply.info as GetDomainInfo;

/** Where xenstore keeps a domain's name. Models libxl_domid_to_name(). */
const namePath = (domid: number): string => `/local/domain/${domid}/name`;

interface NamesVars {
  readonly domids: readonly number[];
  /** How many of them have been asked for. */
  readonly asked: number;
  readonly names: readonly (string | null)[];
  /** The name that is looked for: then they are not kept, only the first place where it is found. */
  readonly sought?: string;
  readonly place?: number;
}

/**
 * Xen: libxl_domid_to_name, for several. `{ domids }`; done `{ rc: 0, names }`, null where xenstore has none. With
 * `sought` done `{ rc: 0, place }`: the first of them that has this name, absent if none has.
 */
const domainNames = flow<Pick<NamesVars, 'domids' | 'sought'> & Partial<NamesVars>>({
  name: 'libxl_domid_to_name',
  steps: {
    start: (vars) => askName({ ...vars, asked: 0, names: [] }),
    got: (vars, reply) => {
      const { rc, value, ahead = [], passed = { count: 0, place: null } } = xsReply(reply);
      const { asked = 0, names = [], sought, place } = vars;
      const name = rc < 0 ? null : (value ?? '');
      if (sought === undefined)
        return askName({ ...vars, asked: asked + 1 + ahead.length, names: [...names, name, ...ahead] });
      const next = { ...vars, asked: asked + 1 + passed.count, names };
      if (place !== undefined) return askName(next);
      if (name === sought) return askName({ ...next, place: asked });
      return askName(passed.place === null ? next : { ...next, place: asked + 1 + passed.place });
    },
  },
});

function askName(vars: NamesVars) {
  const { domids, asked, names, sought, place } = vars;
  const domid = domids[asked];
  if (domid === undefined) return done<NamesVars>(sought === undefined ? { rc: 0, names } : { rc: 0, place });
  const ahead = { domids, from: asked + 1, ...(sought === undefined ? {} : { sought }) };
  return ask<NamesVars>(xs({ op: 'read', path: namePath(domid), ahead }), 'got', vars);
}

/** The `names` of a finished libxl_domid_to_name. */
export const foundNames = (reply: Reply): readonly (string | null)[] =>
  reply.names as readonly (string | null)[];

/** strtoul(3) in base 10 of a string of digits, cut to 32 bits as a domid is. The empty string is 0. */
function strtoulDomid(digits: string): number {
  const value = digits === '' ? 0n : BigInt(digits);
  const max = 2n ** 64n - 1n;
  return Number(BigInt.asUintN(32, value > max ? max : value));
}

interface NameVars {
  readonly name: string;
  readonly domids?: readonly number[];
}

/** Xen: libxl_name_to_domid. `{ name }`; done `{ rc: 0, domid }`, ERROR_INVAL for no such name, ERROR_NOMEM without a list. */
const nameToDomid = flow<NameVars>({
  name: 'libxl_name_to_domid',
  steps: {
    start: (vars) => call('libxl_list_domain', { domids: [] }, 'listed', vars),
    listed: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: ERROR_NOMEM });
      const domids = reply.domids as readonly number[];
      return call('libxl_domid_to_name', { domids, sought: vars.name }, 'named', { name: vars.name, domids });
    },
    named: (vars, reply) => {
      const domid = vars.domids?.[(reply.place as number | undefined) ?? -1];
      return domid === undefined ? done({ rc: ERROR_INVAL }) : done({ rc: 0, domid });
    },
  },
});

/**
 * Xen: find_domain. `{ p }`, a name or a number; done `{ rc: 0, domid }`, or `{ rc: 1 }` after the message.
 * Digits (and the empty string) are taken as an id without asking whether it exists.
 */
const findDomain = flow<{ p: string }>({
  name: 'find_domain',
  steps: {
    start: (vars) =>
      /^[0-9]*$/.test(vars.p)
        ? done({ rc: 0, domid: strtoulDomid(vars.p) })
        : call('libxl_name_to_domid', { name: vars.p }, 'found', vars),
    found: (vars, reply) => {
      if (reply.rc === 0) return done({ rc: 0, domid: reply.domid });
      const text = `${vars.p} is an invalid domain identifier (rc=${reply.rc})\n`;
      return ask(stderrText(text), 'failed', vars);
    },
    failed: () => done({ rc: 1 }),
  },
});

/** The `domid` of a finished find_domain or libxl_name_to_domid. */
export const foundDomid = (reply: Reply): DomId => domId(reply.domid as number);

/** The flows of this file by name. */
export const libxlListFlows: Readonly<Record<string, Flow>> = {
  libxl_list_domain: listDomain,
  libxl_domain_info: domainInfo,
  libxl_domid_to_name: domainNames,
  libxl_name_to_domid: nameToDomid,
  find_domain: findDomain,
};
