/** One command line from its words to its exit code: xl's command, or one of xlsim's own. */
import { didYouMean } from '../explorer/did-you-mean.ts';
import { cmdTable, cmdtableLookup, helpAll, helpCommand } from '../toolstack/xl-cmdtable.ts';
import { type Cli, complain, say } from './cli-state.ts';
import { type GlobalOptions, parseLine } from './global-options.ts';
import { OWN_COMMANDS, ownHelp } from './own-commands.ts';
import { lookCommand } from './xl-look.ts';

const MISUSE = 2;

/** Runs one command line; text and changes may still be waiting for save() and flush() afterwards. */
export async function runLine(cli: Cli, argv: readonly string[], base: GlobalOptions): Promise<number> {
  const line = parseLine(argv, base);
  if (!line.ok) {
    complain(cli, line.message);
    return MISUSE;
  }
  const { options, xlOptions, word, args } = line;
  if (word === '--version' || word === '-V' || word === 'version') {
    const { version } = await import('./version.ts');
    say(cli, 'stdout', `xlsim ${version}\n`);
    return 0;
  }
  if (word === null || word === 'help' || word === '--help' || word === '-h') {
    const about = word === null ? undefined : args[0];
    if (about === undefined) return help(cli, options, word === null ? 1 : 0);
    if (about in OWN_COMMANDS) return runOwn(cli, options, [about, '--help']);
    // Whoever asks for help wants no host made.
    say(cli, 'stdout', helpCommand(about));
    return 0;
  }
  if (Object.hasOwn(OWN_COMMANDS, word)) return runOwn(cli, options, [word, ...args]);
  if (word.startsWith('-') && !/^-[A-Za-z]/.test(word)) {
    const near = didYouMean(word.split('=')[0] ?? word, [
      '--state',
      '--host',
      '--tables',
      '--json',
      '--settle',
      '--xl-conf',
      '--lock-timeout',
      '--trace-hypercalls',
      '--version',
      '--help',
    ]);
    complain(cli, `unknown option ${word}${near === null ? '' : `; did you mean ${near}?`}`);
    return MISUSE;
  }
  const exit = await runXl(cli, options, xlOptions, [word, ...args]);
  if (cmdtableLookup(word) === null && !options.json) {
    const near = didYouMean(word.split('=')[0] ?? word, [
      ...Object.keys(OWN_COMMANDS),
      ...cmdTable.map((cmd) => cmd.name),
    ]);
    if (near !== null) complain(cli, `did you mean "${near}"?`);
  }
  return exit;
}

/** xl's own command: a look if that is enough, the whole machinery otherwise. */
async function runXl(
  cli: Cli,
  options: GlobalOptions,
  xlOptions: readonly string[],
  words: readonly string[],
): Promise<number> {
  const looked = lookCommand(cli, options, xlOptions, words);
  if (looked !== null) return looked;
  const { xlCommand } = await import('./xl-command.ts');
  return xlCommand(cli, options, xlOptions, words);
}

async function runOwn(cli: Cli, options: GlobalOptions, words: readonly string[]): Promise<number> {
  const { ownCommand } = await import('./own-program.ts');
  return ownCommand(cli, options, words, runLine);
}

/** xl's own list, then ours; with --tables=never xl's bytes alone. */
function help(cli: Cli, options: GlobalOptions, exit: number): number {
  say(cli, 'stdout', helpAll());
  if (options.tables !== 'never') say(cli, 'stdout', ownHelp());
  return exit;
}
