// Bundles src/cli into dist: ESM with splitting, so that a command loads only what it needs.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/cli/main.ts', bench: 'src/cli/bench.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning',
  // commander and cli-table3 are CommonJS: their require() of node's own modules needs a real one.
  banner: {
    js: "import { createRequire as xlsimCreateRequire } from 'node:module'; const require = xlsimCreateRequire(import.meta.url);",
  },
});
