/**
 * The devices every guest has: its console, and an HVM guest's keyboard; their places in xenstore.
 *
 * Models libxl__device_console_add() and libxl__device_generic_add(), tools/libs/light/libxl_console.c, libxl_device.c.
 * Simplified: other devices of a config (disks, networks, …) take no memory and get no places in xenstore.
 */
import { type Request, xs } from './task.ts';

interface DevicePaths {
  readonly kind: string;
  readonly frontend: string;
  readonly backend: string;
  readonly libxl: string;
}

function paths(domid: number, kind: string): DevicePaths {
  const dom = `/local/domain/${domid}`;
  return {
    kind,
    frontend: kind === 'console' ? `${dom}/console` : `${dom}/device/${kind}/0`,
    backend: `/local/domain/0/backend/${kind}/${domid}/0`,
    libxl: `/libxl/${domid}/device/${kind}/0`,
  };
}

type Entries = readonly (readonly [key: string, value: string])[];

/** Both ends of a device, and libxl's own record of it. Models libxl__device_generic_add(). */
function genericAdd(tx: number, domid: number, kind: string, front: Entries, back: Entries): Request[] {
  const p = paths(domid, kind);
  const write = (path: string, value: string): Request => xs({ op: 'write', path, value, tx });
  const fresh = (path: string): Request[] => [xs({ op: 'rm', path, tx }), xs({ op: 'mkdir', path, tx })];
  const backend: Entries = [['frontend-id', String(domid)], ['online', '1'], ['state', '1'], ...back];
  return [
    xs({ op: 'rm', path: p.libxl, tx }),
    write(`${p.libxl}/frontend`, p.frontend),
    write(`${p.libxl}/backend`, p.backend),
    ...fresh(p.frontend),
    write(`${p.frontend}/backend`, p.backend),
    write(`${p.frontend}/backend-id`, '0'),
    ...front.map(([key, value]) => write(`${p.frontend}/${key}`, value)),
    ...fresh(p.backend),
    write(`${p.backend}/frontend`, p.frontend),
    ...backend.map(([key, value]) => write(`${p.backend}/${key}`, value)),
    ...backend.map(([key, value]) => write(`${p.libxl}/${key}`, value)),
  ];
}

/** The primary console, served by xenconsoled. `ringRef` is the frame of its ring. */
export const consoleAdd = (tx: number, domid: number, ringRef: number): Request[] =>
  genericAdd(
    tx,
    domid,
    'console',
    [
      ['limit', '1048576'],
      ['type', 'xenconsoled'],
      ['output', 'pty'],
      ['tty', ''],
      ['port', '2'],
      ['ring-ref', String(ringRef)],
    ],
    [['protocol', 'vt100']],
  );

/** The keyboard of an HVM guest. */
export const vkbAdd = (tx: number, domid: number): Request[] =>
  genericAdd(tx, domid, 'vkbd', [['state', '1']], []);
