import { defineConfig } from 'vitest/config';
import { nativeModules } from './test/native-modules.ts';

export default defineConfig({
  plugins: [nativeModules(import.meta.dirname)],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'threads',
    // Every processor: most of the time is walks of all orders, which one thread makes.
    maxWorkers: '100%',
    // No module holds anything that changes (test/house), so test files may share modules, and what Node has optimised.
    isolate: false,
    // For what hangs, not for what is slow: on a host that others use as well everything may take ten times as long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
