import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domainConfigInit, domainConfigType } from '../../src/toolstack/domain-config.ts';
import {
  array,
  bitmap,
  init,
  integer,
  memkb,
  string,
  struct,
  uint64,
} from '../../src/toolstack/libxl-idl.ts';
import { fromJson, genJson, jsonString } from '../../src/toolstack/libxl-json.ts';
import { configOf, parseHvm, parsePv } from './config-fixture.ts';

describe('libxl gen_json', () => {
  it('leaves out initial values but never a struct, and fills an empty container with an empty line', () => {
    const type = struct({ maxMemkb: memkb, deep: struct({ cap: integer(-1) }), list: array(integer()) });
    expect(genJson(type, init(type))).toBe('{\n    "deep": {\n\n    }\n}');
  });

  it('prints 0 where the initial value is another', () => {
    const type = struct({ cap: integer(-1) });
    expect(genJson(type, { cap: 0 })).toBe('{\n    "cap": 0\n}');
  });

  it('prints sizes as unsigned 64-bit numbers', () => {
    const type = struct({ targetMemkb: memkb });
    expect(genJson(type, { targetMemkb: -1024 })).toContain('18446744073709550592');
  });

  it('prints an empty map inside an array of maps', () => {
    const type = struct({ maps: array(bitmap) });
    expect(genJson(type, { maps: [[]] })).toBe('{\n    "maps": [\n        [\n\n        ]\n    ]\n}');
  });

  it('escapes what yajl escapes and leaves other bytes raw', () => {
    expect(jsonString('a"\\/\b\t\n\f\r\x1f\x0b\x7f\xff')).toBe(
      '"a\\"\\\\/\\b\\t\\n\\f\\r\\u001F\\u000B\x7f\xff"',
    );
  });

  it('indents the lines of a nested value by its depth', () => {
    const type = struct({ name: string });
    expect(genJson(type, { name: 'g' }, 2)).toBe('{\n            "name": "g"\n        }');
  });
});

describe('libxl parse_json', () => {
  it('gives back a whole config', () => {
    const hvm = configOf(
      parseHvm(`memory="-1"
disk=["/d,raw,hda,w"]
vif=["mac=00:16:3e:00:00:01"]
pci=["00:01.0"]
usbdev=["type=hostdev,hostbus=1"]
cpuid="host,tm=0"
iomem=["fffffffffffffff0,1"]
viridian=["all"]`),
    );
    expect(fromJson(domainConfigType, genJson(domainConfigType, hvm))).toEqual(hvm);
    const pv = configOf(
      parsePv('vcpus=2\ncpus=["0","^1"]\nchannel=["connection=socket,path=/p"]', {
        ignoreGlobalAffinityMasks: true,
      }),
    );
    expect(fromJson(domainConfigType, genJson(domainConfigType, pv))).toEqual(pv);
  });

  it('gives back any string and any number of 64 bits', () => {
    const type = struct({ name: string, big: uint64() });
    const name = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) });
    fc.assert(
      fc.property(name, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (text, n) => {
        const big = n < 2n ** 53n ? Number(n) : n.toString();
        expect(fromJson(type, genJson(type, { name: text, big }))).toEqual({ name: text, big });
      }),
      // About where a double ends, and the first of 16 digits.
      { examples: [10n ** 15n, 2n ** 53n - 1n, 2n ** 53n].map((n) => ['', n]) },
    );
  });

  it('refuses what is not JSON of the type', () => {
    for (const bad of ['', '{', '[]', '{"c_info": 1}', '{"on_reboot": "never"}']) {
      expect(fromJson(domainConfigType, bad)).toBeNull();
    }
  });

  it('takes an empty object for a config at its initial values', () => {
    expect(fromJson(domainConfigType, '{}')).toEqual(domainConfigInit());
  });
});
