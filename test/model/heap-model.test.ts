/** The fast heap beside the slow, obvious one: every answer, every list, every counter, after every operation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Heap } from '../../src/hypervisor/heap-state.ts';
import { xenProfile } from '../../src/hypervisor/profile.ts';
import { differsAfter, hostOf, opOf } from './heap-commands.ts';
import { startHeap } from './heap-drive.ts';
import type { Model } from './heap-model.ts';
import { makeModel } from './heap-model-boot.ts';

interface Real {
  readonly heap: Heap;
}

/** One operation, drawn from `seed` and the state it meets. */
const command = (seed: number): fc.Command<Model, Real> => ({
  check: (m) => opOf(m, seed) !== null,
  run: (m, real) => {
    const op = opOf(m, seed)!;
    expect(differsAfter(m, real.heap, op)).toBeNull();
  },
  toString: () => `op(${seed})`,
});

// Fixed seeds: the suite is the same everywhere; a failure prints the commands that remain after shrinking.
const SEEDS = Array.from({ length: 16 }, (_, i) => 2012 + i);

describe('the heap beside the slow model', () => {
  it.each(SEEDS)('answers and holds the same after every operation, seed %i', (seed) => {
    const commands = fc.commands([fc.integer({ min: 0, max: 2 ** 31 - 1 }).map(command)], {
      size: 'max',
      maxCommands: 90,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), commands, (host, cmds) => {
        const header = hostOf(host);
        fc.modelRun(() => ({ model: makeModel(header), real: { heap: startHeap(header) } }), cmds);
      }),
      { seed, numRuns: 4, endOnFailure: false },
    );
  });

  // One release for each set of rules there was.
  it.each(['4.3', '4.6', '4.14', '4.17', '4.20', '4.20.3', '4.21', '4.22'])(
    'follows the claim rules of Xen %s',
    (name) => {
      const got = xenProfile(name);
      if (!got.ok) throw new Error(got.message);
      const rules = got.profile.claimRules;
      const commands = fc.commands([fc.integer({ min: 0, max: 2 ** 31 - 1 }).map(command)], {
        size: 'max',
        maxCommands: 90,
      });
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 10_000 }), commands, (host, cmds) => {
          const header = { ...hostOf(host), rules };
          fc.modelRun(() => ({ model: makeModel(header), real: { heap: startHeap(header) } }), cmds);
        }),
        { seed: 2028, numRuns: 6, endOnFailure: false },
      );
    },
  );
});
