/**
 * Option parsing as xl does it: glibc's getopt_long with xl's wrapper around it. Models def_getopt(),
 * tools/xl/xl_utils.c.
 *
 * xl's main parses its global options with a leading `+`, and glibc keeps that ordering for the subcommand: options
 * end at the first word that is none.
 */
import { helpCommand } from './xl-cmdtable.ts';

/** One long option. Xen: an element of struct option. */
export interface LongOption {
  readonly name: string;
  /** Whether an argument follows: no_argument (default), required_argument, optional_argument. */
  readonly arg?: 'required' | 'optional';
  /** The letter or tag it is reported as. */
  readonly val: string;
}

/** What a command accepts. */
export interface OptionSpec {
  /** Whose help `-h` shows, and the name in "requires at least". */
  readonly command: string;
  /** A getopt string without `h`: letters, `:` after one that takes an argument, `::` after one that may. */
  readonly short: string;
  readonly long?: readonly LongOption[];
  /** How many positional words there must be at least. Xen: reqargs. */
  readonly minArgs: number;
}

/** An option as found, in order. */
export interface FoundOption {
  readonly opt: string;
  readonly arg?: string;
}

/** The words sorted, or how xl ends: the texts it prints and its exit code. */
export type ParsedOptions =
  | { readonly ok: true; readonly options: readonly FoundOption[]; readonly args: readonly string[] }
  | { readonly ok: false; readonly exit: number; readonly stdout: string; readonly stderr: string };

type Scan = { options: FoundOption[]; bad: string | null; args: readonly string[] };

/**
 * Parses `argv` (the words after the command) as `spec` says.
 * `-h` and `--help` end in the help and 0; a wrong option or too few words in 2.
 */
export function defGetopt(argv: readonly string[], spec: OptionSpec): ParsedOptions {
  const long = [...(spec.long ?? []), { name: 'help', val: 'h' }];
  const scan = getoptLong(argv, `h${spec.short}`, long);
  // getopt meets options in order: a -h before the wrong one wins, one after it is never seen.
  if (scan.options.some((o) => o.opt === 'h')) {
    return { ok: false, exit: 0, stdout: helpCommand(spec.command), stderr: '' };
  }
  if (scan.bad !== null) {
    return { ok: false, exit: 2, stdout: '', stderr: `option \`${scan.bad}' not supported.\n` };
  }
  if (scan.args.length < spec.minArgs) {
    const s = spec.minArgs > 1 ? 's' : '';
    return {
      ok: false,
      exit: 2,
      stdout: helpCommand(spec.command),
      stderr: `'xl ${spec.command}' requires at least ${spec.minArgs} argument${s}.\n\n`,
    };
  }
  return { ok: true, options: scan.options, args: scan.args };
}

/** Reads options up to the first positional word, `--`, or the first wrong one (whose optopt is `bad`). */
export function getoptLong(argv: readonly string[], short: string, long: readonly LongOption[]): Scan {
  const options: FoundOption[] = [];
  let i = 0;
  while (i < argv.length) {
    const word = argv[i]!;
    if (word === '--') {
      i++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    i++;
    const next = argv[i];
    const got =
      word.startsWith('--') && long.length > 0
        ? longOption(word.slice(2), next, long)
        : shortOptions(word.slice(1), next, short);
    options.push(...got.options);
    if (got.bad !== null) return { options, bad: got.bad, args: argv.slice(i) };
    if (got.usedNext) i++;
  }
  return { options, bad: null, args: argv.slice(i) };
}

type Got = { options: FoundOption[]; bad: string | null; usedNext: boolean };

/** One `--name` or `--name=value`; a name may be shortened while it stays clear. Models process_long_option(), glibc. */
function longOption(body: string, next: string | undefined, long: readonly LongOption[]): Got {
  const eq = body.indexOf('=');
  const name = eq < 0 ? body : body.slice(0, eq);
  const value = eq < 0 ? undefined : body.slice(eq + 1);
  const found = long.find((o) => o.name === name) ?? onlyPrefix(name, long);
  if (found === null) return { options: [], bad: '\0', usedNext: false };
  if (found.arg === undefined) {
    if (value !== undefined) return { options: [], bad: found.val, usedNext: false };
    return { options: [{ opt: found.val }], bad: null, usedNext: false };
  }
  if (value !== undefined) return { options: [{ opt: found.val, arg: value }], bad: null, usedNext: false };
  if (found.arg === 'optional') return { options: [{ opt: found.val }], bad: null, usedNext: false };
  if (next === undefined) return { options: [], bad: found.val, usedNext: false };
  return { options: [{ opt: found.val, arg: next }], bad: null, usedNext: true };
}

/** The option that `name` shortens; several are fine when they mean the same. */
function onlyPrefix(name: string, long: readonly LongOption[]): LongOption | null {
  const hits = long.filter((o) => o.name.startsWith(name));
  const first = hits[0];
  if (first === undefined) return null;
  return hits.every((o) => o.arg === first.arg && o.val === first.val) ? first : null;
}

/** A cluster of letters after one `-`; a letter that takes an argument takes the rest, or the next word. */
function shortOptions(letters: string, next: string | undefined, short: string): Got {
  const options: FoundOption[] = [];
  for (let k = 0; k < letters.length; k++) {
    const c = letters[k]!;
    const at = c === ':' || c === ';' ? -1 : short.indexOf(c);
    if (at < 0) return { options, bad: c, usedNext: false };
    if (short[at + 1] !== ':') {
      options.push({ opt: c });
      continue;
    }
    const rest = letters.slice(k + 1);
    if (rest !== '') {
      options.push({ opt: c, arg: rest });
      return { options, bad: null, usedNext: false };
    }
    if (short[at + 2] === ':') {
      options.push({ opt: c });
      return { options, bad: null, usedNext: false };
    }
    if (next === undefined) return { options, bad: c, usedNext: false };
    options.push({ opt: c, arg: next });
    return { options, bad: null, usedNext: true };
  }
  return { options, bad: null, usedNext: false };
}
