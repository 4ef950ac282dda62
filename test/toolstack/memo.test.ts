import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newMemo, noMemo } from '../../src/toolstack/memo.ts';
import { parseConfig, parseConfigAgain } from '../../src/toolstack/xl-parse.ts';
import { input } from './config-fixture.ts';

const LINES = [
  'name="g"',
  'type="hvm"',
  'type="pvh"',
  'memory=64',
  'uuid="11111111-2222-3333-4444-555555555555"',
  'uuid="00000000-0000-0000-0000-000000000000"',
  'uuid="nonsense"',
  'uuid=["a"]',
  'ms_vm_genid="generate"',
  'vcpus=2',
  'cpus="0-1"',
  'bad line',
];
const config = fc.array(fc.constantFrom(...LINES), { maxLength: 6 }).map((lines) => `${lines.join('\n')}\n`);
const uuid = fc.constantFrom(
  'aaaaaaaa-0000-4000-8000-000000000001',
  'bbbbbbbb-0000-4000-8000-000000000002',
  '',
);

describe('parse_config_data', () => {
  it('reads a config that has been read before as it would read it anew', () => {
    const memo = newMemo();
    fc.assert(
      fc.property(config, uuid, fc.nat(255), fc.boolean(), (text, own, byte, masks) => {
        const genid = new Array<number>(16).fill(byte);
        const asked = { ...input, text, uuid: own, genid, ignoreGlobalAffinityMasks: masks };
        expect(parseConfigAgain(memo, asked)).toEqual(parseConfig(asked));
      }),
      { numRuns: 400 },
    );
  });
});

describe('newMemo', () => {
  it('makes a thing once, and anew when its text or its name is another', () => {
    const memo = newMemo();
    let made = 0;
    const make = (): number => ++made;
    expect([memo('a', 'x', make), memo('a', 'x', make), memo('a', 'y', make), memo('b', 'x', make)]).toEqual([
      1, 1, 2, 3,
    ]);
    expect(noMemo('a', 'x', make)).toBe(4);
  });

  it('keeps neither long texts nor more than a few', () => {
    const memo = newMemo();
    let made = 0;
    const make = (): number => ++made;
    const long = 'x'.repeat(100_000);
    memo('a', long, make);
    expect(memo('a', long, make)).toBe(2);
    for (let i = 0; i < 100; i++) memo('a', `${i}`, make);
    expect(memo('a', '0', make)).toBe(103);
  });
});
