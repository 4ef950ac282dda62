import { describe, expect, it } from 'vitest';
import { xlConfDefaults } from '../../src/toolstack/xl-conf.ts';
import { parseGlobalConfig } from '../../src/toolstack/xl-global-config.ts';

describe('parse_global_config', () => {
  it('keeps the defaults of an empty file', () => {
    expect(parseGlobalConfig('')).toEqual({
      xlconf: xlConfDefaults,
      stderr: '',
      stderrAfterMasks: '',
      exit: null,
    });
  });

  it('ends xl with 1 at a bad grammar and says "config file"', () => {
    const { stderr, exit } = parseGlobalConfig('a\n');
    expect(stderr).toMatch(/^\/etc\/xen\/xl\.conf:0: .*\nFailed to parse config file: Invalid argument\n$/);
    expect(exit).toBe(1);
  });

  it('dies of the assertion a NUL in a string sets off, without another word', () => {
    const { stderr, exit } = parseGlobalConfig('a="x\0y"\n');
    expect(stderr).toMatch(/^xl: libxlu_cfg\.c:607: .*\n$/);
    expect(exit).toBe(134);
  });

  it('ends xl silently at a grant limit that is none', () => {
    for (const bad of ['"x"', '"-1"', '2147483648', '[1]']) {
      expect(parseGlobalConfig(`max_grant_frames=${bad}\n`)).toMatchObject({ stderr: '', exit: 1 });
    }
    expect(parseGlobalConfig('max_grant_frames=0\n').xlconf.maxGrantFrames).toBe(0);
  });

  it('complains of a word it does not know and goes on, without a newline where xl has none', () => {
    const { stderr, stderrAfterMasks, exit } = parseGlobalConfig(
      'autoballoon="x"\noutput_format="xml"\ndomid_policy="y"\n',
    );
    expect(stderr).toBe('invalid autoballoon optioninvalid default output format "xml"\n');
    expect(stderrAfterMasks).toBe('invalid domid_policy option');
    expect(exit).toBeNull();
  });

  it('prefers the new names to the deprecated ones', () => {
    const { xlconf, stderr } = parseGlobalConfig(
      'vifscript="a"\nvif.default.script="b"\ndefaultbridge="c"\n',
    );
    expect(xlconf).toMatchObject({ defaultVifscript: 'b', defaultBridge: 'c' });
    expect(stderr.split('\n')).toHaveLength(3);
  });
});
