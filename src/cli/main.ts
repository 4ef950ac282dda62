/** The process: arguments in, exit code out, and the only place where a bug of xlsim's own is caught. */
import { XenBug } from '../hypervisor/bug.ts';
import { newMemo } from '../toolstack/memo.ts';
import { type Cli, complain, flush, release, say } from './cli-state.ts';
import { defaultOptions } from './global-options.ts';
import { runLine } from './run-line.ts';
import { toBytes } from './screen.ts';
import { shellLine } from './shell-words.ts';
import { stateDirectory } from './state-dir.ts';
import { damaged, StateError } from './state-error.ts';
import { nodeStoreFs, type StoreFs } from './store-fs.ts';
import { OutputError, processTerminal } from './terminal.ts';

const MISUSE = 2;
const BUG = 70;

/** Runs the command line of this process and sets its exit code. `fs` is what the state is kept with. */
export async function main(fs: StoreFs = nodeStoreFs): Promise<void> {
  const { env } = process;
  const cli = newCli({ fs, terminal: processTerminal(), env, cwd: process.cwd() });
  process.exitCode = await runMain(cli, process.argv.slice(2));
}

/** A command line that has run nothing yet. */
export function newCli(surroundings: Pick<Cli, 'fs' | 'terminal' | 'env' | 'cwd'>): Cli {
  return {
    ...surroundings,
    lock: null,
    session: null,
    far: new Map(),
    held: [],
    unsaved: [],
    memo: newMemo(),
    script: null,
  };
}

/** Runs one command line to its end: saved, unlocked, then printed. Its exit code. */
export async function runMain(cli: Cli, argv: readonly string[]): Promise<number> {
  try {
    const options = defaultOptions(cli.env);
    if (typeof options === 'string') {
      complain(cli, `$XLSIM_TABLES: ${options}`);
      flush(cli);
      return MISUSE;
    }
    const exit = await runLine(cli, argv, options);
    if (cli.unsaved.length > 0) (await import('./open-host.ts')).save(cli);
    release(cli);
    flush(cli);
    return exit;
  } catch (error) {
    release(cli);
    cli.held = [];
    return fail(cli, argv, error);
  }
}

/**
 * Says what went wrong. Nothing of the failed command is on disk, and nothing of its output is shown; but for one that was
 * over and whose output nobody took.
 */
function fail(cli: Cli, argv: readonly string[], error: unknown): number {
  if (error instanceof OutputError) {
    complain(cli, `standard output: cannot be written: ${error.message}; what this command did stays done`);
    flush(cli);
    return MISUSE;
  }
  if (error instanceof StateError) {
    complain(cli, `${error.file}: ${error.message}`);
    complain(cli, error.advice);
    flush(cli);
    return error.exit;
  }
  if (error instanceof Error && error.name === 'WorldDamage') {
    const { file, message, advice, exit } = damaged(stateDirectory(null, cli.env), error.message);
    complain(cli, `${file}: ${message}`);
    complain(cli, advice);
    flush(cli);
    return exit;
  }
  const what = error instanceof XenBug ? error.message : error instanceof Error ? error.stack : String(error);
  complain(cli, `this is a bug in xlsim, not in what you did: ${what ?? ''}`);
  complain(cli, 'the host is unchanged; to see it again:');
  say(cli, 'stderr', toBytes(`  xlsim host show && xlsim history && ${shellLine(['xlsim', ...argv])}\n`));
  flush(cli);
  return BUG;
}
