/** Raw hypercalls of a scenario: Xen's names for them and their arguments, made into a request. */
import type { Hypercall } from '../hypervisor/privcmd.ts';
import { parsePages } from './amount.ts';
import { didYouMean } from './did-you-mean.ts';

type Kind = 'domid' | 'number' | 'pages' | 'order' | 'flags' | 'frames' | 'nodes' | 'text' | 'type';
interface Arg {
  readonly kind: Kind;
  /** The request's own name for it. */
  readonly as: string;
  readonly optional?: boolean;
}

const domid: Arg = { kind: 'domid', as: 'domid' };
const RESERVATION = {
  domid,
  nr_extents: { kind: 'pages', as: 'nrExtents' },
  extent_order: { kind: 'order', as: 'extentOrder', optional: true },
  extent_start: { kind: 'frames', as: 'extentStart', optional: true },
  mem_flags: { kind: 'flags', as: 'memFlags', optional: true },
} as const satisfies Readonly<Record<string, Arg>>;
const ONLY_DOMID = { domid };

/** The hypercalls a scenario may issue; those of the builder's bookkeeping are left to xl. */
const HYPERCALLS: Readonly<Record<string, Readonly<Record<string, Arg>>>> = {
  XENMEM_claim_pages: {
    domid,
    nr_extents: RESERVATION.nr_extents,
    extent_order: RESERVATION.extent_order,
    mem_flags: RESERVATION.mem_flags,
  },
  XENMEM_populate_physmap: RESERVATION,
  XENMEM_increase_reservation: RESERVATION,
  XENMEM_decrease_reservation: RESERVATION,
  XENMEM_set_pod_target: { domid, target_pages: { kind: 'pages', as: 'targetPages' } },
  XENMEM_get_pod_target: ONLY_DOMID,
  XENMEM_current_reservation: ONLY_DOMID,
  XENMEM_maximum_reservation: ONLY_DOMID,
  XENMEM_maximum_gpfn: ONLY_DOMID,
  XENMEM_maximum_ram_page: {},
  XENMEM_remove_from_physmap: { domid, gpfn: { kind: 'number', as: 'gpfn' } },
  XEN_DOMCTL_createdomain: {
    name: { kind: 'text', as: 'name' },
    type: { kind: 'type', as: 'type', optional: true },
    max_vcpus: { kind: 'number', as: 'maxVcpus', optional: true },
    domid: { ...domid, optional: true },
  },
  XEN_DOMCTL_max_vcpus: { domid, max: { kind: 'number', as: 'max' } },
  XEN_DOMCTL_max_mem: { domid, max_memkb: { kind: 'number', as: 'maxMemkb' } },
  XEN_DOMCTL_setnodeaffinity: { domid, nodes: { kind: 'nodes', as: 'nodes' } },
  XEN_DOMCTL_set_paging_mempool_size: { domid, size: { kind: 'number', as: 'size' } },
  XEN_DOMCTL_pausedomain: ONLY_DOMID,
  XEN_DOMCTL_unpausedomain: ONLY_DOMID,
  XEN_DOMCTL_resumedomain: ONLY_DOMID,
  XEN_DOMCTL_destroydomain: ONLY_DOMID,
  SCHEDOP_shutdown: { domid, reason: { kind: 'number', as: 'reason' } },
};

/** What Xen's own names for a hypercall are called in a scenario. */
const ALSO_KNOWN: Readonly<Record<string, string>> = {
  claim_pages: 'XENMEM_claim_pages',
  populate_physmap: 'XENMEM_populate_physmap',
  increase_reservation: 'XENMEM_increase_reservation',
  decrease_reservation: 'XENMEM_decrease_reservation',
  createdomain: 'XEN_DOMCTL_createdomain',
  destroydomain: 'XEN_DOMCTL_destroydomain',
  max_mem: 'XEN_DOMCTL_max_mem',
};

/** What is wrong with a hypercall step: `key` is the argument, or null for the name. */
export interface HypercallProblem {
  readonly key: string | null;
  readonly message: string;
}

/** Checks the name and the arguments' names and kinds. */
export function hypercallProblems(name: string, args: Readonly<Record<string, unknown>>): HypercallProblem[] {
  const known = HYPERCALLS[name];
  if (known === undefined) {
    const meant = ALSO_KNOWN[name] ?? didYouMean(name, Object.keys(HYPERCALLS));
    const hint =
      meant === null ? `known are ${Object.keys(HYPERCALLS).join(', ')}` : `did you mean "${meant}"?`;
    return [{ key: null, message: `unknown hypercall "${name}": ${hint}` }];
  }
  const problems: HypercallProblem[] = [];
  // An argument that was meant is not missing.
  const given = new Set(Object.keys(args));
  for (const [key, value] of Object.entries(args)) {
    const arg = known[key];
    if (arg === undefined) {
      const meant = didYouMean(key, Object.keys(known));
      const hint = meant === null ? `it has ${Object.keys(known).join(', ')}` : `did you mean "${meant}"?`;
      problems.push({ key, message: `${name} has no argument "${key}": ${hint}` });
      if (meant !== null) given.add(meant);
      continue;
    }
    const problem = kindProblem(arg.kind, value);
    if (problem !== null) problems.push({ key, message: `${key} ${problem}` });
  }
  for (const [key, arg] of Object.entries(known)) {
    if (arg.optional !== true && !given.has(key))
      problems.push({ key: null, message: `${name} needs the argument "${key}"` });
  }
  return problems;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function kindProblem(kind: Kind, value: unknown): string | null {
  switch (kind) {
    case 'domid':
      return isCount(value) || typeof value === 'string' ? null : "must be a domid or a guest's name";
    case 'number':
      return Number.isSafeInteger(value) ? null : 'must be a whole number';
    case 'pages':
      return pagesOf(value) === null ? 'must be a number of pages, or a size such as 4G' : null;
    case 'order':
      return isCount(value) && value <= 63 ? null : 'must be an order, 0 to 18';
    case 'text':
      return typeof value === 'string' && value !== '' ? null : 'must be a name';
    case 'type':
      return value === 'pv' || value === 'pvh' || value === 'hvm' ? null : 'must be pv, pvh or hvm';
    case 'nodes':
      return Array.isArray(value) && value.every(isCount) ? null : 'must be a list of nodes';
    case 'flags':
      return flagsOf(value) === null
        ? 'must be a mapping of node, exact_node, address_bits, vnode, populate_on_demand'
        : null;
    case 'frames':
      return value === null || isCount(value) || runsOf(value) !== null
        ? null
        : 'must be a frame, null, or a list of { first, count, stride }';
  }
}

/** A bare number is pages here, as in Xen; a text is a size. */
function pagesOf(value: unknown): number | null {
  if (isCount(value)) return value;
  return typeof value === 'string' && /[a-z]/i.test(value) ? parsePages(value) : null;
}

const FLAGS: Readonly<Record<string, string>> = {
  node: 'node',
  exact_node: 'exactNode',
  address_bits: 'addressBits',
  vnode: 'vnode',
  populate_on_demand: 'populateOnDemand',
};

function flagsOf(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const flags: Record<string, unknown> = {};
  for (const [key, flag] of Object.entries(value)) {
    const as = FLAGS[key];
    if (as === undefined || (typeof flag !== 'boolean' && !isCount(flag))) return null;
    flags[as] = flag;
  }
  return flags;
}

function runsOf(value: unknown): { first: number; count: number; stride: number }[] | null {
  if (!Array.isArray(value)) return null;
  const runs = value.map((run: Record<string, unknown>) =>
    isCount(run?.first) && isCount(run.count) && Number.isSafeInteger(run.stride ?? 1)
      ? { first: run.first, count: run.count, stride: (run.stride ?? 1) as number }
      : null,
  );
  return runs.includes(null) ? null : (runs as { first: number; count: number; stride: number }[]);
}

/** A hypercall that hypercallProblems() found nothing wrong with. `domidOf` finds guests by name; null: there is none. */
export function makeHypercall(
  name: string,
  args: Readonly<Record<string, unknown>>,
  context: { readonly domidOf: (name: string) => number | null; readonly uuid: string },
): Hypercall | { readonly missing: string } {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(args)) {
    const arg = HYPERCALLS[name]![key]!;
    if (arg.kind === 'domid' && typeof value === 'string') {
      const found = context.domidOf(value);
      if (found === null) return { missing: value };
      out[arg.as] = found;
    } else if (arg.kind === 'pages') out[arg.as] = pagesOf(value);
    else if (arg.kind === 'flags') out[arg.as] = flagsOf(value);
    else if (arg.kind === 'frames') out[arg.as] = value;
    else out[arg.as] = value;
  }
  if (name === 'XEN_DOMCTL_createdomain') return { name, args: createArgs(out, context.uuid) } as Hypercall;
  if ('extent_start' in HYPERCALLS[name]!) fillReservation(name, out);
  return { name, args: out } as unknown as Hypercall;
}

/** Frames as runs: a bare frame is where consecutive extents begin. */
function fillReservation(name: string, out: Record<string, unknown>): void {
  const extentOrder = (out.extentOrder ?? 0) as number;
  const count = out.nrExtents as number;
  const start = out.extentStart;
  out.extentOrder = extentOrder;
  out.memFlags ??= {};
  if (start === null || (start === undefined && name === 'XENMEM_increase_reservation'))
    out.extentStart = null;
  else if (start === undefined || isCount(start)) {
    out.extentStart = [{ first: start ?? 0, count, stride: 2 ** extentOrder }];
  } else out.extentStart = runsOf(start);
}

/** A domain as libxl would make it, as far as memory is concerned. */
function createArgs(out: Readonly<Record<string, unknown>>, uuid: string): Record<string, unknown> {
  const type = out.type ?? 'pvh';
  return {
    ...(out.domid === undefined ? {} : { domid: out.domid }),
    type,
    hap: type !== 'pv',
    handle: uuid,
    maxVcpus: out.maxVcpus ?? 1,
    maxEvtchnPort: 1023,
    maxGrantFrames: 64,
    maxMaptrackFrames: 1024,
    grantOpts: 2,
    emulationFlags: type === 'hvm' ? 0x7ff : type === 'pvh' ? 1 : 0,
    flags: type === 'pv' ? 0 : 3,
    iommuOpts: 0,
    miscFlags: 0,
  };
}
