/** errno by its name, as people write it. */
import * as errno from '../hypervisor/errno.ts';

const NAMES = new Map<number, string>(
  Object.entries(errno).flatMap(([name, n]) => (typeof n === 'number' ? [[n, name]] : [])),
);

const KNOWN = new Set(NAMES.values());

/** Whether a word is the name of an errno. */
export const isErrno = (word: string): boolean => KNOWN.has(word);

/** ENOMEM for 12; the bare number where there is no name. */
export const errnoName = (n: number): string => NAMES.get(n) ?? String(n);
