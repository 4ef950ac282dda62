/** The words of `xl create` and `xl restore`. Models main_create() and main_restore(), tools/xl/xl_vmcontrol.c. */
import type { FoundOption } from './xl-getopt.ts';

/** How a domain is to be created. Models struct domain_create. */
export interface CreateOptions {
  readonly configFile: string | null;
  /** The key=value words, in order. */
  readonly extraConfig: readonly string[];
  readonly paused: boolean;
  readonly dryrun: boolean;
  readonly debug: boolean;
  readonly quiet: boolean;
  readonly daemonize: boolean;
  readonly monitor: boolean;
  readonly ignoreMasks: boolean;
  readonly vnc: boolean;
  readonly console: boolean;
}

/** Before any option is read. */
export const createDefaults: CreateOptions = {
  configFile: null,
  extraConfig: [],
  paused: false,
  dryrun: false,
  debug: false,
  quiet: false,
  daemonize: true,
  monitor: true,
  ignoreMasks: false,
  vnc: false,
  console: false,
};

/** What each letter means. `-e` neither forks nor watches; `-F` watches without forking. */
export function applyCreateOptions(base: CreateOptions, found: readonly FoundOption[]): CreateOptions {
  let o = base;
  for (const { opt, arg } of found) {
    if (opt === 'f') o = { ...o, configFile: arg ?? null };
    if (opt === 'p') o = { ...o, paused: true };
    if (opt === 'n') o = { ...o, dryrun: true };
    if (opt === 'd') o = { ...o, debug: true };
    if (opt === 'q') o = { ...o, quiet: true };
    if (opt === 'F') o = { ...o, daemonize: false };
    if (opt === 'e') o = { ...o, daemonize: false, monitor: false };
    if (opt === 'V' || opt === 'A') o = { ...o, vnc: true };
    if (opt === 'c') o = { ...o, console: true };
    if (opt === 'i') o = { ...o, ignoreMasks: true };
  }
  return o;
}

/** Whether a first word is the config file: no option, no key=value. */
export const isConfigWord = (word: string | undefined): word is string =>
  word !== undefined && !word.startsWith('-') && !word.includes('=');

/** The words after the options: key=value, or the config file when none is known; null when there are two files. */
export function applyCreateWords(base: CreateOptions, words: readonly string[]): CreateOptions | null {
  let o = base;
  for (const word of words) {
    if (word.includes('=')) o = { ...o, extraConfig: [...o.extraConfig, word] };
    else if (o.configFile === null) o = { ...o, configFile: word };
    else return null;
  }
  return o;
}
