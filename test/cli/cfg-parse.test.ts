import { describe, expect, it } from 'vitest';
import { cfgParse } from '../../src/cli/cfg-parse.ts';

describe('cfg-parse', () => {
  it('lists settings newest first, as JSON in plain ASCII', () => {
    const { stdout, exit } = cfgParse('f', 'a=1\nb=["\xff\x1b",["x"]]\n');
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
    expect(cfgParse('f', 'a\n')).toEqual({
      stdout: '{"ok": false, "errno": "EINVAL"}\n',
      stderr:
        "f:0: config parsing error near <newline>: syntax error, unexpected NEWLINE, expecting += or '='\n",
      exit: 2,
    });
  });
});
