/** Names that are of one file. */
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { planOutputs } from '../../src/cli/replay-output.ts';
import { fileBehind, fileKey } from '../../src/cli/same-file.ts';

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'xlsim-same-')));
const at = (name: string): string => join(dir, name);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

writeFileSync(at('one'), '');
linkSync(at('one'), at('hard'));
symlinkSync('one', at('soft'));
symlinkSync('soft', at('soft-of-soft'));
symlinkSync('to-come', at('dangling'));
mkdirSync(at('folder'));
symlinkSync('folder', at('door'));
symlinkSync('../to-come', at('folder/back'));
symlinkSync('circle-b', at('circle-a'));
symlinkSync('circle-a', at('circle-b'));
symlinkSync('/dev/null', at('null'));
symlinkSync('race.xlsim.yaml', at('innocent.svg'));

describe('two names', () => {
  it.each([
    ['one', 'soft'],
    ['one', 'soft-of-soft'],
    ['one', 'hard'],
    ['hard', 'soft'],
    ['to-come', 'dangling'],
    ['to-come', 'folder/back'],
    ['dangling', 'door/back'],
    ['folder/new', 'door/new'],
    ['no/such/new', 'no/such/../such/new'],
  ])('are of one file: %s, %s', (a, b) => {
    expect(fileKey(at(a))).toBe(fileKey(at(b)));
  });

  it.each([
    ['one', 'to-come'],
    ['folder/new', 'new'],
    ['one', 'circle-a'],
    ['null', '/dev/null'],
  ])('are of two, or of one that nothing is lost in: %s, %s', (a, b) => {
    expect(fileKey(at(a))).not.toBe(fileKey(b.startsWith('/') ? b : at(b)));
  });

  it('lead to a file that is not there yet, and end in a circle', () => {
    expect(fileBehind(at('door/back'))).toBe(at('to-come'));
    expect([at('circle-a'), at('circle-b')]).toContain(fileBehind(at('circle-a')));
  });

  it('are refused for two reports, and a link for one if it leads to a scenario', () => {
    for (const other of ['soft', 'hard', './one'])
      expect(planOutputs(dir, ['json', 'junit'], ['json=one', `junit=${other}`])).toBe(
        `--output-file junit=${other}: json writes to that file already`,
      );
    expect(planOutputs(dir, ['json'], ['innocent.svg'])).toBe(
      'innocent.svg: cannot be written: it is a scenario',
    );
  });
});
