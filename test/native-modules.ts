/**
 * A plugin that has tests load the project's modules as users' Node does.
 *
 * Vitest wraps every module in a function and every name that a module imports in a getter. Walks of all orders, which
 * cross modules all the time, then take twice the processor time. So all modules are compiled once before a run, each to
 * a file of its own, and what test files import is loaded from there; only the test files themselves are left to vitest.
 * Source maps lead from them to the lines that were written. Whoever watches files has vitest's own way.
 */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'vitest/config';

const FOLDERS = ['src', 'test'];

const modulesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name));

/** Compiles every module for itself; the folder that holds them, which lives as long as this process. */
async function compileModules(root: string): Promise<string> {
  // Where packages are found from; several runs may be under way.
  const cache = join(realpathSync(join(root, 'node_modules')), '.cache/xlsim');
  mkdirSync(cache, { recursive: true });
  const outdir = mkdtempSync(join(cache, 'tests-'));
  process.on('exit', () => rmSync(outdir, { recursive: true, force: true }));
  await build({
    absWorkingDir: root,
    entryPoints: FOLDERS.flatMap((folder) => modulesUnder(folder)),
    outdir,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'warning',
    plugins: [
      {
        name: 'one file a module',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path }) =>
            kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, '.mjs'), external: true },
          ),
      },
    ],
  });
  return outdir;
}

/** The plugin: what a test file imports of the project is the compiled module. */
export function nativeModules(root: string): Plugin {
  let compiled: Promise<string> | null = null;
  let watching = false;
  return {
    name: 'native-modules',
    enforce: 'pre',
    configureVitest: ({ vitest }) => {
      watching = vitest.config.watch;
    },
    resolveId: async (source, importer) => {
      if (watching || importer === undefined || !importer.endsWith('.test.ts')) return null;
      if (!source.startsWith('.') || !source.endsWith('.ts')) return null;
      const path = relative(root, resolve(dirname(importer), source));
      if (!FOLDERS.some((folder) => path.startsWith(`${folder}/`))) return null;
      compiled ??= compileModules(root);
      return join(await compiled, path.replace(/\.ts$/, '.mjs'));
    },
  };
}
