/** Schedules on disk: what is written is read back, what is not ours is refused by name. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinOrder } from '../../src/explorer/actor-order.ts';
import {
  readSchedule,
  type ScheduleFile,
  scheduleMismatch,
  scheduleText,
} from '../../src/explorer/schedule-file.ts';

const space = {
  taskName: (task: number) => `task "${task}"\u001b[31m`,
  taskPath: (task: number) => `${task}/0`,
};
const joined = (choices: readonly number[]) => joinOrder(choices, space).map((run) => ({ ...run }));
const file: ScheduleFile = {
  schema: 'xlsim/schedule/1',
  version: '1.2.3',
  scenario: { file: 'race.xlsim.yaml', sha256: 'a'.repeat(64) },
  twin: null,
  block: 0,
  grain: 'hypercall',
  remedy: 'claim',
  verdict: 'late failure',
  choices: joined([0, 0, 1, 0]),
};
const text = scheduleText(file);

describe('a schedule', () => {
  it('is told in runs of one task', () => {
    expect(file.choices.map(({ task, times }) => [task, times])).toEqual([
      ['0/0', 2],
      ['1/0', 1],
      ['0/0', 1],
    ]);
  });

  it('survives being written and read', () => {
    expect(readSchedule(text)).toEqual({ ok: true, schedule: file });
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 60 }), (choices) => {
        const read = readSchedule(scheduleText({ ...file, choices: joined(choices) }));
        const split = read.ok
          ? read.schedule.choices.flatMap(({ task, times }) => new Array(times).fill(task))
          : [];
        expect(split).toEqual(choices.map((task) => `${task}/0`));
      }),
    );
  });

  it.each([
    ['{', 'it is not JSON'],
    ['null', 'it names no schema'],
    ['{"schema":"xlsim/schedule/9"}', 'its schema is "xlsim/schedule/9", not "xlsim/schedule/1"'],
    [text.replace('"times":2', '"times":0'), '11:57: choices[1].times must be 1 or more; it is 0'],
    [text.replace('"times":2', '"times":1.5'), 'choices[1].times must be a whole number; it is 1.5'],
    [text.replace('"block": 0', '"block": -1'), 'block must be 0 or more; it is -1'],
    [text.replace('"times":2', '"times":99999999'), '10000000 at most'],
    [
      text.replace('"block"', '"blocks"'),
      'is no valid schedule: 6:3: unknown key "blocks": did you mean "block"?',
    ],
    [
      text.replace('"block": 0', '"block": 0, "colour": 1'),
      'unknown key "colour": known here: schema, version, scenario,',
    ],
    [text.replace('"sha256"', '"sha"'), 'unknown key "sha": known here: file, sha256'],
    [text.replace('  "block": 0,\n', ''), '"block" is missing'],
    // No YAML: a tab may not indent there. Told all the same, without the place.
    [
      text.replaceAll('\n', '\n\t').replace('"block"', '"blocks"'),
      'unknown key "blocks": did you mean "block"?',
    ],
  ])('is refused by what is wrong with it: %s', (wrong, told) => {
    const read = readSchedule(wrong);
    expect(read.ok ? '' : read.message).toContain(told);
  });

  it('names the version and the scenario it does not fit', () => {
    const here = { version: '1.2.3', sha256: 'a'.repeat(64), file: 'x.xlsim.yaml' };
    expect(scheduleMismatch(file, here)).toEqual([]);
    expect(scheduleMismatch(file, { ...here, version: '2.0.0' })).toEqual([
      'it was written by xlsim 1.2.3, this is 2.0.0',
    ]);
    expect(scheduleMismatch(file, { ...here, sha256: 'b'.repeat(64) })[0]).toContain(
      'it belongs to race.xlsim.yaml with SHA-256 aaaaaaaaaaaa…, x.xlsim.yaml has bbbbbbbbbbbb…',
    );
  });
});
