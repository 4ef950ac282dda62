/** An exploration in real time: slices of work with a look at the clock, the memory and the user between them. */
import { formatDuration } from '../explorer/amount.ts';
import {
  continueExploring,
  type ExploreProgress,
  type Exploring,
  exploreProgress,
  startExploring,
  stopExploring,
} from '../explorer/explore.ts';
import type { Subject } from '../explorer/explore-how.ts';
import type { Exploration } from '../explorer/explore-record.ts';
import { explorationOf } from '../explorer/explore-result.ts';
import { type Cli, flush, say } from './cli-state.ts';
import type { ExploreChoice } from './explore-options.ts';
import { grouped } from './explore-words.ts';
import { clipped, toBytes, visibleLine } from './screen.ts';

/** Steps between two looks at the clock: some milliseconds. */
const SLICE = 4_000;
const PROGRESS_EVERY_MS = 250;
const CLEAR_LINE = '\r\u001b[K';

/** Walks within the limits of `choice`; Ctrl-C ends it with what is known. */
export async function walkOrders(
  cli: Cli,
  subject: Subject,
  choice: ExploreChoice,
  title: string,
): Promise<Exploration> {
  const { index, of } = choice.shard;
  const from = Math.floor(((index - 1) * choice.samples) / of);
  const to = Math.floor((index * choice.samples) / of);
  const e = startExploring(subject, { ...choice, samples: { from, to } });
  const user = { stopped: false };
  const interrupt = (): void => {
    user.stopped = true;
  };
  process.on('SIGINT', interrupt);
  try {
    await walk(cli, e, choice, title, user);
  } finally {
    process.off('SIGINT', interrupt);
  }
  return explorationOf(e);
}

async function walk(
  cli: Cli,
  e: Exploring,
  choice: ExploreChoice,
  title: string,
  user: { readonly stopped: boolean },
): Promise<void> {
  const begin = performance.now();
  const shows = cli.terminal.isTerminal('stderr') && !cli.env.CI;
  let shown = begin;
  // Where samples may have to follow, the walk gets half of the time.
  let deadline = begin + choice.timeBudget * (choice.strategy === 'auto' ? 0.5 : 1);
  while (!continueExploring(e, SLICE)) {
    const now = performance.now();
    const progress = exploreProgress(e);
    if (user.stopped) stopExploring(e, 'interrupted');
    else if (now > deadline) {
      stopExploring(e, 'time');
      // What comes after it, samples or the search for the smallest order, gets half of the time.
      deadline = now + choice.timeBudget * 0.5;
    } else if (progress.bytes > choice.maxMemory) stopExploring(e, 'memory');
    else if (progress.states > choice.maxStates) stopExploring(e, 'states');
    if (shows && now - shown > PROGRESS_EVERY_MS) {
      shown = now;
      show(cli, progressText(title, progress, now - begin));
    }
    // Signals are delivered between turns of the event loop.
    await new Promise((done) => setImmediate(done));
  }
  if (shows) show(cli, '');
}

function progressText(title: string, p: ExploreProgress, ms: number): string {
  const rate = Math.round((p.transitions / Math.max(1, ms)) * 1000);
  const took = formatDuration(Math.round(ms) * 1e6);
  if (p.samples !== null) {
    const [done, all] = p.samples;
    const left = done === 0 ? '' : `, ${formatDuration(Math.round((ms / done) * (all - done)) * 1e6)} to go`;
    return `${title}: ${grouped(done)} of ${grouped(all)} samples, ${grouped(rate)} steps/s, ${took}${left}`;
  }
  const what = p.phase === 'find' ? 'looking for the smallest order' : `${grouped(p.frontier)} to go on from`;
  return `${title}: ${grouped(p.states)} states, ${grouped(rate)} steps/s, ${what}, ${took}`;
}

function show(cli: Cli, text: string): void {
  say(cli, 'stderr', `${CLEAR_LINE}${toBytes(clipped(visibleLine(text), 79))}`, true);
  flush(cli);
}
