import { describe, expect, it } from 'vitest';
import { parseCpuidList, parseCpuidString } from '../../src/toolstack/libxl-cpuid.ts';
import type { CpuidPolicyList } from '../../src/toolstack/libxl-idl.ts';
import { xluDiskParse } from '../../src/toolstack/xlu-disk.ts';
import { configOf, parseHvm, parsePv } from './config-fixture.ts';

describe('xlu_disk_parse', () => {
  const disk = (spec: string) => {
    const { disk: parsed, errors } = xluDiskParse('f', spec);
    expect(errors).toEqual([]);
    return parsed;
  };
  const error = (message: string, spec: string): string =>
    `f: config parsing error in disk specification: ${message} in \`${spec}'\n`;

  it('fills positional parameters in order', () => {
    expect(disk('/a,qcow2,xvda,r')).toMatchObject({
      pdevPath: '/a',
      format: 'qcow2',
      vdev: 'xvda',
      readwrite: 0,
    });
  });

  it('takes commas into target=, which ends the spec', () => {
    expect(disk('vdev=xvda,target=/a,b,')).toMatchObject({ pdevPath: '/a,b', format: 'raw' });
  });

  it('reads deprecated prefixes one after the other', () => {
    expect(disk('tap:aio:/a,xvda,w')).toMatchObject({ pdevPath: '/a', vdev: 'xvda', format: 'raw' });
    expect(disk('iscsi:x,xvda')).toMatchObject({ script: 'block-iscsi', pdevPath: 'x' });
  });

  it('makes an empty cdrom of an empty target', () => {
    expect(disk(',hdc:cdrom,r')).toMatchObject({ isCdrom: 1, removable: 1, readwrite: 0, format: 'empty' });
  });

  it('names one byte of an unknown parameter', () => {
    expect(xluDiskParse('f', '/a,raw,xvda,foo=bar').errors[0]).toBe(
      error("unknown parameter: near `foo=b'", '/a,raw,xvda,foo=bar'),
    );
  });

  it('refuses a target with an equals sign', () => {
    expect(xluDiskParse('f', '/a=b').errors).toEqual([error("bad disk syntax: near `=b'", '/a=b')]);
  });

  it('wants a vdev, and a target unless the disk can be removed', () => {
    expect(xluDiskParse('f', '/a').errors).toEqual([error('no vdev specified', '/a')]);
    expect(xluDiskParse('f', 'vdev=a').errors).toEqual([
      error('no target specified (and device not removable)', 'vdev=a'),
    ]);
  });
});

describe('parse_nic_config', () => {
  const nic = (spec: string) => configOf(parsePv(`vif=["${spec}"]`)).nics[0];

  it('reads addresses with any separator', () => {
    expect(nic('mac=0.16x3e 1-2-3')?.mac).toBe('00:16:3e:01:02:03');
  });

  it('reads a short address on into the next token', () => {
    const parsed = parsePv('vif=["mac=1:2,foo"]');
    expect(parsed.stderr).toBe("Invalid parameter `mac'.\nunrecognized argument `foo'\n");
    expect(parsed.config?.nics[0]?.mac).toBe('01:02:0f:00:00:00');
  });

  it('turns a rate into bytes an interval', () => {
    expect(nic('rate=10Mb/s@20ms')).toMatchObject({ rateBytesPerInterval: 25000, rateIntervalUsecs: 20000 });
    expect(nic('rate=010B/s')).toMatchObject({ rateBytesPerInterval: 0, rateIntervalUsecs: 50000 });
  });

  it('refuses rates that are missing, bad or too large', () => {
    const refused = (rate: string) => parsePv(`vif=["rate=${rate}"]`).stderr;
    const message = (what: string) => `g.cfg: config parsing error in vif: ${what}'\n`;
    expect(refused('@50ms')).toBe(message('no rate specified in `@50ms'));
    expect(refused('10')).toBe(message('invalid rate in `10'));
    expect(refused('0B/s')).toBe(message('rate overflow in `0B/s'));
    expect(refused('1B/s@')).toBe(message('invalid replenishment interval in `'));
  });

  it('warns about words it does not know and goes on', () => {
    const parsed = parsePv('vif=["foo,bridge=b"]');
    expect(parsed.stderr).toBe("unrecognized argument `foo'\n");
    expect(parsed.config?.nics[0]?.bridge).toBe('b');
  });
});

describe('xlu_pci_parse_spec_string', () => {
  it('reads an address, a slot and options', () => {
    expect(
      configOf(parseHvm('pci=["0000:03:1f.7@5,permissive=1,rdm_policy=relaxed,"]')).pcidevs[0],
    ).toMatchObject({
      bus: 3,
      dev: 31,
      func: 7,
      vdevfn: 40,
      vfuncMask: 1,
      permissive: true,
      rdmPolicy: 'relaxed',
    });
  });

  it('gives every function for a star', () => {
    expect(configOf(parseHvm('pci=["03:00.*"]')).pcidevs[0]?.vfuncMask).toBe(4294967295);
  });

  it('exits with 6, or with 3 for a policy, on one line', () => {
    const bad = parseHvm('pci=["03:00.0,x=1"]');
    expect(bad.stderr).toBe(
      "Unknown PCI_SPEC_STRING option: xunable to parse PCI_SPEC_STRING `03:00.0,x=1' for passthrough\n",
    );
    expect(bad.exit).toBe(6);
    expect(parseHvm('pci=["03:00.0,rdm_policy=x"]').exit).toBe(3);
  });

  it('turns e820_host on for PV guests', () => {
    expect(configOf(parsePv('e820_host=0\npci=["03:00.0"]')).bInfo.type).toMatchObject({
      info: { e820Host: true },
    });
  });
});

describe('xlu_rdm_parse', () => {
  const rdm = (text: string) => {
    const { type } = configOf(parseHvm(`rdm="${text}"`)).bInfo;
    return type?.tag === 'hvm' ? type.info.rdm : null;
  };

  it('ignores a setting with a valid policy', () => {
    expect(rdm('strategy=host,policy=relaxed')).toEqual({ strategy: 'ignore', policy: 'invalid' });
  });

  it('stores a strategy with a policy that has no name', () => {
    expect(rdm('strategy=host')).toEqual({ strategy: 'host', policy: '' });
  });
});

describe('parse_config_data: other devices', () => {
  it('makes a keyboard for every frame buffer', () => {
    const config = configOf(parsePv('vfb=["vnc=1","sdl=0"]\nvkb=["backend-type=qemu"]'));
    expect([config.vfbs.length, config.vkbs.map((vkb) => vkb.devid)]).toEqual([2, [0, 1, 2]]);
  });

  it('makes a frame buffer of the vnc keys of a PV guest only if vnc is on', () => {
    expect(configOf(parsePv('sdl=1')).vfbs).toEqual([]);
    expect(configOf(parsePv('vnc=1\nvnclisten="::"')).vfbs[0]?.vnc).toMatchObject({
      enable: true,
      listen: '::',
    });
  });

  it('lets a 9pfs share inherit from the one before', () => {
    const { p9s } = configOf(parsePv('p9=["tag=a,path=/p,security_model=none","tag=b"]'));
    expect(p9s.map((p9) => [p9.tag, p9.path])).toEqual([
      ['a', '/p'],
      ['b', '/p'],
    ]);
  });

  it('keeps a host device only if its type is said', () => {
    expect(configOf(parsePv('usbdev=["hostbus=1,hostaddr=2"]')).usbdevs[0]?.type).toBeNull();
  });

  it('hangs streams on the last pcm of a card', () => {
    const config = configOf(
      parsePv('vsnd=[["card,short-name=c","stream,type=P","pcm,name=p","stream,type=c"]]'),
    );
    expect(config.vsnds[0]?.pcms.map((pcm) => [pcm.name, pcm.streams.map((s) => s.type)])).toEqual([
      [null, ['p']],
      ['p', ['c']],
    ]);
  });

  it('wraps a reversed range of ports', () => {
    expect(configOf(parsePv('ioports=["10-f"]')).bInfo.ioports).toEqual([{ first: 16, number: 0 }]);
  });

  it('keeps frames beyond 2^53 exactly', () => {
    expect(configOf(parsePv('iomem=["-1,1@0"]')).bInfo.iomem).toEqual([
      { start: '18446744073709551615', number: 1, gfn: 0 },
    ]);
  });

  it('drops the rest of a list after a nested one', () => {
    expect(configOf(parsePv('dtdev=["a",["b"],"c"]')).dtdevs).toEqual([{ path: 'a' }]);
  });
});

describe('libxl_cpuid_parse_config', () => {
  const parse = (text: string): [CpuidPolicyList, string] => {
    const list: CpuidPolicyList = { cpuid: [], msr: [] };
    let said = '';
    parseCpuidString(list, text, (words) => {
      said += words;
    });
    return [list, said];
  };

  it('sets bits, fields and letters of a leaf in order of mention', () => {
    const [list, said] = parse('host,tm=0,stepping=5,proccount=k');
    expect(said).toBe('');
    expect(list.cpuid).toEqual([
      {
        leaf: 1,
        subleaf: null,
        eax: `${'x'.repeat(28)}0101`,
        ebx: `${'x'.repeat(8)}${'k'.repeat(8)}${'x'.repeat(16)}`,
        ecx: null,
        edx: `xx0${'x'.repeat(29)}`,
      },
    ]);
  });

  it('adds 15 less to a large family', () => {
    expect(parse('host,family=0x17')[0].cpuid[0]?.eax).toBe(
      `xxxx00001000${'x'.repeat(8)}1111${'x'.repeat(8)}`,
    );
  });

  it('keeps the entry of a bad value, and goes on', () => {
    const [list, said] = parse('host,tm=z,foo=1,bar');
    expect(said).toBe(
      'while parsing CPUID flag: "tm=z":\n  error #3: illegal CPUID value (must be: [0|1|x|k|s])\n' +
        'while parsing CPUID flag: "foo=1":\n  error #2: unknown CPUID flag name\n' +
        'while parsing CPUID flag: "bar":\n  error #1: missing "=" in key=value\n',
    );
    expect(list.cpuid).toHaveLength(1);
  });

  it('writes MSR bits, s as k', () => {
    const [list] = parse('host,its-no=s');
    expect(list.msr).toEqual([{ index: 266, policy: `xk${'x'.repeat(62)}` }]);
  });

  it('reads the older syntax of registers', () => {
    const list: CpuidPolicyList = { cpuid: [], msr: [] };
    const bits = '01xks'.repeat(7).slice(0, 32);
    let said = '';
    parseCpuidList(list, [`7,0:ebx=${bits}, ecx=${bits}`, '1:', 'z:', '1'], (words) => {
      said += words;
    });
    expect(said).toBe(
      'while parsing CPUID line: "z:":\n  error #1: illegal leaf number\n' +
        'while parsing CPUID line: "1":\n  error #3: missing colon\n',
    );
    expect(list.cpuid).toEqual([
      { leaf: 7, subleaf: 0, eax: null, ebx: bits, ecx: bits, edx: null },
      { leaf: 1, subleaf: null, eax: null, ebx: null, ecx: null, edx: null },
    ]);
  });
});
