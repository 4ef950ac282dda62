/** Whether a builder would have fitted alone: found only where an end asks, in slices, and given up like anything else. */
import { describe, expect, it } from 'vitest';
import { type Alone, continueAlone, newAlone, startsAlone } from '../../src/explorer/alone.ts';
import { blockEnds, blockTurns, openBlock, takeBlockTurn } from '../../src/explorer/block.ts';
import { continueExploring, stopExploring } from '../../src/explorer/explore.ts';
import { finishExploring } from '../../src/explorer/explore-found.ts';
import { atBlock, type Subject } from '../../src/explorer/explore-how.ts';
import { type Exploring, endsOf, type StopReason } from '../../src/explorer/exploring.ts';
import { atOnce } from '../../src/explorer/sliced.ts';
import { explored, exploring, HOW, subjectOf } from './explore-fixture.ts';

const builders = (a: number, b: number, steps = '[xl create a, xl create b]'): string => `
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests:
  a: { type: pv, memory: ${a} }
  b: { type: pv, memory: ${b} }
steps:
  - parallel: ${steps}
`;
const TURNS =
  '[{ repeat: 30, steps: [xl create a, xl destroy a] }, { repeat: 30, steps: [xl create b, xl destroy b] }]';

/** Some orders: all of them would take long. */
const SOME = { strategy: 'random', samples: { from: 0, to: 40 } } as const;

/** The slow way: the steps one by one on a host of their own, each to its end, whatever comes of it. */
function anyStarts(subject: Subject): boolean {
  const { action } = atBlock(subject).block;
  const steps = action.do === 'parallel' ? action.steps : [];
  return steps.some((only) => {
    const { play, block: parallel } = atBlock(subject);
    const alone = { ...parallel, action: { do: 'parallel', steps: [only] } as const };
    const block = openBlock(play, alone, { grain: 'hypercall', timed: false });
    for (let [actor] = blockTurns(block); actor !== undefined; [actor] = blockTurns(block))
      takeBlockTurn(block, actor);
    return blockEnds(block, 'stuck').every(({ kind }) => kind === 'started');
  });
}

describe('whether a builder starts alone', () => {
  it.each([
    ['the first', builders(125, 900), true],
    ['the second', builders(900, 125), true],
    ['neither', builders(900, 900), false],
    ['both, in rounds', builders(125, 125, TURNS), true],
    [
      'neither, for the other comes first in its rounds',
      builders(125, 900, '[{ repeat: 2, steps: [xl create b, xl create a] }, xl list]'),
      false,
    ],
    ['nobody, for nobody builds', builders(125, 125, '[xl list, xl info]'), false],
  ])('is found in slices as in one go: %s', (_who, text, starts) => {
    const subject = subjectOf(text);
    expect(anyStarts(subject)).toBe(starts);
    expect(startsAlone(newAlone(subject, HOW))).toBe(starts);
    const sliced: Alone = newAlone(subject, HOW);
    let slices = 1;
    while (!continueAlone(sliced, 7)) slices++;
    expect(sliced.starts).toBe(starts);
    if (starts) expect(slices).toBeGreaterThan(1);
  });

  it('is tried only where an end asks for it', () => {
    const one = exploring(subjectOf(builders(125, 125, '[xl create a, xl list]')), SOME);
    while (!continueExploring(one, 1000));
    const both = exploring(subjectOf(builders(40, 40)), SOME);
    while (!continueExploring(both, 1000));
    expect([one.alone.trial, both.alone.trial]).toEqual([null, null]);
    expect(explored(subjectOf(builders(125, 125)), SOME).verdict).toBe('none started');
  });

  it('keeps what was walked where nobody waits for samples, either', () => {
    const text = builders(900, 900).replace('claim_mode: 0', 'claim_mode: 1');
    const stopped = (why: StopReason): Exploring => {
      const e = exploring(subjectOf(text), { strategy: 'auto' });
      while (endsOf(e).length === 0) continueExploring(e, 1);
      stopExploring(e, 'states');
      expect(e.phase).toBe('alone');
      stopExploring(e, why);
      return e;
    };
    expect(stopped('time').sampling).not.toBeNull();
    const e = stopped('interrupted');
    expect([e.phase, e.sampling]).toEqual(['over', null]);
    const { walk, verdict } = atOnce(finishExploring(e));
    expect(verdict).toBe('undecided');
    expect(walk).toMatchObject({ finished: false, stopped: 'states' });
    expect(walk.states).toBeGreaterThan(1);
  });

  it('leaves the verdict open where it is given up', () => {
    const e = exploring(subjectOf(builders(125, 125)), SOME);
    while (e.phase !== 'alone' && e.phase !== 'over') continueExploring(e, 1000);
    continueExploring(e, 1);
    expect([e.phase, e.alone.starts]).toEqual(['alone', null]);
    stopExploring(e, 'interrupted');
    while (!continueExploring(e, 1000));
    const { verdict, walk } = atOnce(finishExploring(e));
    expect(verdict).not.toBe('none started');
    expect(['late failure', 'undecided']).toContain(verdict);
    expect(walk).toMatchObject({ finished: false, stopped: 'interrupted' });
  });
});
