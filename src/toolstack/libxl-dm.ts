/**
 * The device model of an HVM guest: QEMU, which takes memory of its own for the guest.
 *
 * Models libxl__spawn_local_dm(), tools/libs/light/libxl_dm.c, and QEMU's xen_ram_alloc(). Simplified: QEMU populates
 * the video memory and one VGA option ROM (plus one ROM for each emulated network card) with single pages at the start
 * of the MMIO hole; it issues nothing else.
 */
import { domId, gfn, order, PAGE_SIZE } from '../hypervisor/units.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import type { SettledConfig } from './libxl-setdefault.ts';
import { ask, done, type Flow, flow, goto, hypercall } from './task.ts';
import { buildLayout } from './xg-layout.ts';
import { libxlError, stderrText } from './xl-log.ts';

const DEVICE_MODEL = '/usr/libexec/xen-qemu-system-i386';
/** Pages of the VGA BIOS, and of a network card's boot ROM: 64 KiB and 256 KiB. */
const VGA_ROM_PAGES = 16;
const NIC_ROM_PAGES = 64;

interface DmVars {
  readonly settled: SettledConfig;
  readonly domid: number;
  readonly asked?: number;
}

/** Pages QEMU adds to the guest. */
function qemuPages(s: SettledConfig): number {
  const emulated = s.config.nics.filter((nic) => nic.nictype !== 'vif').length;
  const vgaRom = s.videoMemkb > 0 ? VGA_ROM_PAGES : 0;
  return Math.floor(s.videoMemkb / 4) + vgaRom + emulated * NIC_ROM_PAGES;
}

/** Starts the device model. Done value { rc }: 0, or ERROR_FAIL with libxl's words on stderr. */
const spawnLocalDm = flow<DmVars>({
  name: 'libxl__spawn_local_dm',
  steps: {
    start: (v) =>
      ask(
        { kind: 'file', op: 'stat', path: v.settled.config.bInfo.deviceModel ?? DEVICE_MODEL },
        'executable',
        v,
      ),
    executable: (v, reply) => {
      if (reply.rc < 0) {
        const path = v.settled.config.bInfo.deviceModel ?? DEVICE_MODEL;
        const site = 'libxl__spawn_local_dm';
        const hint =
          path === DEVICE_MODEL
            ? [
                libxlError(
                  `libxl_dm.c:2911:${site}`,
                  v.domid,
                  'Please install the qemu-system-xen package for this domain to work',
                ),
              ]
            : [];
        return ask(
          [
            libxlError(
              `libxl_dm.c:2909:${site}`,
              v.domid,
              `device model ${path} is not executable`,
              -reply.rc,
            ),
            ...hint,
          ],
          'failed',
          v,
        );
      }
      const asked = qemuPages(v.settled);
      if (asked === 0) return goto('running', v);
      const first = gfn(buildLayout(v.settled).mmioStart);
      return ask(
        hypercall('XENMEM_populate_physmap', {
          domid: domId(v.domid),
          extentOrder: order(0),
          nrExtents: asked,
          extentStart: [{ first, count: asked, stride: 1 }],
          memFlags: {},
        }),
        'populated',
        { ...v, asked },
      );
    },
    populated: (v, reply) => {
      if (reply.rc === v.asked) return goto('running', v);
      const at = (buildLayout(v.settled).mmioStart * PAGE_SIZE).toString(16);
      return ask(stderrText(`qemu: hardware error: xen: failed to populate ram at ${at}\n`), 'failed', v);
    },
    running: () => done({ rc: 0 }),
    failed: (v) =>
      ask(
        [
          libxlError('libxl_dm.c:3161:device_model_spawn_outcome', v.domid, '(null): spawn failed (rc=-3)'),
          libxlError(
            'libxl_dm.c:3381:device_model_postconfig_done',
            v.domid,
            'Post DM startup configs failed, rc=-3',
          ),
        ],
        'end',
        v,
      ),
    end: () => done({ rc: ERROR_FAIL }),
  },
});

export const libxlDmFlows: Readonly<Record<string, Flow>> = { libxl__spawn_local_dm: spawnLocalDm };
