/** `xlsim replay --watch`: plays again whenever a scenario or a file beside it changes, until it is interrupted. */
import { fstatSync, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Cli, flush, say } from './cli-state.ts';
import { type ReplayOptions, replayCommand } from './replay.ts';
import { findScenarios } from './scenario-files.ts';

/** Editors write a file in several steps; what comes within this time is one change. */
const SETTLE_MS = 100;

export async function watchReplay(
  cli: Cli,
  paths: readonly string[],
  options: ReplayOptions,
): Promise<number> {
  let exit = replayCommand(cli, paths, options);
  flush(cli);
  const found = findScenarios(cli.cwd, paths);
  const files = found.ok ? found.files.map(({ path }) => path) : paths.map((path) => resolve(cli.cwd, path));
  const folders = new Set(files.map((path) => dirname(path)));
  // What the run itself writes is no reason to run again.
  const written = [
    ...options.outputFile.map((f) => f.replace(/^[a-z]+=/, '')),
    options.trace,
    options.timeline,
  ];
  const own = new Set(written.flatMap((file) => (file === undefined ? [] : [resolve(cli.cwd, file)])));
  return new Promise((done) => {
    let timer: NodeJS.Timeout | null = null;
    const again = (): void => {
      timer = null;
      say(cli, 'stderr', 'xlsim: something changed; playing again\n');
      exit = replayCommand(cli, paths, options);
      flush(cli);
    };
    const watchers = [...folders].map((folder) =>
      watch(folder, (_event, name) => {
        if (name !== null && (own.has(resolve(folder, name)) || isOurOutput(resolve(folder, name)))) return;
        if (timer !== null) clearTimeout(timer);
        timer = setTimeout(again, SETTLE_MS);
      }),
    );
    process.once('SIGINT', () => {
      for (const watcher of watchers) watcher.close();
      if (timer !== null) clearTimeout(timer);
      done(exit);
    });
  });
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
