/** How much memory an exploration takes of the thread it runs in: what it counts itself, and what the heap says. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A heap is nearly full at this part of its limit: what comes next must not end the thread. */
const NEARLY_FULL = 0.8;
/** After a collection, a limit is reached at this part of it: close to it, collections would never end. */
const REACHED = 0.9;

/** What the thread had before. */
export interface Gauge {
  readonly before: number;
  readonly collect: () => void;
}

export function newGauge(): Gauge {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return { before: heapUse(), collect };
}

/** Bytes of the thread's heap and of the arrays that hang on it, garbage among them. */
function heapUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/**
 * Whether more than `limit` bytes are taken: `counted`, which is known to be in use, or what is left in the heap when
 * garbage is gone. Also when the heap itself is nearly full.
 */
export function isOver({ before, collect }: Gauge, limit: number, counted: number): boolean {
  if (counted > limit) return true;
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  const isFull = (used: number): boolean => used > heap_size_limit * NEARLY_FULL;
  if (heapUse() - before <= limit && !isFull(used_heap_size)) return false;
  collect();
  return heapUse() - before > limit * REACHED || isFull(getHeapStatistics().used_heap_size);
}
