/**
 * Creating a domain, from a parsed config to a paused guest.
 *
 * Models libxl_domain_create_new() and the callbacks behind it, tools/libs/light/libxl_create.c: initiate_domain_create,
 * domcreate_bootloader_done, domcreate_rebuild_done, domcreate_devmodel_started, domcreate_complete.
 */
import { EAGAIN } from '../hypervisor/errno.ts';
import { type DomainConfig, domainConfigType } from './domain-config.ts';
import { bootGuest } from './guest.ts';
import { consoleAdd, vkbAdd } from './libxl-console.ts';
import { ERROR_FAIL, ERROR_INVAL } from './libxl-errno.ts';
import { genJson, genJsonWith } from './libxl-json.ts';
import { domainConfigSetdefault, type SettledConfig } from './libxl-setdefault.ts';
import { buildInfo } from './libxl-types-domain.ts';
import type { Memo } from './memo.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  goto,
  hypercall,
  hypercallReply,
  type Request,
  xs,
  xsReply,
} from './task.ts';
import { layoutAgain } from './xg-layout.ts';
import type { XlEnv } from './xl-env.ts';
import { libxlError, libxlLog } from './xl-log.ts';

/** What a stream of saved memory brings: see libxl-restore.ts. */
export interface RestoreSource {
  /** The path of the saved state. */
  readonly path: string;
}

interface CreateVars {
  readonly env: XlEnv;
  readonly config: DomainConfig;
  readonly restore?: RestoreSource;
  readonly settled?: SettledConfig;
  readonly domid?: number;
  readonly storeMfn?: number;
  readonly consoleMfn?: number;
  /** Pages a saved state brought along. */
  readonly present?: number;
  readonly rc?: number;
}

/** The name under which libxl keeps a domain's config. */
export const LIBXL_JSON = 'libxl-json';
/** The lock that guards a domain's userdata. Models libxl__lock_domain_userdata(). */
export const userdataLock = (domid: number): string =>
  `/var/lib/xen/userdata-l.${domid}.domain-userdata-lock`;

/** The config libxl keeps: as given, with what it settled for memory. Models libxl__update_domain_configuration(). */
function storedConfig(memo: Memo, s: SettledConfig): string {
  const { config } = s;
  // Guests that are built alike differ in their names only.
  const { bInfo, ready } = memo('stored b_info', config.bInfo, () => storedBuildInfo(s));
  const stored = {
    ...config,
    // No domid was asked for. Xen: INVALID_DOMID.
    cInfo: { ...config.cInfo, domid: 4294967295, uuid: s.uuid },
    bInfo,
  };
  return `${genJsonWith(domainConfigType, stored, ready)}\n`;
}

function storedBuildInfo({ config, videoMemkb }: SettledConfig): {
  readonly bInfo: object;
  readonly ready: ReadonlyMap<unknown, string>;
} {
  const { archX86 } = config.bInfo;
  const bInfo = {
    ...config.bInfo,
    videoMemkb,
    archX86: { ...archX86, msrRelaxed: archX86.msrRelaxed ?? false },
  };
  return { bInfo, ready: new Map([[bInfo, genJson(buildInfo, bInfo, 1)]]) };
}

/** What the builder wants written besides memory: the platform's switches and the image's name. Models libxl__build_{hvm,pv}'s ents. */
function builderEntries(s: SettledConfig): { local: [string, string][]; vm: [string, string][] } {
  const b = s.config.bInfo;
  if (s.type === 'pvh') return { local: [], vm: [] };
  if (s.type === 'pv') {
    const vm: [string, string][] = [
      ['image/ostype', 'linux'],
      ['image/kernel', b.kernel ?? ''],
    ];
    if (b.ramdisk !== null) vm.push(['image/ramdisk', b.ramdisk]);
    if (b.cmdline !== null) vm.push(['image/cmdline', b.cmdline]);
    return { local: [], vm };
  }
  const hvm = b.type !== null && b.type.tag === 'hvm' ? b.type.info : null;
  const on = (value: boolean | null | undefined, otherwise: boolean): string =>
    (value ?? otherwise) ? '1' : '0';
  return {
    local: [
      ['platform/acpi', on(b.acpi, true)],
      ['platform/acpi_s3', on(hvm?.acpiS3, true)],
      ['platform/acpi_s4', on(hvm?.acpiS4, true)],
      ['platform/acpi_laptop_slate', on(hvm?.acpiLaptopSlate, false)],
      ...(hvm === null || hvm.mmioHoleMemkb === null
        ? []
        : [['platform/mmio_hole_size', String(hvm.mmioHoleMemkb * 1024)] as [string, string]]),
      ['platform/device-model', 'qemu_xen'],
    ],
    vm: [
      ['rtc/timeoffset', b.rtcTimeoffset === 0 ? '' : String(b.rtcTimeoffset)],
      ['image/ostype', 'hvm'],
    ],
  };
}

/** The console, and for HVM the keyboard, as one transaction each. */
const devices = (v: CreateVars, tx: number): Request[] =>
  v.settled?.type === 'hvm'
    ? [...consoleAdd(tx, v.domid!, v.consoleMfn!), ...vkbAdd(tx, v.domid!)]
    : consoleAdd(tx, v.domid!, v.consoleMfn!);

/**
 * Creates a domain. Done value { rc, domid }: 0, or libxl's error; after a failure `domid` is there when the domain
 * had been made (and has been destroyed again), for xl destroys it once more. With `restore` the memory comes from a
 * stream, and no claim is staked.
 */
const domainCreate = flow<CreateVars>({
  name: 'libxl_domain_create',
  steps: {
    start: (v) => ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', v),
    physinfo: (v, reply) => {
      if (reply.rc < 0) {
        const message = 'getting physinfo';
        return ask(libxlError('libxl.c:361:libxl_get_physinfo', null, message, -reply.rc), 'refused', {
          ...v,
          rc: ERROR_FAIL,
        });
      }
      const info = hypercallReply('XEN_SYSCTL_physinfo', reply).info;
      const settled = domainConfigSetdefault(v.config, info, v.config.cInfo.uuid ?? '');
      if (settled.settled === null) return ask(settled.requests, 'refused', { ...v, rc: settled.rc });
      return ask(settled.requests, 'pool', { ...v, settled: settled.settled });
    },
    pool: (v) => {
      const name = v.config.cInfo.poolName;
      return name === null
        ? goto('make', v)
        : call('libxl_cpupool_qualifier_to_cpupoolid', { p: name }, 'pooled', v);
    },
    pooled: (v, reply) => {
      if (reply.rc === 0)
        return goto('make', { ...v, settled: { ...v.settled!, poolid: Number(reply.poolid) } });
      const message = `Illegal pool specified: "${v.config.cInfo.poolName}"`;
      const site = 'libxl_create.c:1055:libxl__domain_config_setdefault';
      return ask(libxlError(site, null, message), 'refused', { ...v, rc: ERROR_INVAL });
    },
    make: (v) => call('libxl__domain_make', { env: v.env, settled: v.settled }, 'made', v),
    made: (v, reply) => {
      const domid = reply.domid as number | undefined;
      const next = domid === undefined ? v : { ...v, domid };
      if (reply.rc === 0) return call('libxl__build_pre', { settled: v.settled, domid }, 'prepared', next);
      const message = `cannot make domain: ${reply.rc}`;
      const line = libxlError('libxl_create.c:1296:initiate_domain_create', domid ?? null, message);
      return ask(line, domid === undefined ? 'refused' : 'destroy', { ...next, rc: ERROR_FAIL });
    },
    prepared: (v, reply) => {
      if (reply.rc !== 0) return goto('rebuildFailed', v);
      if (v.restore !== undefined) {
        return call(
          'libxl__stream_read',
          { settled: v.settled, domid: v.domid, path: v.restore.path },
          'built',
          v,
        );
      }
      return call('libxl__build', { settled: v.settled, domid: v.domid }, 'built', v);
    },
    built: (v, reply) => {
      if (reply.rc !== 0) return goto('rebuildFailed', v);
      const storeMfn = Number(reply.storeMfn);
      const entries = builderEntries(v.settled!);
      const args = {
        settled: v.settled,
        domid: v.domid,
        storeMfn,
        localEntries: entries.local,
        vmEntries: entries.vm,
      };
      const present = typeof reply.present === 'number' ? { present: reply.present } : {};
      const next = { ...v, ...present, storeMfn, consoleMfn: Number(reply.consoleMfn) };
      return call('libxl__build_post', args, 'posted', next);
    },
    rebuildFailed: (v) => {
      const site = 'libxl_create.c:1640:domcreate_rebuild_done';
      return ask(libxlError(site, v.domid!, `cannot (re-)build domain: ${ERROR_FAIL}`), 'destroy', v);
    },
    posted: (v, reply) => {
      if (reply.rc !== 0) return goto('rebuildFailed', v);
      return ask(
        [
          xs({ op: 'write', path: `/libxl/${v.domid}/dm-version`, value: 'qemu_xen' }),
          xs({ op: 'transaction_start' }),
        ],
        'devices',
        v,
      );
    },
    devices: (v, reply) => {
      const tx = xsReply(reply).tx ?? 0;
      return ask([...devices(v, tx), xs({ op: 'transaction_end', tx, abort: false })], 'added', v);
    },
    added: (v, reply) => {
      if (reply.rc === -EAGAIN) return ask(xs({ op: 'transaction_start' }), 'devices', v);
      if (v.settled?.type !== 'hvm') return goto('complete', v);
      return call('libxl__spawn_local_dm', { settled: v.settled, domid: v.domid }, 'devmodel', v);
    },
    devmodel: (v, reply) => {
      if (reply.rc === 0) return goto('complete', v);
      const message = `device model did not start: ${reply.rc}`;
      return ask(
        libxlError('libxl_create.c:1896:domcreate_devmodel_started', v.domid!, message),
        'destroy',
        v,
      );
    },
    complete: (v, _reply, memo) =>
      ask(
        [
          { kind: 'lock', path: userdataLock(v.domid!) },
          {
            kind: 'userdata',
            op: 'store',
            domid: v.domid!,
            name: LIBXL_JSON,
            text: storedConfig(memo, v.settled!),
          },
          { kind: 'unlock', path: userdataLock(v.domid!) },
          bootGuest(v.domid!, v.settled!.type, layoutAgain(memo, v.settled!), v.present ?? null),
        ],
        'stored',
        v,
      ),
    stored: (v) => done({ rc: 0, domid: v.domid }),
    destroy: (v) => call('libxl_domain_destroy', { domid: v.domid }, 'destroyed', v),
    destroyed: (v, reply) => {
      if (reply.rc === 0) return done({ rc: ERROR_FAIL, domid: v.domid });
      const message = 'unable to destroy domain following failed creation';
      const site = 'libxl_create.c:1970:domcreate_destruction_cb';
      return ask(libxlLog('error', site, v.domid!, message), 'undestroyed', v);
    },
    undestroyed: (v) => done({ rc: ERROR_FAIL, domid: v.domid }),
    refused: (v) => done({ rc: v.rc ?? ERROR_FAIL }),
  },
});

export const libxlCreateFlows: Readonly<Record<string, Flow>> = { libxl_domain_create: domainCreate };
