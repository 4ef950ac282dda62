import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { helpCommand } from '../../src/toolstack/xl-cmdtable.ts';
import { defGetopt, getoptLong, type OptionSpec } from '../../src/toolstack/xl-getopt.ts';

const CREATE: OptionSpec = {
  command: 'create',
  short: 'nqf:w::',
  long: [
    { name: 'dryrun', val: 'n' },
    { name: 'quiet', val: 'q' },
    { name: 'defconfig', arg: 'required', val: 'f' },
    { name: 'vncviewer', val: 'V' },
    { name: 'vncviewer-autopass', val: 'A' },
  ],
  minArgs: 0,
};
const MEM_SET: OptionSpec = { command: 'mem-set', short: '', minArgs: 2 };

const parse = (...argv: string[]) => defGetopt(argv, CREATE);
const options = (...argv: string[]) => {
  const parsed = parse(...argv);
  return parsed.ok ? parsed.options : parsed;
};

describe('def_getopt', () => {
  it('takes letters one by one or in a cluster', () => {
    expect(options('-n', '-q')).toEqual([{ opt: 'n' }, { opt: 'q' }]);
    expect(options('-nq')).toEqual([{ opt: 'n' }, { opt: 'q' }]);
  });

  it('takes an argument from the rest of the word or from the next one', () => {
    expect(options('-nfA')).toEqual([{ opt: 'n' }, { opt: 'f', arg: 'A' }]);
    expect(options('-f', 'A')).toEqual([{ opt: 'f', arg: 'A' }]);
    expect(options('--defconfig=A')).toEqual([{ opt: 'f', arg: 'A' }]);
    expect(options('--defconfig', 'A')).toEqual([{ opt: 'f', arg: 'A' }]);
  });

  it('takes an optional argument from the same word only', () => {
    expect(parse('-w', 'A')).toEqual({ ok: true, options: [{ opt: 'w' }], args: ['A'] });
    expect(options('-wA')).toEqual([{ opt: 'w', arg: 'A' }]);
  });

  it('takes a long name shortened while it stays clear, and the whole one always', () => {
    expect(options('--dry')).toEqual([{ opt: 'n' }]);
    expect(options('--vncviewer')).toEqual([{ opt: 'V' }]);
    expect(options('--vncviewer-a')).toEqual([{ opt: 'A' }]);
    expect(options('--vnc')).toMatchObject({ exit: 2, stderr: "option `\0' not supported.\n" });
  });

  it('ends at the first word that is no option, as the global + has it', () => {
    expect(parse('-n', 'file', '-q')).toEqual({ ok: true, options: [{ opt: 'n' }], args: ['file', '-q'] });
    expect(parse('-')).toEqual({ ok: true, options: [], args: ['-'] });
    expect(parse('-n', '--', '-q')).toEqual({ ok: true, options: [{ opt: 'n' }], args: ['-q'] });
  });

  it('names a wrong letter, and says a NUL for a wrong long name', () => {
    expect(options('-x')).toMatchObject({ exit: 2, stdout: '', stderr: "option `x' not supported.\n" });
    expect(options('--bogus')).toMatchObject({ exit: 2, stderr: "option `\0' not supported.\n" });
    expect(options('--quiet=1')).toMatchObject({ exit: 2, stderr: "option `q' not supported.\n" });
    expect(options('-f')).toMatchObject({ exit: 2, stderr: "option `f' not supported.\n" });
    expect(options('--defconfig')).toMatchObject({ exit: 2, stderr: "option `f' not supported.\n" });
  });

  it('shows the help for -h, unless a wrong option came first', () => {
    expect(parse('-n', '-h', '-x')).toEqual({
      ok: false,
      exit: 0,
      stdout: helpCommand('create'),
      stderr: '',
    });
    expect(parse('--help')).toMatchObject({ exit: 0 });
    expect(parse('-x', '-h')).toMatchObject({ exit: 2 });
  });

  it('asks for the words that are missing', () => {
    expect(defGetopt(['3'], MEM_SET)).toEqual({
      ok: false,
      exit: 2,
      stdout: helpCommand('mem-set'),
      stderr: "'xl mem-set' requires at least 2 arguments.\n\n",
    });
    expect(defGetopt([], { ...MEM_SET, command: 'domid', minArgs: 1 })).toMatchObject({
      stderr: "'xl domid' requires at least 1 argument.\n\n",
    });
  });

  it('gives back every word: what is no option stays, in order', () => {
    const word = fc.oneof(
      fc.constantFrom('-n', '-q', '-nq', '--dryrun', '--quiet'),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        const scan = getoptLong(argv, CREATE.short, CREATE.long ?? []);
        expect(argv.slice(argv.length - scan.args.length)).toEqual(scan.args);
      }),
    );
  });
});
