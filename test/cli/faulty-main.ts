/** The command line on a file system that kills the process, or fails, at a chosen call: `FAULT=kill:7:write`. */
import { main as start } from '../../src/cli/main.ts';
import { nodeStoreFs as fs, type StoreFs } from '../../src/cli/store-fs.ts';

const CHANGING = [
  'openSync',
  'writeSync',
  'fdatasyncSync',
  'fsyncSync',
  'renameSync',
  'unlinkSync',
  'mkdirSync',
] as const;

/** Runs the command line with the fault that the environment names. */
export async function main(): Promise<void> {
  const [kind = '', nth = '0', only = ''] = (process.env.FAULT ?? '').split(':');
  let left = Number(nth);
  const faulty: Record<string, unknown> = { ...fs };
  for (const name of CHANGING) {
    const real = fs[name] as (...args: unknown[]) => unknown;
    faulty[name] = (...args: unknown[]): unknown => {
      // Opening for reading changes nothing.
      const counts = (only === '' || name.startsWith(only)) && !(name === 'openSync' && args[1] === 'r');
      if (counts && left-- === 0) {
        if (kind === 'kill') process.kill(process.pid, 'SIGKILL');
        throw Object.assign(new Error(`${kind}: injected, ${name}`), { code: kind, syscall: name });
      }
      return real(...args);
    };
  }
  await start(kind === '' ? fs : (faulty as unknown as StoreFs));
}
