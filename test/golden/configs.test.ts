import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runConfigSet, runGrammarSet } from './config-set.ts';

const OWN = 'test/golden/data/configs';
const COLLECTED = '../shared/golden/xl/configs';
const collected = existsSync(COLLECTED);
if (!collected) console.warn(`skipped: ${COLLECTED} is not here, only the project's own configs are run`);

describe('xl create -n', () => {
  it('prints what the real xl printed for every hand-written config', () => {
    const { passed, failures } = runConfigSet(OWN);
    expect(failures).toEqual([]);
    expect(passed).toBe(194);
  });

  it.skipIf(!collected)('prints what the real xl printed for every collected config', () => {
    const { passed, failures } = runConfigSet(COLLECTED);
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(0);
  });
});

describe('libxlu_cfg', () => {
  it('stores and reports what the real parser did for every hand-written config', () => {
    const { passed, failures } = runGrammarSet(OWN);
    expect(failures).toEqual([]);
    expect(passed).toBe(194);
  });

  it.skipIf(!collected)('stores and reports what the real parser did for every collected config', () => {
    const { passed, failures } = runGrammarSet(COLLECTED);
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(0);
  });
});
