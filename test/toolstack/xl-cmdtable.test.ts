import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flows } from '../../src/toolstack/flows.ts';
import { cmdTable, cmdtableLookup, helpAll, helpCommand } from '../../src/toolstack/xl-cmdtable.ts';
import { COMMAND_FLOWS } from '../../src/toolstack/xl-main.ts';
import { REFUSED } from '../../src/toolstack/xl-refused.ts';

const names = cmdTable.map((cmd) => cmd.name);

describe('cmdtable_lookup', () => {
  it('finds the exact name, else the only name that begins so', () => {
    const prefixes = fc
      .tuple(fc.constantFrom(...names), fc.nat(24))
      .map(([name, length]) => name.slice(0, length));
    fc.assert(
      fc.property(fc.oneof(prefixes, fc.string({ maxLength: 6 })), (word) => {
        const beginning = names.filter((name) => name.slice(0, word.length) === word);
        const expected = names.includes(word) ? word : beginning.length === 1 ? beginning[0] : undefined;
        expect(cmdtableLookup(word)?.name).toBe(expected);
      }),
    );
  });

  it('prefers list to nothing longer, and refuses what two commands share', () => {
    expect(cmdtableLookup('li')?.name).toBe('list');
    expect(cmdtableLookup('mem')).toBeNull();
    expect(cmdtableLookup('')).toBeNull();
    // help is not in the table.
    expect(cmdtableLookup('he')).toBeNull();
  });
});

describe('help', () => {
  it('prints a usage line, a description and the options of every command', () => {
    for (const cmd of cmdTable) {
      const text = helpCommand(cmd.name);
      expect(text.startsWith(`Usage: xl [-vtT`)).toBe(true);
      expect(text).toContain(`] ${cmd.name} ${cmd.usage}\n\n${cmd.desc}.\n\n`);
      expect(text.includes('Options:\n\n')).toBe(cmd.option !== undefined);
    }
  });

  it('lists every command once, in the table order', () => {
    const lines = helpAll().split('\n').slice(4);
    const listed = lines.flatMap((line) => /^ ([a-z0-9-]+) /.exec(line)?.[1] ?? []);
    expect(listed).toEqual(names);
  });

  it('names a command it does not know', () => {
    expect(helpCommand('nosuch')).toBe('command "nosuch" not implemented\n');
  });
});

describe('cmd_table', () => {
  it('has every command answered by a flow that exists or refused by name, never both', () => {
    for (const name of names) {
      const flow = COMMAND_FLOWS[name];
      expect([name, flow !== undefined, REFUSED[name] !== undefined]).toEqual([
        name,
        flow !== undefined,
        flow === undefined,
      ]);
      if (flow !== undefined) expect([name, flows[flow]?.name]).toEqual([name, flow]);
    }
    expect(Object.keys(REFUSED).filter((name) => !names.includes(name))).toEqual([]);
    expect(Object.keys(COMMAND_FLOWS).filter((name) => !names.includes(name))).toEqual([]);
  });
});
