/** Who does pieces: this thread, or another one. */
import { extname } from 'node:path';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { ExploreProgress } from '../explorer/explore.ts';
import { XenBug } from '../hypervisor/bug.ts';
import { type Bench, doJob, type Job, type JobResult, takeHelp } from './explore-job.ts';
import type { ExploreChoice } from './explore-options.ts';
import type { Target } from './explore-target.ts';

/** Takes one piece at a time. */
export interface Hand {
  readonly name: string;
  /** Fails with HandLost where the thread ended before the piece was done. */
  readonly run: (job: Job, note: (progress: ExploreProgress) => void) => Promise<JobResult>;
  /** Somebody, at the other end of the port, helps with the walk that it leads. */
  readonly takeHelp: (port: MessagePort) => void;
  readonly close: () => void;
}

/** A thread ended. The message says why. */
export class HandLost extends Error {
  override readonly name = 'HandLost';
}

/** What a thread is started with. */
export interface HandStart {
  readonly path: string;
  readonly file: string;
  readonly hash: string;
  readonly allowOutside: boolean;
  readonly choice: ExploreChoice;
  /** One word: not 0 once the user wants no more. */
  readonly stop: Int32Array;
}

/** What a thread says. */
export type HandWord =
  | { readonly say: 'progress'; readonly progress: ExploreProgress }
  | { readonly say: 'done'; readonly result: JobResult }
  /** It found a bug of ours, or could not begin. */
  | { readonly say: 'bug' | 'cannot'; readonly message: string };

/** What a thread is told. */
export type HandOrder = Job | { readonly do: 'lead'; readonly port: MessagePort };

const MIB = 2 ** 20;
/** Beside what it may take for states, a thread needs this for itself. */
const OWN_MIB = 256;

/** This thread. */
export function ownHand(bench: Bench, stop: Int32Array): Hand {
  const isStopped = (): boolean => Atomics.load(stop, 0) !== 0;
  return {
    name: 'this thread',
    run: (job, note) => doJob(bench, job, { isStopped, note }),
    takeHelp: (port) => takeHelp(bench, port),
    close: () => {},
  };
}

/** The bundle has the thread's program beside it, under a name of its own. */
const programUrl = (): URL => new URL(`./explore-worker${extname(import.meta.url)}`, import.meta.url);

/** Another thread, started now; it is busy with that until its first piece. */
export function threadHand(
  number: number,
  { path, file, hash, allowOutside }: Target,
  choice: ExploreChoice,
  memory: number,
  stop: Int32Array,
): Hand {
  const start: HandStart = { path, file, hash, allowOutside, choice, stop };
  const worker = new Worker(programUrl(), {
    workerData: start,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memory / MIB) + OWN_MIB },
  });
  let lost: HandLost | null = null;
  let wait: {
    note: (p: ExploreProgress) => void;
    done: (r: JobResult) => void;
    failed: (e: Error) => void;
  } | null = null;
  const lose = (why: string): void => {
    lost ??= new HandLost(why);
    wait?.failed(lost);
    wait = null;
  };
  worker.on('error', (error) => lose(error.message));
  worker.on('exit', (code) => lose(`it ended with ${code}`));
  worker.on('message', (word: HandWord) => {
    if (word.say === 'progress') wait?.note(word.progress);
    else if (word.say === 'done') {
      const { done } = wait!;
      wait = null;
      done(word.result);
    } else if (word.say === 'cannot') lose(word.message);
    else {
      wait?.failed(new XenBug(word.message));
      wait = null;
    }
  });
  const say = (word: HandOrder): void => {
    const port = 'port' in word ? word.port : null;
    worker.postMessage(word, port === null ? [] : [port]);
  };
  return {
    name: `thread ${number}`,
    run: (job, note) =>
      new Promise((done, failed) => {
        if (lost !== null) {
          failed(lost);
          return;
        }
        wait = { note, done, failed };
        say(job);
      }),
    takeHelp: (port) => say({ do: 'lead', port }),
    close: () => void worker.terminate(),
  };
}
