import { defineConfig } from 'vitest/config';
import { nativeModules } from './test/native-modules.ts';

export default defineConfig({
  plugins: [nativeModules(import.meta.dirname)],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'threads',
    // Every processor: most of the time is walks of all orders, which one thread makes.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
