/** Sessions as they come out of a terminal: blanks for tabs, none at the end of a line, empty lines without indentation. */
import { describe, expect, it } from 'vitest';
import type { StepOutcome } from '../../src/explorer/expectation.ts';
import {
  isLine,
  parseTranscript,
  transcriptMismatches,
  updatedTranscript,
} from '../../src/explorer/transcript.ts';

const outcomeOf = (stdout: string): StepOutcome => ({
  rc: 0,
  stdout,
  stderr: '',
  ns: 0,
  succeeded: 0,
  failed: 0,
});

function stepsOf(text: string) {
  const read = parseTranscript(text, 't');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.stage.steps;
}

describe('a line that was pasted', () => {
  const HEAD = 'Name                                        ID   Mem VCPUs\tState\tTime(s)';

  it('stands for tabs by the blanks that a terminal shows for them', () => {
    const shown = 'Name                                        ID   Mem VCPUs      State   Time(s)';
    expect(isLine(shown, HEAD)).toBe(true);
    expect(isLine(HEAD, HEAD)).toBe(true);
    expect(isLine(`${shown.slice(0, -3)}* (glob)`, HEAD)).toBe(true);
    expect(isLine(shown.replace('VCPUs ', 'VCPUs'), HEAD)).toBe(false);
  });

  it('may have lost the blanks at its end, and no others', () => {
    expect(isLine('all', 'all  ')).toBe(true);
    expect(isLine('all  ', 'all')).toBe(true);
    expect(isLine('a ll', 'all')).toBe(false);
    expect(isLine(' all', 'all')).toBe(false);
  });
});

describe('empty lines of an output', () => {
  it('belong to it without their indentation, if it goes on below them', () => {
    const text = '  $ xl help\n  one\n\n\n  two\n\nprose\n\n  $ xl list\n\n  $ xl info\n';
    const steps = stepsOf(text);
    expect(steps.map(({ transcript }) => transcript!.lines)).toEqual([['one', '', '', 'two'], [], []]);
    expect(transcriptMismatches(steps[0]!.transcript!, outcomeOf('one\n\n\ntwo\n'))).toEqual([]);
    const block = steps[0]!.transcript!;
    expect(updatedTranscript(text, [{ block, outcome: outcomeOf('three\n') }])).toBe(
      '  $ xl help\n  three\n\nprose\n\n  $ xl list\n\n  $ xl info\n',
    );
  });

  it('are read in a moment, however many there are', () => {
    expect(stepsOf(`  $ xl list\n${'\n'.repeat(1_000_000)}  end\n`)[0]!.transcript!.lines).toHaveLength(
      1_000_001,
    );
  });
});
