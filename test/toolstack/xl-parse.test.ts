import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { xlConfDefaults } from '../../src/toolstack/xl-conf.ts';
import { parseConfig, withOverrides } from '../../src/toolstack/xl-parse.ts';
import { configOf, input, parseHvm, parsePv, UUID } from './config-fixture.ts';

const spoken = (parsed: { stderr: string; exit: number }) => [parsed.stderr, parsed.exit];

describe('parse_config_data: identity', () => {
  it('takes the given uuid only where the config has none', () => {
    expect(configOf(parsePv('')).cInfo.uuid).toBe(UUID);
    expect(configOf(parsePv('uuid="AAAAAAAA-1111-2222-3333-BBBBBBBBBBBB"')).cInfo.uuid).toBe(
      'aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb',
    );
    expect(spoken(parsePv('uuid="1"'))).toEqual(['Failed to parse UUID: 1\n', 1]);
  });

  it('matches types by prefix and lets builder agree with type', () => {
    expect(configOf(parsePv('type="p"')).cInfo.type).toBe('pv');
    expect(configOf(parsePv('type="h"\nbuilder="hv"')).cInfo.type).toBe('hvm');
    expect(spoken(parsePv('type="pvh"\nbuilder="generic"'))).toEqual([
      'Contradicting "builder" and "type" options specified.\n',
      1,
    ]);
  });

  it('needs a name, but any text will do', () => {
    expect(spoken(parseConfig({ ...input, text: 'kernel="/k"\n' }))).toEqual([
      'Domain name must be specified.\n',
      1,
    ]);
    expect(configOf(parsePv('name=""')).cInfo.name).toBe('');
  });
});

describe('parse_config_data: memory and vcpus', () => {
  it('reads sizes in MiB and wraps them at 64 bits', () => {
    const { bInfo } = configOf(parsePv('memory=64'));
    expect([bInfo.targetMemkb, bInfo.maxMemkb]).toEqual([65536, 65536]);
    expect(configOf(parsePv('memory="-1"')).bInfo.targetMemkb).toBe(-1024);
  });

  it('lets maxmem be below memory', () => {
    const { bInfo } = configOf(parsePv('memory=64\nmaxmem=32'));
    expect([bInfo.targetMemkb, bInfo.maxMemkb]).toEqual([65536, 32768]);
  });

  it('settles maxvcpus by vcpus and refuses fewer', () => {
    const { bInfo } = configOf(parsePv('vcpus=3'));
    expect([bInfo.availVcpus, bInfo.maxVcpus]).toEqual([[0, 1, 2], 3]);
    expect(spoken(parsePv('vcpus=3\nmaxvcpus=2'))).toEqual(['xl: maxvcpus < vcpus\n', 1]);
  });

  it('refuses a negative number of vcpus in the words of libxl', () => {
    expect(parsePv('vcpus="-1"').stderr).toBe(
      'libxl: error: libxl_utils.c:809:libxl_cpu_bitmap_alloc: invalid number of cpus provided\nUnable to allocate cpumap\n',
    );
  });

  it('ends without a word at a bad grant limit', () => {
    for (const bad of ['"-1"', '2147483648', '"x"', '[]']) {
      expect(spoken(parsePv(`max_grant_frames=${bad}`))).toEqual(['', 1]);
    }
  });

  it('takes claim_mode from xl.conf, not from the guest', () => {
    expect(configOf(parsePv('claim_mode=0')).bInfo.claimMode).toBe(true);
    const xlconf = { ...xlConfDefaults, claimMode: false };
    expect(configOf(parsePv('', { xlconf })).bInfo.claimMode).toBe(false);
  });
});

describe('parse_vcpu_affinity', () => {
  it('gives every vcpu the map of a string, and disables placement for lists only', () => {
    const text = configOf(parsePv('vcpus=2\ncpus="0-3,^1"')).bInfo;
    expect([text.vcpuHardAffinity, text.numaPlacement]).toEqual([
      [
        [0, 2, 3],
        [0, 2, 3],
      ],
      null,
    ]);
    const list = configOf(parsePv('vcpus=2\ncpus=["5"]')).bInfo;
    expect([list.vcpuHardAffinity, list.numaPlacement]).toEqual([[[5]], false]);
  });

  it('sees only the cpus of a node that fit a map of nodes', () => {
    expect(configOf(parsePv('vcpus=1\ncpus="node:0"')).bInfo.vcpuHardAffinity).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]);
    expect(parsePv('vcpus=1\ncpus="node:1"').stderr).toBe('vcpu hard affinity map is empty\n');
  });

  it('refuses ranges that are reversed or followed by anything', () => {
    expect(parsePv('vcpus=1\ncpus="3-1"').stderr).toBe('Invalid pcpu range: 3-1.\n');
    expect(parsePv('vcpus=1\ncpus="1 "').stderr).toBe('Invalid pcpu range: 1 .\n');
    expect(parsePv('vcpus=1\ncpus="^all"').stderr).toBe('Can\'t combine "^" and "all".\n');
  });

  it('is cut down by the masks of xl.conf unless told otherwise', () => {
    const xlconf = { ...xlConfDefaults, vmCpumask: '0-3', vmPvCpumask: '2-9' };
    expect(configOf(parsePv('vcpus=1', { xlconf })).bInfo.vcpuHardAffinity).toEqual([[2, 3]]);
    const ignored = parsePv('vcpus=1', { xlconf, ignoreGlobalAffinityMasks: true });
    expect(configOf(ignored).bInfo.vcpuHardAffinity).toEqual([]);
  });
});

describe('parse_vnuma_config', () => {
  it('makes nodes and settles maxvcpus and maxmem by their sums', () => {
    const { bInfo } = configOf(
      parsePv(
        'vnuma=[["pnode=0","size=256","vcpus=0-1","vdistances=10,20"],["pnode=1","size=256","vcpus=2"]]',
      ),
    );
    expect([bInfo.maxVcpus, bInfo.maxMemkb, bInfo.numaPlacement]).toEqual([3, 524288, false]);
    expect(bInfo.vnumaNodes[1]).toEqual({ memkb: 262144, distances: [0, 0], pnode: 1, vcpus: [2] });
  });

  it('counts what was read of a bad range, and ignores what follows a number', () => {
    const { bInfo } = configOf(parsePv('vnuma=[["size=256M","vcpus=1x"]]'));
    expect([bInfo.vnumaNodes[0]?.vcpus, bInfo.maxMemkb]).toEqual([[1], 262144]);
  });

  it('refuses sums that contradict maxvcpus or maxmem', () => {
    expect(parsePv('maxvcpus=3\nvnuma=[["vcpus=0"]]').stderr).toBe(
      'xl: vnuma vcpus and maxvcpus= mismatch\n',
    );
    expect(parsePv('maxmem=9\nvnuma=[["size=8","vcpus=0"]]').stderr).toBe(
      'xl: maxmem and vnuma memory size mismatch\n',
    );
  });

  it('says which node is no list', () => {
    expect(parsePv('vnuma=["x"]').stderr).toBe(
      'g.cfg:3:0: warning: value is not a list\nxl: cannot get vnode config option list\n',
    );
  });
});

describe('parse_config_data: booting', () => {
  it('joins root and extra unless cmdline is there', () => {
    expect(configOf(parsePv('root="/dev/xvda"\nextra="ro"')).bInfo.cmdline).toBe('root=/dev/xvda ro');
    expect(parsePv('cmdline="a"\nextra="b"').stderr).toBe(
      'Warning: ignoring root= and extra= in favour of cmdline=\n',
    );
  });

  it('dies as the real program does of bootloader_args without a word', () => {
    expect(parsePv('bootloader_args=""').exit).toBe(139);
  });

  it('names the numbers of tsc_mode and timer_mode', () => {
    const warning = (key: string, name: string) =>
      `WARNING: specifying "${key}" as an integer is deprecated. Please use the named parameter variant. e.g. ${key}="${name}"\n`;
    expect(parsePv('tsc_mode=2').stderr).toBe(warning('tsc_mode', 'native'));
    expect(parseHvm('timer_mode=0').stderr).toBe(warning('timer_mode', 'delay_for_missed_ticks'));
    expect(parsePv('timer_mode=0').exit).toBe(3);
  });

  it('boots PV guests from grub as firmware', () => {
    const parsed = parseConfig({ ...input, text: 'name="g"\nfirmware="pvgrub64"\n' });
    expect(configOf(parsed).bInfo.kernel).toBe('/usr/lib/xen-4.17/boot/pvgrub64.bin');
  });
});

describe('parse_config_data: HVM', () => {
  const hvmInfo = (lines: string) => {
    const { type } = configOf(parseHvm(lines)).bInfo;
    if (type?.tag !== 'hvm') throw new Error('no HVM guest');
    return type.info;
  };

  it('sets and clears viridian enlightenments in order', () => {
    const info = hvmInfo('viridian=["base","!freq","freq"]');
    expect([info.viridianEnable, info.viridianDisable]).toEqual([[0, 1], []]);
    expect(parseHvm('viridian=["!all"]').stderr).toBe("xl: unknown viridian enlightenment 'all'\n");
  });

  it('bounds mmio_hole in bytes', () => {
    expect(hvmInfo('mmio_hole=256').mmioHoleMemkb).toBe(262144);
    expect(parseHvm('mmio_hole=255').stderr).toBe('ERROR: invalid value 255 for "mmio_hole"\n');
  });

  it('reads firmware as a bios, a word, or a path', () => {
    expect(hvmInfo('firmware="u"').bios).toBe('ovmf');
    expect(hvmInfo('firmware="seabios"').bios).toBe('seabios');
    expect(hvmInfo('firmware="/f"').firmware).toBe('/f');
  });

  it('prefers vga to stdvga', () => {
    expect(hvmInfo('vga="none"\nstdvga=1').vga.kind).toBe('none');
    expect(hvmInfo('stdvga=0').vga.kind).toBe('cirrus');
  });
});

describe('xl create', () => {
  it('puts overrides a blank line after the file', () => {
    const parsed = parseConfig({ ...input, text: withOverrides('name="g"\n', ['bad word']) });
    expect(parsed.stderr).toContain('g.cfg:3: config parsing error near `word');
  });

  it('answers any value of any key with a config or an exit', () => {
    const key = fc.constantFrom(
      ...'type memory vcpus cpus vnuma disk vif pci rdm vfb vkb p9 channel vdispl vsnd usbdev usbctrl cpuid ioports iomem viridian tsc_mode'.split(
        ' ',
      ),
    );
    const value = fc.string({ unit: fc.constantFrom(...'0123456789abfx=,:.@-*^;/ hvmraw'), maxLength: 20 });
    const list = fc
      .array(value, { maxLength: 3 })
      .map((items) => `[${items.map((i) => `"${i}"`).join(',')}]`);
    const line = fc
      .tuple(
        key,
        fc.oneof(
          value.map((v) => `"${v}"`),
          list,
        ),
      )
      .map(([k, v]) => `${k}=${v}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const parsed = parsePv(lines.join('\n'));
        expect(parsed.config === null).toBe(parsed.exit !== 0);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('xmalloc', () => {
  it('gives up on maps for more vcpus than any domain can have', () => {
    expect(spoken(parsePv('maxvcpus=2000000000\ncpus="0"'))).toEqual([
      'xl: Unable to malloc 32000000000 bytes.\n',
      3,
    ]);
    expect(parsePv('vcpus=2000000000').exit).toBe(255);
    expect(parsePv('maxvcpus=2000000000\nvnuma=[["vcpus=0-1999999999"]]').exit).toBe(255);
  });
});
