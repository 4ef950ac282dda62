/** A scene being answered: the pretended host and what has been written since. */
import type { GetDomainInfo } from '../../src/hypervisor/privcmd.ts';
import type { Scene } from './scene-file.ts';

/** What a run may look at besides the scene. */
export interface SceneOptions {
  /** Text of a file as one char per byte, or a negative errno. */
  readonly readFile?: (path: string) => string | number;
  /** Whether a file named by a config is there; default: everything is. */
  readonly statFile?: (path: string) => number;
  /** libxl's stored texts, by `domid/name`. */
  readonly userdata?: Readonly<Record<string, string>>;
  /** Makes the n-th hypercall (0 first) fail with this errno. */
  readonly failAt?: { readonly n: number; readonly errno: number };
}

/** A scene being answered: the scene and what has been written since. */
export interface SceneState {
  readonly scene: Scene;
  readonly options: SceneOptions;
  readonly xs: Map<string, string>;
  readonly userdata: Map<string, string>;
  /** Domains there are now, by id. */
  readonly doms: Map<number, GetDomainInfo>;
  readonly vcpuPins: Map<string, readonly number[]>;
  readonly destroyed: number[];
  populateLeft: number;
  ns: number;
  nextTx: number;
  spawned: number;
  hypercalls: number;
}

export const SCENE_UUID = '00112233-4455-4677-8899-aabbccddeeff';
/** 2026-01-04 01:02:03 UTC, the recordings' time(). */
export const SCENE_TIME = 1767488523;
/** How long the recordings' dom0 had been up, from /proc/uptime. */
export const SCENE_UPTIME_NS = 12345e9;

/** A number of a scene, or what holds where it says nothing. */
export const num = (text: string | undefined, otherwise = 0): number =>
  text === undefined ? otherwise : Number(text);

/** A `dom` line as getdomaininfo reports it. */
export function domainInfo(scene: Scene, dom: Readonly<Record<string, string>>): GetDomainInfo {
  const flags = (dom.flags ?? '').split(',');
  const id = num(dom.id);
  const stored = scene.xs.find(([path]) => path === `/libxl/${id}/type`)?.[1];
  const hvm = flags.includes('hvm');
  return {
    domid: id,
    type: hvm ? (stored === 'pvh' ? 'pvh' : 'hvm') : 'pv',
    hap: flags.includes('hap'),
    dying: flags.includes('dying'),
    shutdown: dom.shutdown !== undefined,
    shutdownReason: num(dom.shutdown),
    paused: flags.includes('paused'),
    blocked: flags.includes('blocked'),
    running: flags.includes('running'),
    totPages: num(dom.tot),
    maxPages: num(dom.max),
    outstandingPages: num(dom.outstanding),
    shrPages: num(dom.shr),
    pagedPages: num(dom.paged),
    cpuTime: num(dom.cpu_time),
    nrOnlineVcpus: num(dom.online),
    maxVcpuId: num(dom.maxvcpu),
    cpupool: num(dom.pool),
    handle: dom.uuid ?? '',
  } as unknown as GetDomainInfo;
}

/** Starts answering from a scene. */
export function openScene(scene: Scene, options: SceneOptions = {}): SceneState {
  return {
    scene,
    options,
    xs: new Map(scene.xs),
    userdata: new Map(Object.entries(options.userdata ?? {})),
    doms: new Map(scene.doms.map((d) => [num(d.id), domainInfo(scene, d)])),
    vcpuPins: new Map(),
    destroyed: [],
    populateLeft: num(scene.host.populate_limit, Number.POSITIVE_INFINITY),
    ns: SCENE_UPTIME_NS,
    nextTx: 1,
    spawned: 0,
    hypercalls: 0,
  };
}
