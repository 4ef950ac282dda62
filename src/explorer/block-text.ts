/** A driven block as text: two with the same text have the same future, or (by class) one that looks the same. */

import { domids, heapDomainOf, type Xen } from '../hypervisor/xen.ts';
import { saveXen } from '../hypervisor/xen-save.ts';
import type { BlockRun } from './block.ts';
import { type Canon, canonText } from './canonical.ts';
import { domainClass, heapClass, heapDomainClass } from './memory-class.ts';
import type { RunningTask, World } from './world.ts';
import type { XsState } from './xenstored.ts';

/** Whether it matters which frame is whose. */
export type Ownership = 'class' | 'exact';

/** The whole state. Left out: the clock (only distances count), what was printed, counters that only name things. */
export function blockText(canon: Canon, block: BlockRun, ownership: Ownership): string {
  const { world } = block.run;
  const parts = [
    canonText(
      canon,
      block.states.map((state) => ({ ...state, at: Math.max(0, state.at - world.now) })),
    ),
    canonText(canon, block.born),
    ...world.tasks.map((task) => taskText(canon, task, world.now)).sort(),
    storeText(canon, world.store),
    canonText(canon, world.userdata),
    canonText(canon, world.locks),
    restText(canon, world),
    ownership === 'class' ? xenClassText(canon, world.xen) : exactText(world.xen),
  ];
  return parts.join('\n');
}

/** A task. Moments are told as distances from now. */
export function taskText(canon: Canon, task: RunningTask, now: number): string {
  const { at, ...rest } = task;
  const left = at === null ? 'never' : at <= now ? 'now' : String(at - now);
  return `${left} ${canonText(canon, rest)}`;
}

/** xenstore. Without an open transaction generations and numbers of transactions tell nothing. */
export function storeText(canon: Canon, { root, introduced, transactions, generation }: XsState): string {
  let text = `${canonText(canon, root)} ${introduced.join()}`;
  for (const [tx, { root: own, base, touched }] of transactions) {
    text += ` ${tx}:${canonText(canon, own)},${base === generation},${touched.join()}`;
  }
  return text;
}

/** How long libxl remembers a domid. Xen: CHILD_DOMID_REUSE_TIMEOUT of libxl_domid_history. */
const REMEMBERED = 60e9;

export function restText(canon: Canon, world: World): string {
  const recent = world.recentDomids.filter(({ at }) => world.now - at < REMEMBERED);
  const ages = recent.map(({ domid, at }) => `${domid}:${world.now - at}`);
  const rest = [world.uuids, world.xlConf, world.missingFiles, world.files];
  return `${ages.join()} ${canonText(canon, rest)}`;
}

function xenClassText(canon: Canon, xen: Xen): string {
  const domains = domids(xen).map((domid) => domainText(canon, xen, domid));
  return [heapClass(xen.heap), ...domains, xen.lastDomid, canonText(canon, xen.cpupools)].join('\n');
}

/** A domain by class; its record is a value, looked at once. */
export function domainText(canon: Canon, xen: Xen, domid: number): string {
  const record = xen.domains.get(domid)!;
  let known = canon.known.get(record);
  if (known === undefined) {
    known = canonText(canon, domainClass(record));
    canon.known.set(record, known);
  }
  return `${domid} ${known} ${heapDomainClass(heapDomainOf(xen, domid))}`;
}

/** Every frame, every list in its order. */
function exactText(xen: Xen): string {
  const { consoleRing: _printed, ...saved } = saveXen(xen) as { consoleRing: string };
  return JSON.stringify(saved);
}
