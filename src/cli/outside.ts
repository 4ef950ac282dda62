/** The user's own files, as the toolstack sees them: names and contents are bytes. */
import { readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { frameOn } from '../explorer/remote-frame.ts';
import { runTasks, settleWorld } from '../explorer/run.ts';
import { newRun, type Observer } from '../explorer/run-state.ts';
import type { Outside } from '../explorer/serve.ts';
import { addTask } from '../explorer/task-life.ts';
import type { Frame, Reply } from '../toolstack/task.ts';
import { type Cli, complain } from './cli-state.ts';
import { farSession } from './open-host.ts';
import { fromBytes, toBytes } from './screen.ts';
import { systemErrorCode } from './store-fs.ts';

/** Config files above this are refused. */
const FILE_LIMIT = 64 * 1024 * 1024;
const EFBIG = 27;

/** Reads files below the directory in which the command was given. */
export function outsideOf(cli: Cli, observer: Observer | null = null): Outside {
  const real = (path: string): string => resolve(cli.cwd, fromBytes(path));
  return {
    ...(observer === null ? {} : { remote: (host, frame) => runFar(cli, observer, host, frame) }),
    memo: cli.memo,
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

/** Runs a flow to its end on another host of the state, as ssh would run xl there; what it prints comes back. */
function runFar(cli: Cli, observer: Observer, host: string, frame: Frame): Reply {
  const far = farSession(cli, fromBytes(host));
  if (far === null) return { rc: -constants.errno.EHOSTUNREACH };
  const run = newRun(far.world, outsideOf(cli), null);
  const id = addTask(far.world, { name: 'xl', frames: [frameOn(far.world, frame)] }, null);
  run.observers.set(id, { write: observer.write });
  runTasks(run, () => run.ended.has(id), Number.POSITIVE_INFINITY);
  const rc = run.ended.get(id);
  settleWorld(run, 'idle');
  return { rc: rc ?? -constants.errno.EIO };
}
