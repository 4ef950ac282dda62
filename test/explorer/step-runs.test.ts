/** Steps written out again and again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksOf } from '../../src/explorer/repeat-body.ts';
import type { Step } from '../../src/explorer/scenario.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { stepRuns } from '../../src/explorer/step-runs.ts';
import { parseTranscript } from '../../src/explorer/transcript.ts';

function stepsOf(steps: readonly unknown[]): readonly Step[] {
  const guests = { vm: { type: 'pvh', memory: 64 } };
  const parsed = parseScenario(JSON.stringify({ guests, steps }, null, 1), 'test');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value.stage.steps;
}

const often = (times: number, ...steps: readonly unknown[]): unknown[] =>
  Array.from({ length: times }, () => steps).flat();

describe('runs of steps', () => {
  it('are where a few steps come again and again', () => {
    const steps = [
      'xl list',
      ...often(20, 'xl create vm', 'xl destroy vm'),
      'xl info',
      ...often(30, 'xl list'),
    ];
    expect(stepRuns(stepsOf(steps))).toEqual([
      { from: 1, to: 41, period: 2 },
      { from: 42, to: 72, period: 1 },
    ]);
  });

  it('are of whole rounds', () => {
    const steps = [...often(20, 'xl create vm', 'xl destroy vm', 'xl info'), 'xl create vm', 'xl destroy vm'];
    expect(stepRuns(stepsOf(steps))).toEqual([{ from: 0, to: 60, period: 3 }]);
  });

  it('do not tell where steps stand, and do tell what they expect', () => {
    const block = { parallel: ['xl info', { wait: '1s' }] };
    expect(stepRuns(stepsOf(often(16, block)))).toEqual([{ from: 0, to: 16, period: 1 }]);
    const other = { parallel: ['xl info', { wait: '2s' }] };
    expect(stepRuns(stepsOf([...often(15, block), other]))).toEqual([]);
    const strict = { run: 'xl info', expect: { exit: 0 } };
    expect(stepRuns(stepsOf([...often(15, 'xl info'), strict]))).toEqual([]);
  });

  it('are found in transcripts', () => {
    const parsed = parseTranscript('$ xl info\na\n'.repeat(20), 'test');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect(stepRuns(parsed.value.stage.steps)).toEqual([{ from: 0, to: 20, period: 1 }]);
    const other = parseTranscript(`${'$ xl info\na\n'.repeat(15)}$ xl info\nb\n`, 'test');
    if (!other.ok) throw new Error(JSON.stringify(other.problems));
    expect(stepRuns(other.value.stage.steps)).toEqual([]);
  });

  it('hold what they say for any steps', () => {
    const kinds = stepsOf(['xl info', 'xl list', 'xl create vm']);
    const part = fc.tuple(fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 }), fc.nat(20));
    const property = fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const steps = parts.flatMap(([each, times]) => Array.from({ length: times }, () => each).flat());
      let end = 0;
      for (const { from, to, period } of stepRuns(steps)) {
        expect(from).toBeGreaterThanOrEqual(end);
        expect((to - from) % period).toBe(0);
        expect((to - from) / period).toBeGreaterThanOrEqual(16);
        for (let i = from + period; i < to; i++) expect(steps[i]).toBe(steps[i - period]);
        end = to;
      }
      expect(end).toBeLessThanOrEqual(steps.length);
    });
    fc.assert(property, { seed: 5, numRuns: 300 });
  });
});

describe('what is looked at in a round', () => {
  const looks = (...steps: readonly unknown[]): string[] =>
    Object.entries(looksOf(stepsOf([{ repeat: 2, steps }])))
      .filter(([, is]) => is)
      .map(([what]) => what);
  const body = (...steps: readonly unknown[]): string[] => {
    const [{ action }] = stepsOf([{ repeat: 2, steps }]) as [Step];
    if (action.do !== 'repeat') throw new Error('it is a repeat');
    return Object.entries(looksOf(action.steps))
      .filter(([, is]) => is)
      .map(([what]) => what);
  };

  it('is its number, but for blocks that have one of their own', () => {
    const numbered = 'xl create vm \'name="vm{i}"\'';
    expect(body({ run: 'xl create vm', expect: { host: { domains: 2 }, time: { step: '< 1s' } } })).toEqual(
      [],
    );
    expect(body(numbered)).toEqual(['numbers']);
    expect(body({ parallel: [numbered] })).toEqual(['numbers']);
    expect(body({ parallel: [{ run: numbered, times: 3 }] })).toEqual([]);
    expect(looks(numbered)).toEqual([]);
    expect(body({ repeat: 3, steps: [numbered], name: 'n{i}' })).toEqual(['numbers']);
  });

  it('is what is printed, the time, and counts, wherever they are asked for', () => {
    const deep = (expectation: object): string[] =>
      body({ repeat: 2, steps: [{ parallel: [{ run: 'xl info', expect: expectation }] }] });
    expect(deep({ stdout: 'x' })).toEqual(['printed']);
    expect(deep({ stderr: 'x' })).toEqual(['printed']);
    expect(deep({ time: { now: '> 1s' } })).toEqual(['moving']);
    expect(deep({ events: { virq: 0 } })).toEqual(['counts']);
  });
});
