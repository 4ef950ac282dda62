/**
 * Whoever only goes forward notices that it goes round in a circle: nobody but one sleeper after the other could go on, and
 * the host is what it was some time ago but for the time.
 */
import type { BlockRun } from './block.ts';
import { firstAlike, newTimeShapes, type TimeShapes } from './time-shape.ts';
import { newCells, readCells, withRoom } from './world-cells.ts';

/** Sleepers woken one after the other before it is looked whether anything comes of it: most waits end. */
const PATIENCE = 16;

/** What is known of the way since there was a choice. */
export interface Laps {
  readonly block: BlockRun;
  /** Called before the block is looked at. */
  readonly settle: () => void;
  /** When somebody went on last, and how many times the clock has jumped since there was a choice. */
  now: number;
  jumps: number;
  shapes: TimeShapes | null;
  isLap: boolean;
}

export const newLaps = (block: BlockRun, settle = (): void => {}): Laps => ({
  block,
  settle,
  now: block.run.world.now,
  jumps: 0,
  shapes: null,
  isLap: false,
});

/** The block is where it began. */
export function startLaps(laps: Laps): void {
  forget(laps);
  laps.isLap = false;
}

function forget(laps: Laps): void {
  laps.now = laps.block.run.world.now;
  laps.jumps = 0;
  laps.shapes = null;
}

/** Whether the host was here before, `turns` being those that can go on now. Once it was, it stays so. */
export function isLap(laps: Laps, turns: number): boolean {
  const { now } = laps.block.run.world;
  if (laps.isLap) return true;
  if (turns !== 1) forget(laps);
  else if (now !== laps.now) {
    laps.now = now;
    laps.jumps++;
    if (laps.jumps > PATIENCE) laps.isLap = wasHere(laps);
  }
  return laps.isLap;
}

function wasHere(laps: Laps): boolean {
  laps.settle();
  laps.shapes ??= newTimeShapes(newCells(laps.block, 'exact'));
  const { cells } = laps.shapes;
  const state = withRoom(cells, new Int32Array(cells.count), (into) => readCells(cells, into, null));
  return firstAlike(laps.shapes, state, 0, laps.jumps) !== laps.jumps;
}
