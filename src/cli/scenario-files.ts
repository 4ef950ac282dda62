/** Finding and reading scenario files, and what they may reach from where they lie. */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { Scenario } from '../explorer/scenario.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import type { NamedFile } from '../explorer/scenario-named-files.ts';
import type { Problem } from '../explorer/scenario-problem.ts';
import { MAX_SCENARIO_CHARS } from '../explorer/scenario-yaml.ts';
import { parseTranscript } from '../explorer/transcript.ts';
import { StateError } from './state-error.ts';
import { systemErrorCode } from './store-fs.ts';
import { type FileText, readUtf8 } from './utf8-text.ts';

const YAML_FILE = /\.xlsim\.ya?ml$/;
/** An empty word is no path, though it would be read as the folder that one is in. */
export const NO_NAME = 'an empty name is no file: name a scenario, such as scenarios/race.xlsim.yaml';
const TRANSCRIPT_FILE = /\.xlsim\.(t|txt)$/;
const EFBIG = 27;
/** A guest's config above this is refused. */
const MAX_CONFIG_BYTES = 64 * 1024 * 1024;

/** Whether a file of that name is one that folders of scenarios are searched for. */
export const isScenarioName = (name: string): boolean => YAML_FILE.test(name) || TRANSCRIPT_FILE.test(name);

/** A scenario file as it was found. */
export interface FoundFile {
  /** Relative to where the command was given, with forward slashes. */
  readonly file: string;
  readonly path: string;
}

export type FoundFiles =
  | { readonly ok: true; readonly files: readonly FoundFile[] }
  | { readonly ok: false; readonly message: string };

/** The scenario files that `paths` name or hold, each once, in order of their names. */
export function findScenarios(cwd: string, paths: readonly string[]): FoundFiles {
  const found = new Map<string, FoundFile>();
  const add = (path: string): void => {
    const file = relative(cwd, path).split(sep).join('/');
    found.set(path, { file: file === '' ? basename(path) : file, path });
  };
  for (const name of paths) {
    if (name === '') return { ok: false, message: NO_NAME };
    const path = resolve(cwd, name);
    try {
      if (!statSync(path).isDirectory()) add(path);
      else for (const entry of scenariosUnder(path)) add(entry);
    } catch (error) {
      return { ok: false, message: notFound(name, error) };
    }
  }
  const files = [...found.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  if (files.length > 0) return { ok: true, files };
  return {
    ok: false,
    message: `no scenario in ${paths.join(', ')}: files are called *.xlsim.yaml or *.xlsim.t`,
  };
}

/** Why there is nothing to be had of a path, or of a folder below it that nobody may look into. */
function notFound(name: string, error: unknown): string {
  const code = systemErrorCode(error);
  if (code === null) throw error;
  if (code === 'ENOENT') return `${name}: ENOENT: no such file or folder`;
  const { path = name } = error as NodeJS.ErrnoException;
  return `${path}: cannot be read: ${code}`;
}

const scenariosUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isScenarioName(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));

/** A file's text and what it says. */
export interface ReadScenario {
  readonly hash: string;
  readonly text: string;
  readonly scenario: Scenario | null;
  readonly problems: readonly Problem[];
}

/** What a scenario may do outside of its file. */
export interface Leave {
  /** It may name files outside of its folder. */
  readonly outside: boolean;
  /** Recorded outputs are written anew: what they hold now is nothing to it. */
  readonly update: boolean;
  /** Is told of files that it names, whether they are there or not. */
  readonly noteNamed?: (path: string) => void;
}

/** Reads and checks a scenario file; what is wrong with it is in `problems`. */
export function readScenario(path: string, leave: Leave): ReadScenario {
  const unread = (hash: string, problem: Problem): ReadScenario => ({
    hash,
    text: '',
    scenario: null,
    problems: [problem],
  });
  const wrong = (message: string): ReadScenario => unread('', { line: 1, column: 1, message });
  let bytes: Uint8Array;
  try {
    const found = statSync(path);
    if (isEndless(found))
      return wrong('is no regular file: write the scenario to one, what it names is found from there');
    const { size } = found;
    if (size > MAX_SCENARIO_CHARS) {
      return wrong(
        `is ${Math.round(size / 1024 / 1024)} MiB large; a scenario is at most ${MAX_SCENARIO_CHARS / 1024 / 1024} MiB`,
      );
    }
    bytes = readFileSync(path);
  } catch (error) {
    return wrong(unreadable(systemErrorCode(error) ?? String(error)));
  }
  const hash = createHash('sha256').update(bytes).digest('hex');
  const decoded = readUtf8(bytes);
  if (!decoded.ok) return unread(hash, decoded.problem);
  const { text } = decoded;
  const folder = dirname(path);
  const refusal = ({ path: named, use }: NamedFile): string | null => {
    leave.noteNamed?.(resolve(folder, named));
    if (!leave.outside && !isInside(folder, named))
      return `${named} lies outside of the scenario's folder: copy it there, or use --allow-outside`;
    if (use === 'config') return unreadableConfig(folder, named, leave.outside);
    return leave.update ? null : unreadableOutput(folder, named);
  };
  const read = TRANSCRIPT_FILE.test(path) ? parseTranscript : parseScenario;
  const checked = read(text, basename(path), refusal);
  return {
    hash,
    text,
    scenario: checked.ok ? checked.value : null,
    problems: checked.ok ? [] : checked.problems,
  };
}

/** A pipe or a terminal would be waited for, a device never ends; nor could either be read again. */
const isEndless = (found: Stats): boolean => !found.isFile() && !found.isDirectory();

/** Whether `path` stays below `folder`, symbolic links followed. */
function isInside(folder: string, path: string): boolean {
  const real = (p: string): string => {
    try {
      return realpathSync(p);
    } catch {
      return p === dirname(p) ? p : join(real(dirname(p)), basename(p));
    }
  };
  const root = real(folder);
  const target = real(resolve(folder, path));
  return target === root || target.startsWith(root + sep);
}

/** A file's bytes as one char each, or a negative errno: what a scenario's programs see of the outside. */
export function readNearby(folder: string, path: string, allowOutside: boolean): string | number {
  const known: Readonly<Record<string, number>> = constants.errno;
  if (!allowOutside && !isInside(folder, path)) return -(known.EACCES ?? 13);
  try {
    const real = resolve(folder, path);
    const found = statSync(real);
    if (isEndless(found)) return -(known.EINVAL ?? 22);
    if (found.size > MAX_CONFIG_BYTES) return -EFBIG;
    return readFileSync(real).toString('latin1');
  } catch (error) {
    return -(known[systemErrorCode(error) ?? ''] ?? 5);
  }
}

/** Why a config cannot be read, which xl would say of the guest's name; null: it can. */
function unreadableConfig(folder: string, path: string, allowOutside: boolean): string | null {
  const read = readNearby(folder, path, allowOutside);
  if (typeof read === 'string') return null;
  const known = Object.entries(constants.errno).find(([, errno]) => errno === -read);
  return `${path}: ${unreadable(known?.[0] ?? String(-read), 'a config')}`;
}

/** A recorded output; null: there is none yet, or what there is is no text. */
export function readRecorded(folder: string, path: string): string | null {
  const read = recordedAt(folder, path);
  return read?.ok ? read.text : null;
}

/** What is wrong with a recorded output; null: nothing, or there is none yet. Configs are bytes, as they are to xl. */
function unreadableOutput(folder: string, path: string): string | null {
  const read = recordedAt(folder, path);
  if (read === null || read.ok) return null;
  const { line, column, message } = read.problem;
  return `${path}:${line}:${column}: ${message}, or let --update write it anew`;
}

function recordedAt(folder: string, path: string): FileText | null {
  try {
    const file = resolve(folder, path);
    return isEndless(statSync(file)) ? null : readUtf8(readFileSync(file));
  } catch {
    return null;
  }
}

/** Writes a recorded output, in a folder of its own if need be. Throws StateError where that cannot be. */
export function writeText(folder: string, path: string, text: string): void {
  const file = resolve(folder, path);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === null) throw error;
    throw new StateError(file, `cannot be written: ${code}`, 'outputs that came before it were recorded', 2);
  }
}

const unreadable = (code: string, what = 'a scenario file'): string =>
  code === 'ENOENT'
    ? 'no such file'
    : code === 'EISDIR'
      ? `is a folder, not ${what}`
      : `cannot be read: ${code}`;
