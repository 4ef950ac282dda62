/** The user's own files, as the toolstack sees them: names and contents are bytes. */
import { readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { Outside } from '../explorer/serve.ts';
import { type Cli, complain } from './cli-state.ts';
import { fromBytes, toBytes } from './screen.ts';
import { systemErrorCode } from './store-fs.ts';

/** Config files above this are refused. */
const FILE_LIMIT = 64 * 1024 * 1024;
const EFBIG = 27;

/** Reads files below the directory in which the command was given. */
export function outsideOf(cli: Cli): Outside {
  const real = (path: string): string => resolve(cli.cwd, fromBytes(path));
  return {
    absolute: (path) => toBytes(real(path)),
    readFile: (path) => {
      try {
        const file = Buffer.from(toBytes(real(path)), 'latin1');
        if (statSync(file).size > FILE_LIMIT) {
          complain(cli, `${fromBytes(path)}: larger than 64 MiB, which no guest config is`);
          return -EFBIG;
        }
        return readFileSync(file).toString('latin1');
      } catch (error) {
        return -errnoOf(error);
      }
    },
  };
}

const errnoOf = (error: unknown): number => {
  const code = systemErrorCode(error);
  const known: Readonly<Record<string, number>> = constants.errno;
  if (code === null) throw error;
  return known[code] ?? constants.errno.EIO;
};
