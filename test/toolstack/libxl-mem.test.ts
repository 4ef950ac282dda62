/** mem-set and mem-max: sizes, targets, limits, and what is written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMemSizeKb } from '../../src/toolstack/xl-mem-size.ts';
import { xl } from '../golden/scene-run.ts';

const FILES = { '/etc/xen/xl.conf': '' };

describe('parse_mem_size_kb', () => {
  it('takes MiB without a suffix and one suffix of either case', () => {
    expect(['512', '512m', '1G', '3k', '4096b', '2t'].map(parseMemSizeKb)).toEqual([
      524288n,
      524288n,
      1048576n,
      3n,
      4n,
      2147483648n,
    ]);
  });

  it('refuses two characters behind the number, and anything that is no suffix', () => {
    expect(['1GB', '1.5g', '512 ', '0x100', 'abc'].map(parseMemSizeKb)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('reads nothing as zero, and takes -1 KiB for its own mark of an error', () => {
    expect([parseMemSizeKb(''), parseMemSizeKb('k'), parseMemSizeKb('-1k')]).toEqual([0n, 0n, null]);
  });

  it('stops at the ends of 64 bits and wraps when the suffix overflows', () => {
    // 2^63 - 1 MiB shifted by 10 bits leaves -1024.
    expect(parseMemSizeKb('18446744073709551615')).toBe(-1024n);
  });

  it('answers every text with a 64-bit number or null', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const kb = parseMemSizeKb(text);
        expect(kb === null || BigInt.asIntN(64, kb) === kb).toBe(true);
      }),
    );
  });
});

describe('libxl_set_memory_target', () => {
  it('counts the video memory of an HVM guest in: 512 MiB leave 504 for the guest', () => {
    expect(xl(['mem-set', '3', '512'], FILES).trace).toEqual([
      'domctl max_mem dom=3 max_memkb=525312',
      'memory_op set_pod_target dom=3 target_pages=129280',
      'xs write /local/domain/3/memory/target = 516096',
      'xs write /vm/11111111-2222-3333-4444-555555555555/memory = 504',
    ]);
  });

  it('lets go of the lock on the stored config, whatever happens', () => {
    for (const size of ['512', '1T', '0']) {
      const run = xl(['mem-set', '3', size], FILES);
      const ops = run.entries.flatMap(({ request }) =>
        request.kind === 'lock' || request.kind === 'unlock' ? [request.kind] : [],
      );
      expect(ops).toEqual(['lock', 'unlock']);
    }
  });

  it('keeps 128 MiB for dom0', () => {
    const run = xl(['mem-set', '0', '127'], FILES);
    expect(run.exit).toBe(1);
    expect(run.stderr).toContain('New target 130048 for dom0 is below the minimum threshold');
    expect([xl(['mem-set', '0', '128'], FILES).exit]).toEqual([0]);
  });
});

describe('libxl_domain_setmaxmem', () => {
  it('refuses a limit below the target, and writes the limit without its slack', () => {
    expect(xl(['mem-max', '7', '1023'], FILES).exit).toBe(1);
    expect(xl(['mem-max', '7', '2048'], FILES).trace).toEqual([
      'domctl max_mem dom=7 max_memkb=2098176',
      'xs write /local/domain/7/memory/static-max = 2097152',
    ]);
  });
});
