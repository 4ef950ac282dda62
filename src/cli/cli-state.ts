/**
 * What one xlsim process holds while it runs commands: the lock, the opened host, and output that must wait.
 *
 * Nothing is printed before what it reports is safely on disk: text is kept until save() has synced.
 */
import type { Memo } from '../toolstack/memo.ts';
import type { GlobalOptions } from './global-options.ts';
import { fromBytes, toBytes, visible } from './screen.ts';
import type { Session } from './session.ts';
import { stateDirectory } from './state-dir.ts';
import type { StateLock } from './state-lock.ts';
import type { StoreFs } from './store-fs.ts';
import type { Stream, Terminal } from './terminal.ts';

/** Text that waits to be printed. */
interface HeldText {
  readonly stream: Stream;
  readonly text: string;
  readonly safe: boolean;
}

/** See the file's header. */
export interface Cli {
  readonly fs: StoreFs;
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The lock, and the state directory it is of. */
  lock: { readonly held: StateLock; readonly state: string } | null;
  /** The opened host; trusted only while the lock is held. */
  session: { readonly session: Session; readonly state: string; readonly host: string } | null;
  /** Other hosts of the state that a command has changed, by name: the far ends of migrations. */
  far: Map<string, Session>;
  /** Text that waits for a sync. Bytes, one char each. */
  held: HeldText[];
  /** Command lines whose changes are not saved yet. */
  unsaved: string[];
  /** What the programs of this process made of texts that come again. */
  readonly memo: Memo;
  /** A script: the lock and the session stay for the next command, and this many changes are saved together. */
  readonly script: { readonly group: number } | null;
}

/** Keeps text for the user; `text` has one char per byte. `safe`: it has been made safe for a terminal, colours apart. */
export function say(cli: Cli, stream: Stream, text: string, safe = false): void {
  if (text !== '') cli.held.push({ stream, text, safe });
}

/** Keeps a sentence of xlsim's own, in Unicode, with its name in front and what could harm a terminal made visible. */
export function complain(cli: Cli, sentence: string): void {
  say(cli, 'stderr', toBytes(`xlsim: ${visible(sentence)}\n`));
}

/** Prints what was kept. On a terminal, control characters are made visible; a pipe gets xl's own bytes. */
export function flush(cli: Cli): void {
  for (const { stream, text, safe } of cli.held) {
    const shown = safe || !cli.terminal.isTerminal(stream) ? text : toBytes(visible(fromBytes(text)));
    cli.terminal.write(stream, Buffer.from(shown, 'latin1'));
  }
  cli.held = [];
}

export const stateOf = (cli: Cli, options: GlobalOptions): string => stateDirectory(options.state, cli.env);

/** Lets go of the lock; what is in memory may be outdated from then on. */
export function release(cli: Cli): void {
  cli.lock?.held.release();
  cli.lock = null;
  cli.session = null;
  cli.far = new Map();
}
