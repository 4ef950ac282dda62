/** Regular expressions of scenarios, held against the language's own. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRegex } from '../../src/explorer/regex.ts';
import { matchesRegex } from '../../src/explorer/regex-program.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { isLine, parseTranscript } from '../../src/explorer/transcript.ts';

function matches(pattern: string, text: string): boolean {
  const read = readRegex(pattern);
  if (!read.ok) throw new Error(`/${pattern}/ ${read.why}`);
  return matchesRegex(read.regex, text);
}

function whyNot(pattern: string): string | null {
  const read = readRegex(pattern);
  return read.ok ? null : read.why;
}

/** Patterns of all kinds of parts, and short texts of the letters in them. */
const atoms = fc.constantFrom(
  ...[
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '[a-c\\d]',
    '[^]',
    '[]',
    '[\\]a]',
    '\\w',
    '\\W',
    '\\d',
    '\\s',
    '\\S',
    '-',
    ' ',
    '\\n',
  ],
  ...[
    '\\.',
    '\\x61',
    '\\u0062',
    '\\141',
    '\\8',
    '\\c',
    '\\cJ',
    '\\0',
    '\\p',
    '\\k',
    '{',
    '}',
    ']',
    'a{,2}',
    '\\u{2}',
    '\\x1',
  ],
  ...[
    '^',
    '$',
    '\\b',
    '\\B',
    '(?:)',
    '',
    '[.*+]',
    '\\*',
    '\u00e9',
    '\ud83d\ude00',
    '[\\b]',
    '\\/',
    '/',
    '\\u2028',
  ],
);
const quantifiers = fc.constantFrom(
  '*',
  '+',
  '?',
  '*?',
  '+?',
  '??',
  '{2}',
  '{0}',
  '{1,}',
  '{0,2}',
  '{1,3}?',
  '{2,}?',
);
const patterns = fc.letrec<{ whole: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atoms,
    fc.tuple(fc.constantFrom('(', '(?:', '(?<n>'), tie('whole')).map(([open, inner]) => `${open}${inner})`),
    fc.tuple(tie('part'), quantifiers).map((both) => both.join('')),
  ),
  whole: fc.oneof(
    { weight: 3, arbitrary: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('')) },
    {
      weight: 1,
      arbitrary: fc.array(tie('part'), { minLength: 2, maxLength: 3 }).map((parts) => parts.join('|')),
    },
  ),
})).whole;
const texts = fc
  .array(fc.constantFrom(...'aab bc1-_.{}],2\\\n\r\u2028\u00e98kpux', '\ud83d\ude00', '\u0001', '\b', '\0'), {
    maxLength: 9,
  })
  .map((letters) => letters.join(''));

function own(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'm');
  } catch {
    return null;
  }
}

describe('a regular expression', () => {
  it('matches what that of the language matches', () => {
    let held = 0;
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 4, maxLength: 4 }), (pattern, some) => {
        const real = own(pattern);
        const read = readRegex(pattern);
        // A \k is a backreference as soon as a group has a name, and \8 once there are eight.
        if (real === null || (!read.ok && !read.isNone)) {
          if (real !== null) expect(pattern).toMatch(/\\[k8]/);
          else expect(read).toMatchObject({ ok: false, isNone: true });
          return;
        }
        held++;
        for (const text of some) expect([text, matches(pattern, text)]).toEqual([text, real.test(text)]);
      }),
      { numRuns: 4000 },
    );
    expect(held).toBeGreaterThan(2000);
  });

  it.each(['(a+)+$', '^(a|a)*$', '(a|aa)+$', '(.*)*=$', '(?:a?){60}a{60}$', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
    'takes no way twice: /%s/ on a long line',
    (pattern) => {
      expect(matches(pattern, `${'a'.repeat(20_000)}!`)).toBe(false);
    },
  );

  it('takes no way twice in a transcript either, of a glob too', () => {
    const line = `${'a'.repeat(5000)}!`;
    expect(isLine('(a+)+ (re)', line)).toBe(false);
    expect(isLine(`${'*a'.repeat(12)}*b (glob)`, line)).toBe(false);
    expect(isLine(`${'*a'.repeat(12)}*! (glob)`, line)).toBe(true);
  });

  it('is refused with the name of what cannot be found in linear time', () => {
    expect(whyNot('a(?=b)')).toMatch(/^has a look-ahead, "\(\?="/);
    expect(whyNot('a(?!b)')).toMatch(/^has a look-ahead, "\(\?!"/);
    expect(whyNot('(?<=a)b')).toMatch(/^has a look-behind, "\(\?<="/);
    expect(whyNot('(?<!a)b')).toMatch(/^has a look-behind, "\(\?<!"/);
    expect(whyNot('(a)\\1')).toMatch(/^has a backreference, "\\1"/);
    expect(whyNot('\\2(a)[(](b)')).toMatch(/^has a backreference, "\\2"/);
    expect(whyNot('\\2(a)[(]')).toBe(null);
    expect(whyNot('(?<n>a)\\k<n>')).toMatch(/^has a backreference, "\\k"/);
    expect(whyNot(`${'('.repeat(300)}${')'.repeat(300)}`)).toMatch(/^has groups more than 200 deep/);
    expect(whyNot('((a{100}){100}){100}')).toMatch(/^is too large/);
    expect(whyNot('a'.repeat(30_000))).toMatch(/^is too large/);
    expect(whyNot('(?:){1000000000}(?:^){9}')).toBe(null);
    expect(whyNot('(')).toBe('must be a regular expression');
  });
});

describe('a scenario whose regular expression is not taken', () => {
  it('says so with the place', () => {
    const text =
      'host: { memory: 1G, dom0: 256M }\nsteps:\n  - run: xl list\n    expect: { stdout: { matches: ["a", "(?!b)"] } }\n';
    const read = parseScenario(text, 't');
    expect(read).toMatchObject({
      ok: false,
      problems: [{ line: 4, column: 40, message: expect.stringMatching(/look-ahead/) }],
    });
  });

  it('says so of a line of a transcript, and leaves alone what is no regular expression', () => {
    const read = parseTranscript('prose\n\n  $ xl list\n  one\n  a(?=b) (re)\n', 't');
    expect(read).toMatchObject({
      ok: false,
      problems: [{ line: 5, column: 3, message: expect.stringMatching(/look-ahead/) }],
    });
    expect(parseTranscript('  $ xl list\n  ( (re)\n', 't').ok).toBe(true);
    expect(isLine('( (re)', '( (re)')).toBe(true);
  });
});
