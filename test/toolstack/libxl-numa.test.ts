/** Automatic NUMA placement: the smallest set of nodes, then the least used, then the emptiest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getNumaCandidate, type NumaHost } from '../../src/toolstack/libxl-numa.ts';

/** Nodes of two cpus each. */
const host = (free: readonly number[], vcpus: readonly number[] = free.map(() => 0)): NumaHost => ({
  freeMemkb: free,
  vcpus,
  cpus: free.map((_, n) => [2 * n, 2 * n + 1]),
});
const nodes = (h: NumaHost, memkb: number, vcpus = 1): readonly number[] | null =>
  getNumaCandidate(h, { memkb: BigInt(memkb), vcpus })?.nodes ?? null;

describe('libxl__get_numa_candidate', () => {
  it('prefers the node with more free memory when both are equally used', () => {
    expect(nodes(host([10, 20]), 5)).toEqual([1]);
  });

  it('prefers the node with fewer vcpus to the one with more memory', () => {
    expect(nodes(host([10, 20], [0, 1]), 5)).toEqual([0]);
  });

  it('takes two nodes only when one does not hold the guest', () => {
    expect(nodes(host([10, 20]), 20)).toEqual([1]);
    expect(nodes(host([10, 20]), 21)).toEqual([0, 1]);
  });

  it('takes as many nodes as the vcpus need', () => {
    expect(nodes(host([10, 20, 30]), 1, 3)).toEqual([1, 2]);
  });

  it('finds none where the whole host is too small', () => {
    expect(nodes(host([10, 20]), 31)).toBeNull();
  });

  it('finds a set exactly when the whole host would do, and no smaller set does', () => {
    const small = fc.array(fc.nat(20), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(small, fc.nat(60), (free, need) => {
        const found = nodes(host(free), need);
        const sorted = [...free].sort((a, b) => b - a);
        let size = 1;
        let sum = sorted[0]!;
        while (sum < need && size < sorted.length) sum += sorted[size++]!;
        expect(found?.length ?? null).toBe(sum < need ? null : size);
      }),
    );
  });
});
