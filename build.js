// Bundles src/cli into dist: ESM with splitting, so that a command loads only what it needs.
import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const outdir = 'dist';

const { metafile } = await build({
  entryPoints: {
    main: 'src/cli/main.ts',
    bench: 'src/cli/bench.ts',
    // The program of the threads that explore.
    'explore-worker': 'src/cli/explore-worker.ts',
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  // Less to parse at every start; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  // The bench's peer, which only those who develop xlsim have.
  external: ['fast-check'],
  logLevel: 'warning',
  // commander and cli-table3 are CommonJS: their require() of node's own modules needs a real one.
  banner: {
    js: "import { createRequire as xlsimCreateRequire } from 'node:module'; const require = xlsimCreateRequire(import.meta.url);",
  },
});

// Chunks of earlier builds go only now, so that a program running from dist meanwhile finds its files.
const made = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
for (const name of readdirSync(outdir)) if (!made.has(name)) rmSync(join(outdir, name), { recursive: true });
