/**
 * What libxl fills in where a config leaves something out, and what it refuses.
 *
 * Models libxl__domain_config_setdefault(), libxl__domain_create_info_setdefault() and
 * libxl__domain_build_info_setdefault(), tools/libs/light/libxl_create.c.
 */
import type { DomainType, PhysInfo } from '../hypervisor/privcmd.ts';
import { type KiB, kib } from '../hypervisor/units.ts';
import type { BuildInfo, DomainConfig, HvmInfo } from './domain-config.ts';
import { ERROR_INVAL } from './libxl-errno.ts';
import type { Request } from './task.ts';
import { MEMKB_DEFAULT, u64, u64Text } from './u64.ts';
import { libxlError, libxlLog } from './xl-log.ts';

/** A config with every default settled that the creation path needs. Plain data. */
export interface SettledConfig {
  readonly config: DomainConfig;
  readonly type: 'pv' | 'hvm' | 'pvh';
  readonly name: string;
  readonly uuid: string;
  readonly hap: boolean;
  readonly maxVcpus: number;
  /** 64-bit sizes in KiB as signed numbers, -65536 for a config's memory="-64". */
  readonly maxMemkb: KiB;
  readonly targetMemkb: KiB;
  readonly videoMemkb: KiB;
  /** 64-bit decimal text: computed from max_memkb before that has its default, it may be near 2^56. */
  readonly shadowMemkb: string;
  readonly iommuMemkb: KiB;
  readonly claimMode: boolean;
  readonly numaPlacement: boolean;
  readonly maxGrantVersion: number;
  readonly poolid: number;
  readonly passthrough: 'disabled' | 'enabled' | 'sync_pt' | 'share_pt';
}

/** What setdefault decided: the settled config, or libxl's error; `requests` holds its messages. */
export type Settled =
  | { readonly rc: 0; readonly settled: SettledConfig; readonly requests: readonly Request[] }
  | { readonly rc: number; readonly settled: null; readonly requests: readonly Request[] };

/**
 * The size of the shadow or HAP pool in KiB: 4 KiB for each MiB of memory (twice that for an HVM guest without HAP)
 * and 1 MiB for each vcpu. Models libxl__get_required_paging_memory().
 */
function getRequiredPagingMemory(args: {
  readonly maxMemkb: bigint;
  readonly vcpus: number;
  readonly type: 'pv' | 'hvm' | 'pvh';
  readonly hap: boolean;
}): bigint {
  const k = (args.type === 'pv' ? 0n : 1n) + (args.hap ? 0n : 1n);
  return u64(4n * (256n * BigInt(args.vcpus) + k * (args.maxMemkb / 1024n)));
}

/** Page tables of the IOMMU where they are not shared: four levels, 512 entries each. Models libxl__get_required_iommu_memory(). */
function getRequiredIommuMemory(maxMemkb: bigint): bigint {
  let pages = 0n;
  let mem = maxMemkb / 4n;
  for (let level = 0; level < 4; level++) {
    mem = (mem + 511n) / 512n;
    pages += mem;
  }
  return u64(pages * 4n);
}

/** Video memory an emulated card needs at least, in KiB, and the name an error shows. */
const VGA_MINIMUM = {
  cirrus: { memkb: 8 * 1024, name: 'CIRRUS' },
  std: { memkb: 16 * 1024, name: 'STDVGA' },
  qxl: { memkb: 128 * 1024, name: 'QXL' },
} as const;

/** Video memory in KiB, or the message of a refusal. A card of kind none has none, whatever was asked. */
function videoMemory(type: SettledConfig['type'], b: BuildInfo, hvm: HvmInfo | null): KiB | string {
  if (type !== 'hvm' || hvm === null) return kib(b.videoMemkb === null ? 0 : b.videoMemkb);
  if (hvm.vga.kind === 'none') return kib(0);
  const kind = hvm.vga.kind === 'unknown' ? 'cirrus' : hvm.vga.kind;
  const minimum = VGA_MINIMUM[kind];
  if (b.videoMemkb === null) return kib(minimum.memkb);
  if (u64(b.videoMemkb) < u64(minimum.memkb)) {
    return `videoram must be at least ${minimum.memkb / 1024} MB for ${minimum.name} on QEMU_XEN`;
  }
  return b.videoMemkb;
}

/** The card's variant of the union, when the config is of an HVM guest. */
const hvmInfoOf = (b: BuildInfo): HvmInfo | null =>
  b.type !== null && b.type.tag === 'hvm' ? b.type.info : null;

/** The combinations libxl refuses, with its words. */
function refusal(config: DomainConfig, maxMemkb: bigint, targetMemkb: bigint): Request | null {
  const pv = config.cInfo.type === 'pv';
  const podEnabled = !pv && targetMemkb < maxMemkb;
  const site = 'libxl__domain_config_setdefault';
  if (!pv && config.pcidevs.length > 0 && podEnabled) {
    return libxlError(
      `libxl_create.c:1196:${site}`,
      null,
      'PCI device assignment for HVM guest failed due to PoD enabled',
    );
  }
  if (podEnabled && config.bInfo.vnumaNodes.length > 0) {
    return libxlError(`libxl_create.c:1205:${site}`, null, 'Cannot enable PoD and vNUMA at the same time');
  }
  if (pv && config.bInfo.vnumaNodes.length > 0) {
    return libxlError(`libxl_create.c:1215:${site}`, null, 'PV vNUMA is not yet supported');
  }
  if (podEnabled && config.bInfo.altp2m !== 'disabled') {
    return libxlError(`libxl_create.c:1230:${site}`, null, 'Cannot enable PoD and ALTP2M at the same time');
  }
  return null;
}

/** How devices reach the guest's memory, if it has any. Models libxl__domain_config_setdefault()'s part on passthrough. */
function passthroughMode(config: DomainConfig, type: DomainType, hap: boolean): SettledConfig['passthrough'] {
  const { passthrough } = config.cInfo;
  if (passthrough === 'enabled') return 'sync_pt';
  if (passthrough !== 'default' && passthrough !== 'unknown') return passthrough;
  if (config.pcidevs.length === 0 && config.dtdevs.length === 0) return 'disabled';
  return type === 'pv' || !hap ? 'sync_pt' : 'share_pt';
}

/** Fills in the defaults. The order matters: the paging pool is sized before memory and vcpus have theirs. */
export function domainConfigSetdefault(config: DomainConfig, physinfo: PhysInfo, uuid: string): Settled {
  const { cInfo, bInfo } = config;
  const requests: Request[] = [];
  const fail = (request: Request): Settled => ({
    rc: ERROR_INVAL,
    settled: null,
    requests: [...requests, request],
  });
  if (cInfo.type === 'invalid') {
    return fail(
      libxlError('libxl_create.c:30:libxl__domain_create_info_setdefault', null, 'domain type unspecified'),
    );
  }
  const type = cInfo.type;
  const hap = type !== 'pv' && (cInfo.hap ?? physinfo.capabilities.includes('hap'));
  const passthrough = passthroughMode(config, type, hap);
  const rawMax = bInfo.maxMemkb === null ? MEMKB_DEFAULT : u64(bInfo.maxMemkb);
  const shadow =
    bInfo.shadowMemkb === null
      ? getRequiredPagingMemory({ maxMemkb: rawMax, vcpus: bInfo.maxVcpus, type, hap })
      : u64(bInfo.shadowMemkb);
  const iommu =
    bInfo.iommuMemkb ?? kib(passthrough === 'sync_pt' ? Number(getRequiredIommuMemory(rawMax)) : 0);
  const maxMemkb = bInfo.maxMemkb ?? kib(32 * 1024);
  const targetMemkb = bInfo.targetMemkb ?? maxMemkb;
  const video = videoMemory(type, bInfo, hvmInfoOf(bInfo));
  if (typeof video === 'string') {
    return fail(libxlError('libxl_create.c:220:libxl__domain_build_info_setdefault', null, video));
  }
  const refused = refusal(config, u64(maxMemkb), u64(targetMemkb));
  if (refused !== null) return fail(refused);
  const affinityGiven =
    bInfo.cpumap.length > 0 || bInfo.vcpuHardAffinity.length > 0 || bInfo.vcpuSoftAffinity.length > 0;
  if (bInfo.numaPlacement === true && affinityGiven) {
    requests.push(
      libxlLog(
        'warning',
        'libxl_dom.c:370:libxl__build_pre',
        null,
        "Can't run NUMA placement, as a (hard or soft) affinity has been specified explicitly",
      ),
    );
  }
  const settled: SettledConfig = {
    config,
    type,
    name: cInfo.name ?? '',
    uuid: cInfo.uuid ?? uuid,
    hap,
    maxVcpus: bInfo.maxVcpus === 0 ? 1 : bInfo.maxVcpus,
    maxMemkb,
    targetMemkb,
    videoMemkb: video,
    shadowMemkb: u64Text(shadow),
    iommuMemkb: iommu,
    claimMode: bInfo.claimMode === true,
    numaPlacement: (bInfo.numaPlacement ?? true) && !affinityGiven && bInfo.nodemap.length === 0,
    poolid: cInfo.poolid,
    maxGrantVersion: bInfo.maxGrantVersion === -1 ? 2 : bInfo.maxGrantVersion,
    passthrough,
  };
  return { rc: 0, settled, requests };
}

/** What each type needs beyond its memory, in KiB. Xen: LIBXL_HVM_EXTRA_MEMORY, LIBXL_PV_EXTRA_MEMORY. */
const EXTRA_MEMORY = { hvm: 2048n, pvh: 2048n, pv: 1024n } as const;

/**
 * What the host must have free for a guest, in KiB, a multiple of 2 MiB. Models
 * libxl__domain_need_memory_calculate(), tools/libs/light/libxl_mem.c.
 */
export function domainNeedMemory(s: SettledConfig): bigint {
  let need = u64(s.targetMemkb) + u64(s.shadowMemkb) + u64(s.iommuMemkb) + EXTRA_MEMORY[s.type];
  const b = s.config.bInfo;
  if (s.type === 'hvm' && b.deviceModelStubdomain === true) {
    need += u64(b.stubdomainMemkb ?? 28 * 1024) + u64(s.videoMemkb);
  }
  need = u64(need);
  const rest = need % 2048n;
  return rest === 0n ? need : u64(need + 2048n - rest);
}
