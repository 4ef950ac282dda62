import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  columnAt,
  elementAsList,
  getBoundedLong,
  getList,
  getLong,
  getString,
  nameAt,
  valueAt,
  type XluConfig,
} from '../../src/toolstack/xlu-cfg.ts';
import { xluCfgReaddata } from '../../src/toolstack/xlu-cfg-parse.ts';
import { isList, listValues, type XluValue } from '../../src/toolstack/xlu-cfg-value.ts';

const read = (text: string) => xluCfgReaddata({ source: 'f', text });

function settings(text: string): XluConfig {
  const result = read(text);
  if (!result.ok) throw new Error(result.stderr);
  return result.cfg;
}

function reports(text: string): string[] {
  const result = read(text);
  return result.ok ? [] : result.stderr.split('\n').slice(0, -1);
}

const near = (line: number, token: string, message: string): string =>
  `f:${line}: config parsing error near ${token}: ${message}`;

/** Something of every setting, oldest first. */
const each = <T>(cfg: XluConfig, what: (cfg: XluConfig, index: number) => T): T[] =>
  Array.from({ length: cfg.count }, (_, i) => what(cfg, i));

/** A value as plain arrays. */
const plain = (value: XluValue): unknown => (isList(value) ? listValues(value).map(plain) : value);

describe('xlu_cfg_readdata', () => {
  it('keeps every setting and finds the newest of a name', () => {
    const cfg = settings('a=1\nb="x"\na=2\n');
    expect(each(cfg, nameAt)).toEqual(['a', 'b', 'a']);
    expect(getString(cfg, 'a')).toEqual({ value: '2' });
  });

  it('records the line of a value and the column of its name', () => {
    const cfg = settings('a=1; b = [\n1 ]\n  c=2\n');
    expect([...cfg.lines.slice(0, 3)]).toEqual([1, 1, 3]);
    expect(each(cfg, columnAt)).toEqual([1, 6, 3]);
  });

  it('appends text to text and lists to lists, and empties the older list', () => {
    const cfg = settings('s="a"\ns+="b"\nl=["1"]\nl+=["2"]\nl+=["3"]\n');
    expect(getString(cfg, 's')).toEqual({ value: 'ab' });
    expect(each(cfg, valueAt).slice(2).map(plain)).toEqual([[], [], ['1', '2', '3']]);
  });

  it('refuses to append a list to a string', () => {
    expect(reports('s="a"\ns+=["b"]\n')).toEqual([
      near(2, "`]'", 'can\'t add [list] to "string" or vice versa'),
    ]);
  });

  it('accepts newlines, comments and one trailing comma in a list, and no other empty place', () => {
    expect(plain(valueAt(settings('l=[ # c\n1 ,\n[2],\n]\n'), 0))).toEqual(['1', ['2']]);
    expect(reports('l=[,]\n')).toEqual([near(1, "`,'", "syntax error, unexpected ',', expecting ']'")]);
  });

  it('takes names that JavaScript objects have of their own', () => {
    const cfg = settings('constructor=1\nto.string=2\n');
    expect(getString(cfg, 'constructor')).toEqual({ value: '1' });
    expect(getString(cfg, 'valueof')).toMatchObject({ errno: 3 });
  });

  it('keeps bytes above 127 as they are', () => {
    expect(getString(settings('a="\xff\xc3"\n'), 'a')).toEqual({ value: '\xff\xc3' });
  });

  it('holds lists a thousand deep', () => {
    const cfg = settings(`a=${'['.repeat(1000)}${']'.repeat(1000)}\n`);
    expect(each(cfg, nameAt)).toEqual(['a']);
  });

  it('stops where bison stops: at 10,000 stacked symbols', () => {
    expect(reports(`a=${'['.repeat(6000)}`)).toEqual([near(1, "`['", 'memory exhausted')]);
  });

  it('names the token at fault and what it waited for', () => {
    expect(reports('a b\n')).toEqual([near(1, "`b'", "syntax error, unexpected IDENT, expecting += or '='")]);
    expect(reports('a=\n')).toEqual([
      near(0, '<newline>', "syntax error, unexpected NEWLINE, expecting STRING or NUMBER or '['"),
    ]);
    expect(reports('a=[')).toEqual([near(1, "`'", "syntax error, unexpected $end, expecting ']'")]);
  });

  it('reports a second syntax error only after three accepted tokens', () => {
    expect(reports('x q\ny r\n')).toHaveLength(1);
    expect(reports('x q\ny=r\n')).toHaveLength(2);
  });

  it('ends at an unexpected token after a complete assignment', () => {
    expect(reports('x=1 y=2\n\n\nz q\n')).toEqual([
      near(1, "`y'", 'syntax error, unexpected IDENT, expecting $end'),
    ]);
  });

  it('reports one lexical error a line', () => {
    expect(reports('AA BB\nC\n')).toEqual([
      near(1, "`AA'", 'lexical error'),
      near(2, "`C'", 'lexical error'),
    ]);
  });

  it('reports an error that swallows its newline even after another on its line', () => {
    expect(reports('AA B\n')).toEqual([near(1, "`AA'", 'lexical error'), near(1, "`B'", 'lexical error')]);
  });

  it('drops a bad last byte without a word', () => {
    expect(reports('a=1\n#')).toEqual([]);
  });

  it('refuses carriage returns at the end of a line, and only there', () => {
    expect(reports('a=1\r\n')).toEqual([near(1, "`\r'", 'lexical error')]);
    expect(reports('# c\r\n')).toEqual([]);
  });

  it('hints at Python once, after all reports', () => {
    const lines = reports('a=(1)\n');
    expect(lines.slice(-3).map((line) => line.startsWith('warning: '))).toEqual([true, true, true]);
  });

  it('aborts on a NUL in a string, as the assertion of the real parser does', () => {
    expect(read('a="x\0y"\n')).toMatchObject({ ok: false, aborted: true });
    expect(read('# \0\n')).toMatchObject({ ok: true });
  });

  it('does not look into strings any more after an error', () => {
    expect(reports('A\nb="\\q\0"\n')).toEqual([near(1, "`A'", 'lexical error')]);
  });
});

describe('xlu__cfgl_dequote', () => {
  const value = (token: string) => getString(settings(`a=${token}\n`), 'a');

  it('resolves quotes, backslashes and control characters', () => {
    expect(value(String.raw`"\"\'\\\a\b\f\n\r\t\v"`)).toEqual({ value: '"\'\\\x07\b\f\n\r\t\v' });
  });

  it('drops octal escapes with the characters they read', () => {
    expect(value('"a\\1012b"')).toEqual({ value: 'ab' });
    expect(value('"\\0 12z"')).toEqual({ value: 'z' });
  });

  it('refuses hexadecimal and unknown escapes', () => {
    expect(reports('a="\\x41"\n')[0]).toContain('backslash hexnumerical character escape');
    expect(reports('a="\\q"\n')[0]).toContain('invalid character after backlash in quoted string');
  });
});

describe('xlu_cfg_get_long', () => {
  const long = (text: string) => getLong(settings(`a=${text}\n`), 'a');

  it('reads decimal, octal and hexadecimal, with a sign where quoted', () => {
    expect(long('10')).toEqual({ value: 10n });
    expect(long('010')).toEqual({ value: 8n });
    expect(long('0x10')).toEqual({ value: 16n });
    expect(long('" -5"')).toEqual({ value: -5n });
  });

  it('refuses what is left over, empty text, and more than 64 bits', () => {
    for (const bad of ['"5 "', '08', '""', '"true"']) {
      expect(long(bad)).toMatchObject({
        errno: 22,
        warning: "f:1: warning: parameter `a' is not a valid number\n",
      });
    }
    expect(long('9223372036854775807')).toEqual({ value: 9223372036854775807n });
    expect(long('9223372036854775808')).toMatchObject({ errno: 34 });
  });

  it('refuses numbers set with +=', () => {
    expect(getLong(settings('a=1\na+=1\n'), 'a')).toMatchObject({
      warning: "f:2: warning: can't use += with numbers for parameter `a'\n",
    });
  });

  it('says which bound a number breaks', () => {
    expect(getBoundedLong(settings('a=9\n'), 'a', { min: 0n, max: 5n })).toMatchObject({
      warning: "f:1: warning: value `9' is greater than maximum bound '5'\n",
    });
  });
});

type Tree = string | Tree[];

/** Text a quoted string can hold without escapes of its own, and how it is written. */
const text = fc.string({ unit: fc.constantFrom(...'ab"\'\\#;=[],\n\t\xe9 '), maxLength: 8 });
const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 3 }, text, fc.array(tie('tree'), { maxLength: 3 })),
})).tree;

const write = (value: Tree): string =>
  typeof value === 'string'
    ? `"${value.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`
    : `[${value.map(write).join(',\n')}]`;

describe('print and parse', () => {
  it('gives back every value that was written', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), (values) => {
        const cfg = settings(values.map((value, i) => `k${i}=${write(value)}\n`).join(''));
        expect(each(cfg, valueAt).map(plain)).toEqual(values);
      }),
    );
  });

  it('either stores settings or reports errors, for any bytes', () => {
    const byte = fc.oneof(
      fc.constantFrom(...'a1="\'[],;+#\\\n\r \t\0(A'),
      fc.integer({ max: 255, min: 0 }).map((c) => String.fromCharCode(c)),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 80 }), (bytes) => {
        const result = read(bytes.join(''));
        if (result.ok) return;
        expect(result.stderr).toMatch(/^(f:\d+: config parsing error near |xl: libxlu_cfg\.c:)/);
        expect(result.stderr.endsWith('\n')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('configs without measure', () => {
  it('finds the newest of each name among many settings', () => {
    const lines = Array.from({ length: 500_000 }, (_, i) => `k${i % 250_000}=${i}\n`);
    const cfg = settings(lines.join(''));
    expect(cfg.count).toBe(500_000);
    expect(getString(cfg, 'k7')).toEqual({ value: '250007' });
    expect(getString(cfg, 'k250000')).toMatchObject({ errno: 3 });
  });

  it('keeps a name apart from one that begins like it', () => {
    const cfg = settings('ab=1\na=2\nabc=3\n');
    expect(['a', 'ab', 'abc'].map((name) => getString(cfg, name).value)).toEqual(['2', '1', '3']);
  });

  it('knows the line of an element after comments and newlines', () => {
    const cfg = settings('x=1\nl=[ "a", # one\n\n ["b"],\n"c" ]\n');
    const list = getList(cfg, 'l').value;
    if (list === undefined) throw new Error('no list');
    const values = listValues(list);
    expect(values.map((value, i) => elementAsList(cfg, list, i, value))).toMatchObject([
      { warning: 'f:2:0: warning: value is not a list\n' },
      { value: { parts: Int32Array.of(21) } },
      { warning: 'f:5:0: warning: value is not a list\n' },
    ]);
  });
});
