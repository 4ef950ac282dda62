/**
 * What Xen answers to those who only look, kept with the state it follows from: the replies themselves, from Xen.
 *
 * See look.ts for who reads them.
 */
import { hypercall } from '../hypervisor/hypercall.ts';
import { domId } from '../hypervisor/units.ts';
import { putCell, type SavedCells } from './saved-cells.ts';
import type { World } from './world.ts';

/** Above every domid. Xen: DOMID_FIRST_RESERVED. */
const ALL_DOMAINS = 0x7ff0;

/** Adds the replies to `cells`. `by`: the version that asked; another one asks for itself. */
export function saveLook(cells: SavedCells, world: World, by: string): void {
  const { xen } = world;
  const context = { caller: 0, node: 0 };
  const ask = <T extends Parameters<typeof hypercall>[2]>(call: T): object => hypercall(xen, context, call);
  const list = hypercall(xen, context, {
    name: 'XEN_SYSCTL_getdomaininfolist',
    args: { firstDomain: domId(0), maxDomains: ALL_DOMAINS },
  });
  putCell(cells, 'look', {
    by,
    profile: xen.profile.name,
    XENVER_info: ask({ name: 'XENVER_info', args: {} }),
  });
  putCell(cells, 'look/host', {
    now: world.now,
    due: nextDue(world),
    domids: list.infos.map((info) => info.domid),
    XEN_SYSCTL_physinfo: ask({ name: 'XEN_SYSCTL_physinfo', args: {} }),
    XEN_SYSCTL_cpupool_op: ask({ name: 'XEN_SYSCTL_cpupool_op', args: { sub: 'freeinfo' } }),
    XEN_SYSCTL_numainfo: ask({ name: 'XEN_SYSCTL_numainfo', args: {} }),
  });
  for (const info of list.infos) putCell(cells, `look/domain/${info.domid}`, info);
}

/** When a task would go on by itself, in ns; null: never. */
function nextDue(world: World): number | null {
  let due = Number.POSITIVE_INFINITY;
  for (const { at } of world.tasks) if (at !== null && at < due) due = at;
  return Number.isFinite(due) ? due : null;
}
