/** Guest actions in the world: what the guest's kernel would do. */
import { p2mLookup, p2mRuns } from '../hypervisor/p2m.ts';
import { isPod, p2mEnd, p2mMappedOrder, p2mPages } from '../hypervisor/p2m-run.ts';
import { markWritten, podDemandPopulate } from '../hypervisor/pod.ts';
import { domId } from '../hypervisor/units.ts';
import { hypercall, type Request, xs } from '../toolstack/task.ts';
import type { GuestAction } from './guest-action.ts';
import { fireWatches } from './watches.ts';
import type { World } from './world.ts';
import { serveXs } from './xenstored.ts';

/** SCHEDOP_shutdown's reasons (xen/include/public/sched.h). */
const REASONS = { shutdown: 0, reboot: 1, crash: 3 } as const;

/** What keeps a domain from acting, or null. */
export function cannotAct(world: World, domid: number | null, name: string): string | null {
  const domain = domid === null ? undefined : world.xen.domains.get(domid);
  if (domain === undefined) return `there is no guest "${name}" on the host`;
  if (domain.isShutDown) return `guest "${name}" has shut down`;
  if (domain.controllerPauseCount > 0) return `guest "${name}" is paused`;
  return null;
}

/** The requests of an action that is asked of Xen or xenstore; null for touch, which asks nobody. */
export function guestRequests(world: World, domid: number, action: GuestAction): Request[] | null {
  switch (action.do) {
    case 'shutdown':
    case 'reboot':
    case 'crash':
      return [hypercall('SCHEDOP_shutdown', { domid: domId(domid), reason: REASONS[action.do] })];
    case 'balloon-to': {
      const home = `/local/domain/${domid}/memory`;
      const video = serveXs(world.store, { op: 'read', path: `${home}/videoram` }).reply.value ?? '0';
      const target = Math.max(0, action.pages * 4 - Number(video));
      return [xs({ op: 'write', path: `${home}/target`, value: String(target) })];
    }
    case 'touch':
      return null;
  }
}

/** Writes to guest pages in ascending order. Returns how many were touched; less if the domain crashed over it. */
export function touchPages(world: World, domid: number, from: number, count: number): number {
  const { xen } = world;
  let skip = from;
  let touched = 0;
  const runs = p2mRuns(xen.domains.get(domid)?.p2m ?? null);
  for (const run of runs) {
    const size = p2mPages(run);
    if (skip >= size) {
      skip -= size;
      continue;
    }
    let gfn = run.gfn + skip;
    skip = 0;
    const end = Math.min(run.gfn + size, gfn + count - touched);
    while (gfn < end) {
      const mapped = p2mLookup(xen.domains.get(domid)?.p2m ?? null, gfn);
      let next = end;
      if (mapped === null) next = gfn + 1;
      else if (!isPod(mapped)) {
        next = Math.min(end, p2mEnd(mapped));
        markWritten(xen, domid, gfn, next - gfn);
      } else {
        podDemandPopulate(xen, domid, gfn, true);
        if (xen.domains.get(domid)?.isShutDown === true) {
          fireWatches(world, ['@releaseDomain'], -1);
          return touched;
        }
        const given = p2mLookup(xen.domains.get(domid)?.p2m ?? null, gfn);
        const size = given === null ? 1 : 2 ** p2mMappedOrder(given);
        next = Math.min(end, Math.floor(gfn / size) * size + size);
        // What was written is not zero, so that no sweep takes it back.
        if (given !== null && !isPod(given)) markWritten(xen, domid, gfn, next - gfn);
      }
      touched += next - gfn;
      gfn = next;
    }
    if (touched >= count) break;
  }
  return touched;
}
