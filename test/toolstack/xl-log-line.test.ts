import { describe, expect, it } from 'vitest';
import { gmtime } from '../../src/toolstack/calendar.ts';
import { newTask } from '../../src/toolstack/task.ts';
import { defaultXlEnv, logLine, moreVerbose, type XlEnv } from '../../src/toolstack/xl-env.ts';

const task = (env: Partial<XlEnv>) => newTask('xl', 'main', { argv: [], env: { ...defaultXlEnv, ...env } });

describe('stdiostream_vmessage', () => {
  it('prints from progress on, and one level more for each -v', () => {
    const line = { level: 'detail', text: 'x\n' } as const;
    expect(logLine(task({}), line, 0)).toBeNull();
    expect(logLine(task({ minLevel: moreVerbose('progress') }), line, 0)).toBe('x\n');
  });

  it('begins a line with date and process id under -T', () => {
    const line = { level: 'error', text: 'libxl: error: x\n' } as const;
    expect(logLine(task({ timestamps: true }), line, 951_782_400)).toBe(
      '2000-02-29 00:00:00 UTC [1000] libxl: error: x\n',
    );
  });
});

describe('gmtime', () => {
  it('knows leap years and ends of months', () => {
    // From date(1): date -u -d '2100-03-01 23:59:59' +%s
    expect(gmtime(4_107_628_799)).toEqual({
      year: 2100,
      month: 3,
      day: 1,
      hour: 23,
      minute: 59,
      second: 59,
    });
  });
});
