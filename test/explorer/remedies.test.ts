/** Remedies: each keeps everybody from failing late where nothing does not; and one without its safeguard does not. */
import { describe, expect, it } from 'vitest';
import type { ExploreHow } from '../../src/explorer/explore-how.ts';
import { REMEDIES } from '../../src/explorer/remedy-table.ts';
import { explored, smallRace, subjectOf } from './explore-fixture.ts';

const how: Partial<ExploreHow> = { strategy: 'random', samples: { from: 0, to: 12 } };
const race = (remedy: string) => explored(subjectOf(smallRace(), remedy), how);

describe('the race in small', () => {
  it('ends in a late failure when nothing is done', () => {
    const found = race('nothing');
    expect(found.verdict).toBe('late failure');
    expect(found.outcomes.every(({ verdict }) => verdict === 'late failure')).toBe(true);
  });

  it.each(REMEDIES.map(({ name }) => name).filter((name) => name !== 'nothing'))(
    'ends in one start and one early refusal under %s',
    (name) => {
      const found = race(name);
      expect(found.outcomes.map(({ verdict }) => verdict)).toEqual(found.outcomes.map(() => 'early refusal'));
      expect(found.clock).toMatchObject({ started: 1, failed: 1 });
    },
  );

  it.each(['heap-lock', 'max-pages'])(
    'fails late under %s when nobody comes between tasks and Xen',
    (name) => {
      const { remedy, ...subject } = subjectOf(smallRace('claim_mode: 0, autoballoon: "off"'), name);
      const { intercept: _intercept, ...without } = remedy!;
      const stage = subjectOf(smallRace()).stage;
      expect(explored({ ...subject, stage, remedy: without }, how).verdict).toBe('late failure');
    },
  );

  it.each(['claim', 'xl-lock'])('fails late under %s without what it sets in xl.conf', (name) => {
    const subject = subjectOf(smallRace(), name);
    expect(explored({ ...subject, stage: subjectOf(smallRace()).stage }, how).verdict).toBe('late failure');
  });
});

describe('what a remedy costs', () => {
  it('is time for which everybody waits, where a lock is held for the whole request', () => {
    const [nothing, held, claimed] = ['nothing', 'heap-lock', 'claim'].map((name) => race(name).clock!);
    expect(held!.longest_heap_lock).toBeGreaterThan(50 * nothing!.longest_heap_lock);
    expect(held!.lock_wait).toBeGreaterThan(claimed!.lock_wait);
    expect(claimed!.longest_heap_lock).toBe(nothing!.longest_heap_lock);
  });

  it('is the work of the first until the second is told, where xl holds a lock', () => {
    const [locked, claimed] = ['xl-lock', 'claim'].map((name) => race(name).clock!);
    expect(locked!.first_failure).toBeGreaterThan(claimed!.first_failure!);
  });
});

describe('a remedy that is a setting of xl.conf', () => {
  it('is in force whatever the scenario and its steps say', () => {
    const text = `${smallRace('claim_mode: 0, autoballoon: "off"').replace(
      'parallel:',
      'parallel:\n      - { set: { xlconf: { claim_mode: 0, autoballoon: "off", vif.default.bridge: b } } }',
    )}`;
    const { stage } = subjectOf(text, 'claim');
    expect(stage.xlConf).toMatch(/claim_mode=1\n/);
    expect(stage.xlConf).not.toContain('claim_mode=0');
    const { action } = stage.steps[0]!;
    const set = action.do === 'parallel' ? action.steps[0]!.action : null;
    expect(set?.do === 'set' && set.conditions.xlconf).toBe(
      'vif.default.bridge="b"\nclaim_mode=1\nautoballoon="off"\n',
    );
  });
});
