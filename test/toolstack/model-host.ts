/** A whole host of the model with xl in front of it, for tests that follow a command down to the heap. */
import { initDom0 } from '../../src/explorer/init-dom0.ts';
import { runTasks, type Settle, settleWorld, startCommand } from '../../src/explorer/run.ts';
import { newRun, type Run } from '../../src/explorer/run-state.ts';
import { newWorld, type World } from '../../src/explorer/world.ts';
import { xsFind } from '../../src/explorer/xs-tree.ts';
import { ENOENT } from '../../src/hypervisor/errno.ts';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import type { HostConfig } from '../../src/hypervisor/host-config.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import type { GetDomainInfo, PhysInfo } from '../../src/hypervisor/privcmd.ts';
import { domId } from '../../src/hypervisor/units.ts';
import { type TraceEntry, traceLines } from '../../src/toolstack/trace-line.ts';

const GIB = 262144;

export interface ModelRun {
  readonly rc: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was asked of Xen and of xenstore, one line each, as --trace-hypercalls writes it. */
  readonly trace: readonly string[];
}

export interface ModelHost {
  readonly world: World;
  /** Runs `xl WORDS…` and lets the host settle. `cfg` is the text of a config named `cfg`. */
  readonly xl: (words: readonly string[], cfg?: string, settle?: Settle) => ModelRun;
  readonly info: (domid: number) => GetDomainInfo;
  readonly phys: () => PhysInfo;
  readonly store: (path: string) => string | undefined;
}

export interface ModelConfig {
  readonly host?: Partial<HostConfig>;
  /** dom0 was given no size and owns nearly all. */
  readonly greedyDom0?: boolean;
  readonly xlConf?: string;
  readonly missingFiles?: readonly string[];
}

/** 16 GiB, one node, 16 cpus, a dom0 of 1 GiB that was given its size. */
export function modelHost(config: ModelConfig = {}): ModelHost {
  const xen = bootHost({
    memoryPages: 16 * GIB,
    nodes: 1,
    cpus: 16,
    ...(config.greedyDom0 === true ? {} : { dom0Pages: GIB }),
    xen: '4.22',
    bootscrub: 'off',
    ...config.host,
  });
  const world = newWorld(xen, {
    seed: 1,
    xlConf: config.xlConf ?? '',
    missingFiles: config.missingFiles ?? [],
  });
  const info = (domid: number): GetDomainInfo =>
    hypercall(xen, { caller: 0 }, { name: 'XEN_DOMCTL_getdomaininfo', args: { domid: domId(domid) } }).info;
  initDom0(world, info(0).totPages);
  return {
    world,
    xl: (words, cfg, settle = 'idle') => runXl(world, words, cfg, settle),
    info,
    phys: () => hypercall(xen, { caller: 0 }, { name: 'XEN_SYSCTL_physinfo', args: {} }).info,
    store: (path) => xsFind(world.store.root, path)?.value,
  };
}

function runXl(world: World, words: readonly string[], cfg: string | undefined, settle: Settle): ModelRun {
  const text = { stdout: '', stderr: '' };
  const entries: TraceEntry[] = [];
  const run: Run = newRun(
    world,
    { absolute: (path) => path, readFile: (path) => (path === 'cfg' && cfg !== undefined ? cfg : -ENOENT) },
    null,
  );
  const observer = {
    write: (stream: 'stdout' | 'stderr', more: string) => {
      text[stream] += more;
    },
    served: (request: TraceEntry['request'], reply: TraceEntry['reply']) => {
      entries.push({ request, reply });
    },
  };
  const id = startCommand(run, words, observer, world.now);
  runTasks(run, () => run.ended.has(id), Number.POSITIVE_INFINITY);
  settleWorld(run, settle);
  return { rc: run.ended.get(id) ?? -1, ...text, trace: traceLines(entries) };
}
