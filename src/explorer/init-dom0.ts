/**
 * What dom0's own boot leaves behind: its nodes in xenstore and the config libxl keeps of it.
 *
 * Models tools/helpers/xen-init-dom0.c and what xenstored makes at its start.
 */
import { type KiB, pages, pagesToKib } from '../hypervisor/units.ts';
import { dom0Balloon } from '../toolstack/guest.ts';
import { addTask } from './task-life.ts';
import { withUserdata } from './userdata.ts';
import type { World } from './world.ts';
import { serveXs } from './xenstored.ts';

/** The last moment in which dom0 exists for Xen only. Call once, on a fresh world whose Xen has built dom0. */
export function initDom0(world: World, totPages: number): void {
  const memkb = pagesToKib(pages(totPages));
  const nodes: readonly (readonly [string, string])[] = [
    ['/tool/xenstored', ''],
    ['/local/domain/0/domid', '0'],
    ['/local/domain/0/name', 'Domain-0'],
    ['/local/domain/0/memory/target', String(memkb)],
    ['/local/domain/0/memory/static-max', String(memkb)],
    ['/libxl', ''],
    ['/vm', ''],
  ];
  for (const [path, value] of nodes) world.store = serveXs(world.store, { op: 'write', path, value }).state;
  world.store = serveXs(world.store, { op: 'introduce', domid: 0 }).state;
  world.userdata = withUserdata(world.userdata, 0, 'libxl-json', dom0Config(memkb));
  // dom0's balloon driver follows its memory/target from here on.
  addTask(world, dom0Balloon(totPages), 0);
}

/** The config xen-init-dom0 stores; libxl fills in the rest whenever it is shown. */
const dom0Config = (memkb: KiB): string =>
  JSON.stringify({
    c_info: { type: 'pv', name: 'Domain-0' },
    b_info: { max_memkb: memkb, target_memkb: memkb, 'type.pv': {}, arch_arm: {}, arch_x86: {} },
  });
