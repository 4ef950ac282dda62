/** A thread of an exploration: pieces in, results out. It reads the scenario itself, once. */
import { parentPort, workerData } from 'node:worker_threads';
import type { HandOrder, HandStart, HandWord } from './explore-hand.ts';
import { doJob, newBench, takeHelp } from './explore-job.ts';
import { readTarget } from './explore-target.ts';

const NOTE_EVERY_MS = 100;

function serve({ path, hash, allowOutside, choice, stop }: HandStart): void {
  const say = (word: HandWord): void => parentPort?.postMessage(word);
  const target = readTarget('', path, choice, allowOutside);
  if (typeof target === 'string' || target.hash !== hash) {
    say({ say: 'cannot', message: `${path} was changed meanwhile` });
    return;
  }
  const bench = newBench(target, choice);
  let noted = performance.now();
  const desk = {
    isStopped: () => Atomics.load(stop, 0) !== 0,
    note: (progress: (HandWord & { say: 'progress' })['progress']): void => {
      const now = performance.now();
      if (now - noted < NOTE_EVERY_MS) return;
      noted = now;
      say({ say: 'progress', progress });
    },
  };
  parentPort?.on('message', (job: HandOrder) => {
    if (job.do === 'lead') {
      takeHelp(bench, job.port);
      return;
    }
    doJob(bench, job, desk).then(
      (result) => say({ say: 'done', result }),
      (error: unknown) =>
        say({ say: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}

serve(workerData as HandStart);
