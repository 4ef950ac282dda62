/** A running Xen as JSON and back. */

import { loadDomain, saveDomain } from './domain-save.ts';
import type { Cpupool, Domain } from './domain-state.ts';
import { loadHeap } from './heap-load.ts';
import { saveHeap } from './heap-save.ts';
import { type HostConfig, hostConfigErrors, hostLayout, hostProfile } from './host-config.ts';
import { elements, field, oneOf, type Saved, SavedDataError, text, whole, wholes } from './saved-value.ts';
import { domainOf, domids, type Xen } from './xen.ts';
import { checkXenCounts } from './xen-invariants.ts';

const FORMAT = 'xlsim-xen';
const VERSION = 1;

/**
 * The host as plain data that JSON can hold; the size follows the runs of its memory, not the memory.
 * `domain` writes down a domain's record, for those who know which of them have not changed.
 */
export function saveXen(xen: Xen, domain: (d: Domain) => object = saveDomain): object {
  return {
    format: FORMAT,
    version: VERSION,
    config: xen.layout.config,
    commandLine: xen.commandLine,
    lastDomid: xen.lastDomid,
    cpupools: xen.cpupools,
    consoleRing: xen.consoleRing,
    domains: domids(xen).map((domid) => domain(domainOf(xen, domid))),
    heap: saveHeap(xen.heap),
  };
}

/** The host that saveXen() wrote. Throws SavedDataError (or the heap's own error) for anything else; repairs nothing. */
export function loadXen(data: unknown): Xen {
  const saved: Saved = { value: data, at: 'xen' };
  oneOf(field(saved, 'format'), [FORMAT]);
  const version = whole(field(saved, 'version'));
  if (version > VERSION) {
    throw new SavedDataError(
      `xen.version is ${version}, made by a newer xlsim; this one reads up to ${VERSION}`,
    );
  }
  const config = loadConfig(field(saved, 'config'));
  const profile = hostProfile(config);
  const errors = hostConfigErrors(config);
  if (profile === null || errors.length > 0) throw new SavedDataError(`xen.config: ${errors.join('; ')}`);
  const domains = elements(field(saved, 'domains')).map(loadDomain);
  const xen: Xen = {
    heap: loadHeap(field(saved, 'heap').value),
    layout: hostLayout(config),
    profile,
    commandLine: text(field(saved, 'commandLine')),
    domains: new Map(domains.map((d) => [d.domid, d])),
    domainList: domains.map((d) => d.domid).sort((a, b) => a - b),
    toldInfos: new Map(),
    lastDomid: whole(field(saved, 'lastDomid')),
    cpupools: elements(field(saved, 'cpupools')).map(loadCpupool),
    consoleRing: text(field(saved, 'consoleRing')),
    undo: null,
  };
  const wrong = checkXenCounts(xen);
  if (wrong.length > 0) throw new SavedDataError(`xen contradicts itself: ${wrong[0]}`);
  return xen;
}

const loadCpupool = (saved: Saved): Cpupool => ({
  id: whole(field(saved, 'id')),
  sched: text(field(saved, 'sched')),
  cpus: wholes(field(saved, 'cpus')),
});

function loadConfig(saved: Saved): HostConfig {
  const optional = (name: string): boolean =>
    typeof saved.value === 'object' && saved.value !== null && Object.hasOwn(saved.value, name);
  return {
    memoryPages: whole(field(saved, 'memoryPages')),
    nodes: whole(field(saved, 'nodes')),
    cpus: whole(field(saved, 'cpus')),
    xen: text(field(saved, 'xen')),
    bootscrub: oneOf(field(saved, 'bootscrub'), ['idle', 'off']),
    ...(optional('nodeMemoryPages') ? { nodeMemoryPages: wholes(field(saved, 'nodeMemoryPages')) } : {}),
    ...(optional('distances')
      ? { distances: elements(field(saved, 'distances')).map((row) => wholes(row)) }
      : {}),
    ...(optional('dom0Pages') ? { dom0Pages: whole(field(saved, 'dom0Pages')) } : {}),
  };
}
