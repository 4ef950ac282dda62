/** `xlsim script FILE`: many commands in one process, one acknowledged sync each or a sync for each group. */
import { readFileSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatProblem } from '../explorer/scenario-problem.ts';
import { type Cli, complain, flush, release } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { save } from './open-host.ts';
import { splitLine } from './shell-words.ts';
import { systemErrorCode } from './store-fs.ts';
import { readUtf8 } from './utf8-text.ts';

const MISUSE = 2;

/** Runs one command line: handed down, because it is also what runs the script itself. */
export type RunLine = (cli: Cli, argv: readonly string[], base: GlobalOptions) => Promise<number>;

/** A script under way. */
interface Script {
  readonly runLine: RunLine;
  readonly options: GlobalOptions;
  readonly file: string;
  /** End at the first command that fails. */
  readonly stop: boolean;
  readonly progress: Progress;
}

/** Where the script stands. */
interface Progress {
  line: number;
  /** The exit code of the first command that failed. */
  exit: number;
  stopped: boolean;
}

/** Runs a script; the exit code is that of its first command that failed, 0 if none did. */
export async function scriptCommand(
  cli: Cli,
  options: GlobalOptions,
  file: string,
  groupText: string,
  stop: boolean,
  runLine: RunLine,
): Promise<number> {
  const group = /^[1-9]\d{0,5}$/.test(groupText) ? Number(groupText) : null;
  if (group === null || cli.script !== null) {
    complain(cli, group === null ? '--group is a whole number from 1 on' : 'a script does not run scripts');
    return MISUSE;
  }
  const text = file === '-' ? null : readScript(cli, file);
  if (text === undefined) return MISUSE;
  const inner: Cli = { ...cli, far: new Map(), held: [], unsaved: [], script: { group } };
  const progress: Progress = { line: 0, exit: 0, stopped: false };
  const script: Script = { runLine, options, file, stop, progress };
  try {
    if (text === null) await runStandardInput(inner, script);
    else await runLines(inner, script, text.split('\n'));
    save(inner);
    flush(inner);
  } finally {
    release(inner);
  }
  return progress.exit;
}

/** A script's text; undefined when it cannot be read, which has been said. */
function readScript(cli: Cli, file: string): string | undefined {
  try {
    const read = readUtf8(readFileSync(resolve(cli.cwd, file)));
    if (read.ok) return read.text;
    complain(cli, formatProblem(file, read.problem));
    return undefined;
  } catch (error) {
    if (systemErrorCode(error) === null || !(error instanceof Error)) throw error;
    complain(cli, `${file}: cannot be read: ${error.message}`);
    return undefined;
  }
}

/** Reads lines as they come. While it waits for more, others may have the lock. */
async function runStandardInput(cli: Cli, script: Script): Promise<void> {
  const buffer = Buffer.alloc(65536);
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const got = readSome(buffer);
    const text = rest + decoder.decode(buffer.subarray(0, got), { stream: got > 0 });
    const lines = text.split('\n');
    rest = got > 0 ? (lines.pop() ?? '') : '';
    await runLines(cli, script, lines);
    if (got === 0 || script.progress.stopped) return;
    save(cli);
    flush(cli);
    release(cli);
  }
}

/** Bytes of standard input, 0 at its end. */
function readSome(buffer: Buffer): number {
  const waiter = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      return readSync(0, buffer);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(waiter, 0, 0, 5);
    }
  }
}

async function runLines(cli: Cli, script: Script, lines: readonly string[]): Promise<void> {
  const { runLine, options, file, stop, progress } = script;
  for (const text of lines) {
    progress.line += 1;
    const words = splitLine(text);
    if (typeof words !== 'string' && words.length === 0) continue;
    const exit = typeof words === 'string' ? MISUSE : await runLine(cli, withoutProgram(words), options);
    if (exit !== 0) {
      const why = typeof words === 'string' ? words : `exit ${exit}`;
      complain(cli, `${file}:${progress.line}: ${why}: ${text.trim().slice(0, 200)}`);
      if (progress.exit === 0) progress.exit = exit;
      progress.stopped ||= stop;
    }
    if (cli.unsaved.length === 0) flush(cli);
    if (progress.stopped) return;
  }
}

/** History prints `xl …` and `xlsim …`; both may be left out. */
const withoutProgram = (words: readonly string[]): readonly string[] =>
  words[0] === 'xl' || words[0] === 'xlsim' ? words.slice(1) : words;
