/** An exploration in real time: threads, the clock, the memory, Ctrl-C, and a line of progress. */
import type { Exploration } from '../explorer/explore-record.ts';
import { type Cli, complain, flush } from './cli-state.ts';
import { ownHand, threadHand } from './explore-hand.ts';
import { newBench } from './explore-job.ts';
import type { ExploreChoice } from './explore-options.ts';
import { newPlan, resultsOf } from './explore-plan.ts';
import { work } from './explore-pool.ts';
import { showProgress } from './explore-progress.ts';
import type { Target } from './explore-target.ts';

/**
 * A walk that is over sooner is left to one thread: another has to learn what that one knows and to be told what its
 * states are, which costs more than a second of its own.
 */
const HELP_AFTER_MS = 1_000;

/** All there is to do is over sooner: no thread more is worth a thought. */
const HIRE_AFTER_MS = 150;

/**
 * Another thread has to be loaded, to play what comes before the block, and to compile what this one has compiled already:
 * more than a second, part of which this one loses. Less work than that is done sooner by one alone.
 */
const HIRE_FOR_MS = 2_500;

/** Explores under every remedy of `choice` within its limits. Ctrl-C ends it with what is known, a second one at once. */
export async function exploreAll(cli: Cli, target: Target, choice: ExploreChoice): Promise<Exploration[]> {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const bench = newBench(target, choice);
  const { strategy, remedies, timeBudget, jobs: threads, maxMemory: memory } = choice;
  const isSampled = strategy === 'random' || strategy === 'pct';
  const sampleTime = timeBudget * (isSampled ? 1 : 0.5);
  const plan = newPlan({
    remedies: remedies.length,
    samples: bench.samples,
    isSampled,
    isShared: threads > 1 && !choice.reduction,
    helpAfter: HELP_AFTER_MS,
    hireFor: HIRE_FOR_MS,
    threads,
    memory,
    sampleSteps: choice.sampleSteps,
    sampleTime,
  });
  // With nobody to handle it, the next one ends the process.
  const interrupt = (): void => void Atomics.store(stop, 0, 1);
  process.once('SIGINT', interrupt);
  const shows = cli.terminal.isTerminal('stderr') && !cli.env.CI;
  const title = choice.compare ? null : (remedies[0] ?? target.scenario.name);
  const watch = shows ? showProgress(cli, plan, title) : null;
  try {
    await work({
      plan,
      hireAfter: HIRE_AFTER_MS,
      own: ownHand(bench, stop),
      hire: (n) => threadHand(n, target, choice, memory / threads, stop),
      onLost: ({ name }, why) => {
        complain(cli, `${name} was lost: ${why}; what it was at is done again`);
        flush(cli);
      },
      onProgress: ({ name }, _job, progress) => watch?.note(name, progress),
      halt: interrupt,
    });
  } finally {
    process.off('SIGINT', interrupt);
    watch?.close();
  }
  return resultsOf(plan);
}
