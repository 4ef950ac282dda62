/** What stops a command because of the state on disk: which file, what is wrong, what to do. */
import { systemErrorCode } from './store-fs.ts';

/** The state cannot be used or written. The host is unchanged. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly file: string;
  readonly advice: string;
  /** 1: the state failed us; 2: the user asked for something that is not there. */
  readonly exit: number;

  constructor(file: string, what: string, advice: string, exit = 1) {
    super(what);
    this.file = file;
    this.advice = advice;
    this.exit = exit;
  }
}

/** The advice for a file whose bytes are not those that were written. */
const DAMAGED_ADVICE =
  'restore the state directory from a backup, or remove this host with `xlsim host remove` and make it anew';

export const damaged = (file: string, what: string): StateError =>
  new StateError(file, `damaged: ${what}`, DAMAGED_ADVICE);

const WRITE_ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space and run the command again; nothing was changed',
  EDQUOT: 'free some space and run the command again; nothing was changed',
  EROFS: 'use a directory that can be written (--state DIR); nothing was changed',
  EACCES: 'use a directory you may write to (--state DIR); nothing was changed',
  EPERM: 'use a directory you may write to (--state DIR); nothing was changed',
};

/** Turns a failed system call into a StateError; anything else is thrown on as it is. */
export function stateErrorOf(error: unknown, file: string, doing: string): unknown {
  const code = systemErrorCode(error);
  if (code === null || !(error instanceof Error)) return error;
  const advice = WRITE_ADVICE[code] ?? 'see that the directory and its disk are sound; nothing was changed';
  return new StateError(file, `cannot ${doing}: ${reason(error)}`, advice);
}

/** The human half of node's `ENOSPC: no space left on device, write`. */
const reason = (error: Error): string => error.message.replace(/,[^,]*$/, '');
