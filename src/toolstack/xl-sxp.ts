/** A configuration as an s-expression, xl's old output format. Models printf_info_sexp(), tools/xl/xl_sxp.c. */
import type { DomainConfig, HvmInfo } from './domain-config.ts';
import { DISK_BACKENDS } from './libxl-types-device.ts';
import { sprintf } from './printf.ts';
import { asInt32 } from './strtol.ts';

type Line = readonly [key: string, value: string | number | null];

/** Xen: libxl_defbool_to_string. */
const defbool = (value: boolean | null): string => (value === null ? '<default>' : value ? 'True' : 'False');
const int = (value: number): number => asInt32(BigInt(value));
/** A size as the signed number printf sees: unset is -1. */
const memkb = (value: number | null): string =>
  value === null ? '-1' : BigInt.asIntN(64, BigInt(value)).toString();

const lines = (depth: number, list: readonly Line[]): string =>
  list.map(([key, value]) => `${'\t'.repeat(depth)}(${key} ${value ?? '(null)'})\n`).join('');

function hvmImage(config: DomainConfig, u: HvmInfo): string {
  const b = config.bInfo;
  const body: readonly Line[] = [
    ['firmware', u.firmware],
    ['video_memkb', memkb(b.videoMemkb)],
    ['shadow_memkb', memkb(b.shadowMemkb)],
    ['pae', defbool(u.pae)],
    ['apic', defbool(b.apic)],
    ['acpi', defbool(b.acpi)],
    ['nx', defbool(u.nx)],
    ['viridian', defbool(u.viridian)],
    ['hpet', defbool(u.hpet)],
    ['vpt_align', defbool(u.vptAlign)],
    ['timer_mode', b.timerMode],
    ['nestedhvm', defbool(b.nestedHvm)],
    ['stdvga', u.vga.kind === 'std' ? 'True' : 'False'],
    ['vnc', defbool(u.vnc.enable)],
    ['vnclisten', u.vnc.listen],
    ['vncdisplay', int(u.vnc.display)],
    ['vncunused', defbool(u.vnc.findunused)],
    ['keymap', u.keymap],
    ['sdl', defbool(u.sdl.enable)],
    ['opengl', defbool(u.sdl.opengl)],
    ['nographic', defbool(u.nographic)],
    ['spice', defbool(u.spice.enable)],
    ['spiceport', int(u.spice.port)],
    ['spicetls_port', int(u.spice.tlsPort)],
    ['spicehost', u.spice.host],
    ['spicedisable_ticketing', defbool(u.spice.disableTicketing)],
    ['spiceagent_mouse', defbool(u.spice.agentMouse)],
    ['device_model', b.deviceModel ?? 'default'],
    ['gfx_passthru', defbool(u.gfxPassthru)],
    ['serial', u.serial],
    ['boot', u.boot],
    ['usb', defbool(u.usb)],
    ['usbdevice', u.usbdevice],
    ['vkb_device', defbool(u.vkbDevice)],
  ];
  return `\t\t(hvm\n${lines(3, body)}\t\t)\n`;
}

function pvImage(config: DomainConfig, e820Host: boolean | null): string {
  const b = config.bInfo;
  const body: readonly Line[] = [
    ['kernel', b.kernel],
    ['cmdline', b.cmdline],
    ['ramdisk', b.ramdisk],
    ['e820_host', defbool(e820Host)],
  ];
  return `\t\t(linux 0)\n${lines(3, body)}\t\t)\n`;
}

/** One `(device (KIND …))`. */
const device = (kind: string, body: string): string => `\t(device\n\t\t(${kind}\n${body}\t\t)\n\t)\n`;

function devices(config: DomainConfig, domid: number): string {
  const disks = config.disks.map((d) =>
    device(
      'tap',
      lines(3, [
        ['backend_domid', int(d.backendDomid)],
        ['frontend_domid', domid],
        ['physpath', d.pdevPath],
        ['phystype', DISK_BACKENDS.indexOf(d.backend)],
        ['virtpath', d.vdev],
        ['unpluggable', int(d.removable)],
        ['readwrite', int(d.readwrite)],
        ['is_cdrom', int(d.isCdrom)],
      ]),
    ),
  );
  const nics = config.nics.map((n) =>
    device(
      'vif',
      lines(3, [
        ...(n.ifname === null ? [] : [['vifname', n.ifname] as const]),
        ['backend_domid', int(n.backendDomid)],
        ['frontend_domid', domid],
        ['devid', int(n.devid)],
        ['mtu', int(n.mtu)],
        ['model', n.model],
        ['mac', (n.mac ?? '00:00:00:00:00:00').replaceAll(':', '')],
      ]),
    ),
  );
  const pcidevs = config.pcidevs.map((p) => {
    const bdf = sprintf('%04x:%02x:%02x.%x', p.domain, p.bus, p.dev, p.func);
    const body = `\t\t\t(pci dev ${bdf}@${sprintf('%02x', p.vdevfn)})\n`;
    const opts = `\t\t\t(opts msitranslate ${p.msitranslate ? 1 : 0} power_mgmt ${p.powerMgmt ? 1 : 0})\n`;
    return device('pci', body + opts);
  });
  const vfbs = config.vfbs.map((v) =>
    device(
      'vfb',
      lines(3, [
        ['backend_domid', int(v.backendDomid)],
        ['frontend_domid', domid],
        ['devid', int(v.devid)],
        ['vnc', defbool(v.vnc.enable)],
        ['vnclisten', v.vnc.listen],
        ['vncdisplay', int(v.vnc.display)],
        ['vncunused', defbool(v.vnc.findunused)],
        ['keymap', v.keymap],
        ['sdl', defbool(v.sdl.enable)],
        ['opengl', defbool(v.sdl.opengl)],
        ['display', v.sdl.display],
        ['xauthority', v.sdl.xauthority],
      ]),
    ),
  );
  return [...disks, ...nics, ...pcidevs, ...vfbs].join('');
}

/** What was printed, and what ended it: xl knows no s-expression of a PVH guest. */
export interface Sexp {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status where xl leaves, else null. */
  readonly exit: number | null;
}

/** The configuration of domain `domid` (-1 in a dry run); `uuid` is that of the running domain, null for none. */
export function printfInfoSexp(domid: number, config: DomainConfig, uuid: string | null): Sexp {
  const c = config.cInfo;
  const b = config.bInfo;
  const head: readonly Line[] = [
    ['hvm', c.type === 'hvm' ? 1 : 0],
    ['hap', defbool(c.hap)],
    ['oos', defbool(c.oos)],
    ['ssidref', int(c.ssidref)],
    ['name', c.name],
    ['uuid', uuid ?? '<unknown>'],
    ...(c.poolName === null ? [] : [['cpupool', c.poolName] as const]),
    ['xsdata', '(null)'],
    ['platformdata', '(null)'],
  ];
  const build: readonly Line[] = [
    ['max_vcpus', int(b.maxVcpus)],
    ['max_grant_frames', int(b.maxGrantFrames)],
    ['max_maptrack_frames', int(b.maxMaptrackFrames)],
    ['tsc_mode', b.tscMode],
    ['max_memkb', memkb(b.maxMemkb)],
    ['target_memkb', memkb(b.targetMemkb)],
    ['nomigrate', defbool(b.disableMigrate)],
  ];
  let text = `(domain\n\t(domid ${domid})\n\t(create_info)\n${lines(1, head)}\t(build_info)\n${lines(1, build)}`;
  if (c.type === 'pv' && b.bootloader !== null) {
    text += lines(1, [['bootloader', b.bootloader]]);
    if (b.bootloaderArgs.length > 0) text += `\t(bootloader_args ${b.bootloaderArgs.join(' ')})\n`;
  }
  text += '\t(image\n';
  if (b.type?.tag === 'hvm') text += hvmImage(config, b.type.info);
  else if (b.type?.tag === 'pv') text += pvImage(config, b.type.info.e820Host);
  else return { stdout: text, stderr: 'Unknown domain type 3\n', exit: 1 };
  return { stdout: `${text}\t)\n${devices(config, domid)})\n`, stderr: '', exit: null };
}
