/** The command line as users get it: bundled once for a test file, run as a process of its own; or called, which is cheaper. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { newCli, runMain } from '../../src/cli/main.ts';
import { nodeStoreFs } from '../../src/cli/store-fs.ts';
import type { Stream, Terminal } from '../../src/cli/terminal.ts';

/** What a run of xlsim left behind. */
export interface CliRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | undefined;
  readonly signal: string | undefined;
}

/** A bundle and a scratch directory with a state in it. */
export interface BuiltCli {
  readonly dir: string;
  readonly state: string;
  readonly entry: string;
  /** Runs `xlsim ARGS`. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<CliRun>;
  /**
   * Runs `xlsim ARGS` in this thread, with all that the process lends it: no start of Node, and no end of it; what waits for
   * ever is waited for.
   */
  readonly call: (args: readonly string[]) => Promise<CliRun>;
  /** Writes a file into the scratch directory; its path. */
  readonly file: (name: string, content: string | Uint8Array) => string;
  readonly remove: () => void;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a process of its own is given, and a call. */
const envOf = (state: string): Readonly<Record<string, string>> => ({
  XLSIM_STATE: state,
  XLSIM_TABLES: '',
  XLSIM_XL_CONF: '',
  NO_COLOR: '',
  FORCE_COLOR: '',
});

async function callCli(cwd: string, state: string, args: readonly string[]): Promise<CliRun> {
  const written: Record<Stream, Uint8Array[]> = { stdout: [], stderr: [] };
  const terminal: Terminal = {
    isTerminal: () => false,
    write: (stream, data) => written[stream].push(data),
  };
  const env = { ...process.env, ...envOf(state) };
  const exit = await runMain(newCli({ fs: nodeStoreFs, terminal, env, cwd }), args);
  const text = (stream: Stream): string => Buffer.concat(written[stream]).toString();
  return { stdout: text('stdout'), stderr: text('stderr'), exit, signal: undefined };
}

/** Bundles the command line, or with `entry` a test's own beginning of it. */
export async function buildCli(entry = 'src/cli/main.ts', call = 'main()'): Promise<BuiltCli> {
  const dir = mkdtempSync(join(tmpdir(), 'xlsim-cli-'));
  await build({
    entryPoints: { main: entry, 'explore-worker': 'src/cli/explore-worker.ts' },
    outdir: join(dir, 'dist'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    banner: {
      js: "import { createRequire as xlsimCreateRequire } from 'node:module'; const require = xlsimCreateRequire(import.meta.url);",
    },
  });
  const start = join(dir, 'xlsim.mjs');
  writeFileSync(start, `import { main } from './dist/main.mjs';\nawait ${call};\n`);
  const state = join(dir, 'state');
  return {
    dir,
    state,
    entry: start,
    run: async (args, { input = '', env = {} } = {}) => {
      const result = await execa(process.execPath, [start, ...args], {
        cwd: dir,
        input,
        reject: false,
        stripFinalNewline: false,
        env: { ...envOf(state), ...env },
      });
      return { stdout: result.stdout, stderr: result.stderr, exit: result.exitCode, signal: result.signal };
    },
    call: (args) => callCli(dir, state, args),
    file: (name, content) => {
      writeFileSync(join(dir, name), content);
      return name;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A small PVH guest's config. */
export const guestConfig = (name: string, memory: number): string =>
  `name="${name}"\ntype="pvh"\nmemory=${memory}\nvcpus=1\nkernel="/boot/vmlinuz"\n`;
