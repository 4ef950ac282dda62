/** Long work between turns of the event loop: signals and messages are delivered there. */
import { continueSliced, endSliced, type Sliced, underway } from '../explorer/sliced.ts';

/** Between two looks at the clock, the memory and the user. */
export const SLICE_MS = 8;
const FIRST_STEPS = 500;
const MOST_STEPS = 1_000_000;

/** Calls `slice` with a number of steps again and again until it says that all is done or `looks` says stop. */
export async function inSlices(slice: (steps: number) => boolean, looks: () => boolean): Promise<void> {
  let steps = FIRST_STEPS;
  for (;;) {
    const since = performance.now();
    if (slice(steps)) return;
    const took = performance.now() - since;
    if (took < SLICE_MS / 2) steps = Math.min(MOST_STEPS, steps * 2);
    else if (took > SLICE_MS * 2) steps = Math.max(1, Math.floor(steps / 2));
    if (looks()) return;
    // Signals and messages are delivered between turns of the event loop.
    await new Promise((done) => setImmediate(done));
  }
}

/** Does what can be done of some work until `isLate`, and takes what is known by then. */
export async function doSliced<T>(work: Sliced<T>, isLate: () => boolean): Promise<T> {
  const way = underway(work);
  await inSlices((steps) => continueSliced(way, steps), isLate);
  return endSliced(way);
}
