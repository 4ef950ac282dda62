/** A failure is one only if its order ends so on a host: what a search that is made to err comes to. */
import { describe, expect, it } from 'vitest';
import { exploreText } from '../../src/cli/explore-report.ts';
import { paint } from '../../src/cli/paint.ts';
import { continueExploring } from '../../src/explorer/explore.ts';
import type { ExploreHow } from '../../src/explorer/explore-how.ts';
import type { Exploring } from '../../src/explorer/exploring.ts';
import type { WorldSpace } from '../../src/explorer/world-space.ts';
import { XenBug } from '../../src/hypervisor/bug.ts';
import { report } from '../cli/explore-fixture.ts';
import { explorationOf, exploring, populates, subjectOf } from './explore-fixture.ts';

/** A search of a scenario in which nobody fails that takes its ends for broken. */
function erring(how: Partial<ExploreHow>): Exploring {
  const e = exploring(subjectOf(populates(12)), how);
  const space = e.walking.space as { -readonly [K in keyof WorldSpace]: WorldSpace[K] };
  const { endOf } = space;
  space.endOf = (outcome) => ({ ...endOf(outcome), broken: 'injected' });
  while (!continueExploring(e, 1000));
  return e;
}

describe('an order that ends otherwise on a host', () => {
  it('leaves a walk by class undecided, with the reason', () => {
    const found = explorationOf(erring({ ownership: 'class' }));
    expect(found).toMatchObject({ verdict: 'undecided', exit: 4 });
    expect(found.not_confirmed).toBe(
      'invariant broken was found by class, but its order ends as safe on a host, and as safe on the clock',
    );
    const [line] = exploreText(report([found]), found, null, paint(false)).split('\n');
    expect(line).toBe(`undecided: not confirmed: ${found.not_confirmed}`);
  });

  it('is a bug where ownership is exact, told with its order', () => {
    const e = erring({ ownership: 'exact' });
    expect(() => explorationOf(e)).toThrow(XenBug);
    expect(() => explorationOf(e)).toThrow(
      /exact ownership ends as safe on a host\n.*"choices":\[\{"task":"0"/,
    );
  });

  it('is none where the search is right', () => {
    const e = exploring(subjectOf(populates(11)), { forbidRefusal: true });
    while (!continueExploring(e, 1000));
    expect(explorationOf(e)).toMatchObject({ verdict: 'late failure', exit: 1, not_confirmed: null });
  });
});
