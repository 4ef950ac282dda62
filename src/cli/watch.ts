/** `xlsim replay --watch`: plays again whenever a scenario or a file that one reads changes, until it is interrupted. */
import { type FSWatcher, fstatSync, readdirSync, statSync, watch } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Cli, complain, flush, say } from './cli-state.ts';
import { misuseOf, type ReplayOptions, replayCommand } from './replay.ts';
import { fileBehind } from './same-file.ts';
import { findScenarios } from './scenario-files.ts';
import { systemErrorCode } from './store-fs.ts';

/** Editors write a file in several steps; what comes within this time is one change. */
const SETTLE_MS = 100;
/** Folders in which nobody keeps scenarios, but which may be large. */
const OTHERS = /^(\..*|node_modules)$/;
const MISUSE = 2;

/** Replays what `paths` name again and again; the exit code of the last time. */
export async function watchReplay(
  cli: Cli,
  paths: readonly string[],
  options: ReplayOptions,
): Promise<number> {
  // A slip on the command line is not mended by changing a file.
  const misuse = misuseOf(cli, paths, options);
  if (misuse !== null) {
    complain(cli, misuse);
    return MISUSE;
  }
  // What the run itself writes is no reason to run again.
  const written = [
    ...options.outputFile.map((f) => f.replace(/^[a-z]+=/, '')),
    options.trace,
    options.timeline,
  ];
  const own = new Set(
    written.flatMap((file) => (file === undefined ? [] : [fileBehind(resolve(cli.cwd, file))])),
  );
  const read = new Set<string>();
  const play = (): number => {
    const exit = replayCommand(cli, paths, options, (path) => read.add(path));
    flush(cli);
    return exit;
  };
  let exit = play();
  return new Promise((done) => {
    let timer: NodeJS.Timeout | null = null;
    const again = (): void => {
      timer = null;
      say(cli, 'stderr', 'xlsim: something changed; playing again\n');
      // What appeared is watched before anybody looks into it: what comes next is not missed meanwhile.
      watchAll();
      exit = play();
      watchAll();
    };
    const watchers = new Map<string, FSWatcher>();
    let missing = missingOf(read);
    const watchAll = (): void => {
      const whole = foldersOf(cli.cwd, paths, read);
      missing = missingOf(read);
      for (const folder of whole) missing.delete(folder);
      const folders = new Set([...whole, ...missing.keys()]);
      for (const [folder, watcher] of watchers) {
        if (folders.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
      for (const folder of folders) {
        if (!watchers.has(folder)) watchFolder(watchers, folder, (name) => meet(folder, name));
      }
    };
    const meet = (folder: string, name: string | null): void => {
      if (name !== null) {
        const path = resolve(folder, name);
        if (own.has(fileBehind(path)) || isOurOutput(path)) return;
        if (missing.get(folder)?.has(name) === false) return;
      }
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(again, SETTLE_MS);
    };
    watchAll();
    process.once('SIGINT', () => {
      for (const watcher of watchers.values()) watcher.close();
      if (timer !== null) clearTimeout(timer);
      done(exit);
    });
  });
}

/** A folder that is gone by now, or that nobody may look into, is left alone. */
function watchFolder(
  watchers: Map<string, FSWatcher>,
  folder: string,
  meet: (name: string | null) => void,
): void {
  try {
    watchers.set(
      folder,
      watch(folder, (_event, name) => meet(name)),
    );
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
  }
}

/** Folders, those below them, and those of files, as far as they are there. */
function foldersOf(cwd: string, paths: readonly string[], read: ReadonlySet<string>): Set<string> {
  const named = paths.map((path) => resolve(cwd, path));
  const found = findScenarios(cwd, paths);
  const files = found.ok ? found.files.map(({ path }) => path) : [];
  const folders = [
    ...named.flatMap(foldersBelow),
    ...[...named, ...files, ...read].map((path) => dirname(path)),
  ];
  return new Set(folders.filter(isFolder));
}

/**
 * Files whose folders are not there: by the lowest folder above them that is, what has to appear in it. Of all else that
 * happens there nothing is known to anybody.
 */
function missingOf(read: ReadonlySet<string>): Map<string, Set<string>> {
  const missing = new Map<string, Set<string>>();
  for (const path of read) {
    let [folder, next] = [dirname(path), path];
    if (isFolder(folder)) continue;
    while (!isFolder(folder) && folder !== dirname(folder)) [folder, next] = [dirname(folder), folder];
    const names = missing.get(folder) ?? new Set();
    missing.set(folder, names.add(basename(next)));
  }
  return missing;
}

function foldersBelow(folder: string): string[] {
  if (!isFolder(folder)) return [];
  const inside = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !OTHERS.test(entry.name),
  );
  return [folder, ...inside.flatMap((entry) => foldersBelow(join(folder, entry.name)))];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Whether what is printed goes into that file: `--watch > log` in a folder of scenarios is no reason to run again. */
function isOurOutput(path: string): boolean {
  try {
    const { dev, ino } = statSync(path);
    return [1, 2].some((fd) => {
      const out = fstatSync(fd);
      return out.dev === dev && out.ino === ino;
    });
  } catch {
    return false;
  }
}
