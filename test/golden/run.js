// Bundles the golden run and starts it: `npm run test:golden [-- --dir DIR]`.
import { build } from 'esbuild';

const outfile = 'node_modules/.cache/xlsim/golden.mjs';
await build({
  entryPoints: ['test/golden/run.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
const { main } = await import(new URL(`../../${outfile}`, import.meta.url).href);
process.exitCode = main(process.argv.slice(2));
