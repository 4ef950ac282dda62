import { describe, expect, it } from 'vitest';
import { cfgParse } from '../../src/cli/cfg-parse.ts';

/** What it writes and its exit status. */
function parsed(text: string) {
  const said = { stdout: '', stderr: '' };
  const exit = cfgParse('f', text, (stream, piece) => {
    said[stream] += piece;
  });
  return { ...said, exit };
}

describe('cfg-parse', () => {
  it('lists settings newest first, as JSON in plain ASCII', () => {
    const { stdout, exit } = parsed('a=1\nb=["\xff\x1b",["x"]]\n');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      settings_newest_first: [
        { name: 'b', op: '=', line: 2, value: ['\xff\x1b', ['x']] },
        { name: 'a', op: '=', line: 1, value: '1' },
      ],
      lookups: {
        b: { get_string: 'EINVAL', get_list_len: 2 },
        a: { get_string: { v: '1' }, get_long: '1', get_list_len: 'EINVAL' },
      },
    });
    expect(stdout).toMatch(/^[\n -~]*$/);
  });

  it('answers a text that is no config with its errors and exit status 2', () => {
    expect(parsed('a\n')).toEqual({
      stdout: '{"ok": false, "errno": "EINVAL"}\n',
      stderr:
        "f:0: config parsing error near <newline>: syntax error, unexpected NEWLINE, expecting += or '='\n",
      exit: 2,
    });
  });
});

describe('cfg-parse of what += makes', () => {
  it('shows elements where they have moved, and each text with all before it', () => {
    const { stdout } = parsed('l=[]\nl+=["1",[]]\nl+=[[],"2"]\ns="\\n"\ns+="b"\n');
    const shown = JSON.parse(stdout).settings_newest_first;
    expect(shown.map(({ value }: { value: unknown }) => value)).toEqual([
      '\nb',
      '\n',
      ['1', [], [], '2'],
      [],
      [],
    ]);
  });

  it('refuses to show a text that grows with every line without end', () => {
    const { stdout, exit } = parsed('a+="x"\n'.repeat(10_000));
    expect(exit).toBe(2);
    expect(stdout).toBe('{"ok": false, "errno": "ENOMEM"}\n');
  });
});
