/**
 * Making an empty domain: the hypercall, a name nobody else has, and its places in xenstore.
 *
 * Models libxl__domain_make(), tools/libs/light/libxl_create.c.
 */
import { strerror } from '../hypervisor/errno.ts';
import { domId } from '../hypervisor/units.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import type { SettledConfig } from './libxl-setdefault.ts';
import { ask, call, done, type Flow, flow, hypercall, type Request, xs, xsReply } from './task.ts';
import type { XlEnv } from './xl-env.ts';
import { libxlError, libxlLog } from './xl-log.ts';

/** XEN_DOMCTL_CDF_*: public/domctl.h. */
const CDF_hvm = 0x1;
const CDF_hap = 0x2;
const CDF_oos_off = 0x8;
const CDF_iommu = 0x10;
const CDF_nested_virt = 0x40;
const CDF_vpmu = 0x80;
/** XEN_DOMCTL_IOMMU_no_sharept. */
const IOMMU_no_sharept = 0x1;
/** What libxl asks Xen to emulate, by type: everything but vPCI, a local APIC, nothing. Xen: XEN_X86_EMU_*. */
const EMULATION = { hvm: 0x3ff, pvh: 0x1, pv: 0 } as const;
/** A domid given out lately is not given again for 60 s. Xen: LIBXL's recent domid. */
const DOMID_TRIES = 0x7ff0;

/** A field that C prints with %d after storing all ones for "the default". */
const signed = (n: number): number => (n >= 2 ** 31 ? n - 2 ** 32 : n);

/** Models the xen_domctl_createdomain that libxl__domain_make() fills in. */
function createdomain(s: SettledConfig): Request {
  const b = s.config.bInfo;
  const hvm = s.type !== 'pv';
  const iommu = s.passthrough !== 'disabled';
  let flags = 0;
  if (hvm) flags += CDF_hvm;
  if (s.hap) flags += CDF_hap;
  if (hvm && s.config.cInfo.oos === false) flags += CDF_oos_off;
  if (iommu) flags += CDF_iommu;
  if (b.nestedHvm === true) flags += CDF_nested_virt;
  if (b.vpmu === true) flags += CDF_vpmu;
  return hypercall('XEN_DOMCTL_createdomain', {
    type: s.type,
    hap: s.hap,
    handle: s.uuid,
    maxVcpus: s.maxVcpus,
    maxEvtchnPort: b.eventChannels === 0 ? 1023 : b.eventChannels,
    maxGrantFrames: signed(b.maxGrantFrames),
    maxMaptrackFrames: signed(b.maxMaptrackFrames),
    grantOpts: s.maxGrantVersion,
    emulationFlags: EMULATION[s.type],
    flags,
    iommuOpts: iommu && s.passthrough === 'sync_pt' ? IOMMU_no_sharept : 0,
    miscFlags: 0,
    cpupoolId: s.poolid,
  });
}

interface MakeVars {
  readonly env: XlEnv;
  readonly settled: SettledConfig;
  readonly domid?: number;
  readonly tx?: number;
  readonly tries?: number;
  /** Restoring or resetting in place: the domain is there already. */
  readonly reuseDomid?: number;
}

const PASSTHROUGH_NAMES = {
  disabled: 'disabled',
  enabled: 'enabled',
  sync_pt: 'sync_pt',
  share_pt: 'share_pt',
};

/** The guest's own places below its xenstore path, in libxl's order; `hvm` ones are for HVM guests only. */
const NODES = [
  'cpu',
  'memory',
  'device',
  'device/suspend/event-channel',
  'control',
  { hvm: 'hvmloader' },
  'control/shutdown',
  'control/feature-poweroff',
  'control/feature-reboot',
  'control/feature-suspend',
  { hvm: 'control/feature-s3' },
  { hvm: 'control/feature-s4' },
  'control/sysrq',
  'data',
  'drivers',
  'feature',
  'attr',
  'error',
] as const;

/** The writes before the name is set. */
function firstNodes(domid: number, uuid: string, tx: number): Request[] {
  const dom = `/local/domain/${domid}`;
  const fresh = (path: string): Request[] => [
    xs({ op: 'rm', path, tx }),
    xs({ op: 'write', path, value: '', tx }),
  ];
  return [
    ...fresh(dom),
    ...fresh(`/vm/${uuid}`),
    ...fresh(`/libxl/${domid}`),
    xs({ op: 'write', path: `/libxl/${domid}/device`, value: '', tx }),
    xs({ op: 'write', path: `${dom}/vm`, value: `/vm/${uuid}`, tx }),
  ];
}

/** The writes after the name is set. */
function lastNodes(s: SettledConfig, domid: number, tx: number): Request[] {
  const dom = `/local/domain/${domid}`;
  const write = (path: string, value: string): Request => xs({ op: 'write', path, value, tx });
  const nodes: Request[] = [];
  for (const node of NODES) {
    if (typeof node === 'string') nodes.push(write(`${dom}/${node}`, ''));
    else if (s.type === 'hvm') nodes.push(write(`${dom}/${node.hvm}`, ''));
  }
  return [
    ...nodes,
    write(`/vm/${s.uuid}/uuid`, s.uuid),
    write(`/vm/${s.uuid}/name`, s.name),
    write(`${dom}/control/platform-feature-multiprocessor-suspend`, '1'),
    write(`${dom}/control/platform-feature-xs_reset_watches`, '1'),
  ];
}

/**
 * Makes the domain. Done value { rc, domid }: libxl's error with the domid when the domain exists by then, so that
 * the caller can destroy it. Models libxl__domain_make().
 */
const domainMake = flow<MakeVars>({
  name: 'libxl__domain_make',
  steps: {
    start: (v) => {
      if (v.reuseDomid !== undefined) {
        return ask(xs({ op: 'transaction_start' }), 'transaction', { ...v, domid: v.reuseDomid });
      }
      const text = `passthrough: ${PASSTHROUGH_NAMES[v.settled.passthrough]}`;
      return ask(
        [libxlLog('detail', 'libxl_create.c:662:libxl__domain_make', null, text), createdomain(v.settled)],
        'created',
        v,
      );
    },
    again: (v) => ask(createdomain(v.settled), 'created', v),
    created: (v, reply) => {
      if (reply.rc < 0) {
        const message = `domain creation fail: ${strerror(-reply.rc)}`;
        return ask(libxlError('libxl_create.c:689:libxl__domain_make', null, message), 'failed', v);
      }
      const domid = reply.domid as number;
      return ask({ kind: 'recent-domid', op: 'check', domid }, 'recent', { ...v, domid });
    },
    // A domid that somebody may still be using in a stale request is not taken again: destroy and retry.
    recent: (v, reply) => {
      const tries = (v.tries ?? 0) + 1;
      if (reply.recent === true && tries < DOMID_TRIES) {
        const destroy = hypercall('XEN_DOMCTL_destroydomain', { domid: domId(v.domid!) });
        return ask([destroy], 'again', { ...v, tries });
      }
      return ask(xs({ op: 'transaction_start' }), 'transaction', v);
    },
    transaction: (v, reply) => {
      const tx = xsReply(reply).tx ?? 0;
      return ask(firstNodes(v.domid!, v.settled.uuid, tx), 'rename', { ...v, tx });
    },
    rename: (v) =>
      call(
        'libxl__domain_rename',
        { domid: v.domid!, oldName: null, newName: v.settled.name, tx: v.tx! },
        'renamed',
        v,
      ),
    renamed: (v, reply) => {
      if (reply.rc !== 0) {
        const end = xs({ op: 'transaction_end', tx: v.tx!, abort: true });
        return ask(end, 'aborted', { ...v, tries: reply.rc });
      }
      const end = xs({ op: 'transaction_end', tx: v.tx!, abort: false });
      return ask([...lastNodes(v.settled, v.domid!, v.tx!), end], 'committed', v);
    },
    aborted: (v) => done({ rc: v.tries ?? ERROR_FAIL, domid: v.domid! }),
    committed: (v, reply) => {
      // EAGAIN: somebody wrote in between; the whole transaction is done again.
      if (reply.rc === -11) return ask(xs({ op: 'transaction_start' }), 'transaction', v);
      const libxl = `/libxl/${v.domid}`;
      return ask(
        [
          xs({ op: 'write', path: `${libxl}/type`, value: v.settled.type }),
          xs({ op: 'write', path: `${libxl}/dm-version`, value: 'qemu_xen' }),
        ],
        'made',
        v,
      );
    },
    made: (v) => done({ rc: 0, domid: v.domid! }),
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

export const libxlMakeFlows: Readonly<Record<string, Flow>> = { libxl__domain_make: domainMake };
