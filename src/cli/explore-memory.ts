/** How much memory an exploration takes of the thread it runs in: what it counts itself, and what the heap says. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * A heap is nearly full at this part of its limit: what comes next must not end the thread. V8 gives a heap up from 0.8 on
 * where a few collections in a row free next to nothing.
 */
const NEARLY_FULL = 0.75;
/** After a collection, a limit is reached at this part of it: close to it, collections would never end. */
const REACHED = 0.9;

/** What the thread had before, and how to look at what it has. */
export interface Gauge {
  readonly before: number;
  readonly collect: () => void;
  readonly look: () => HeapUse;
}

type HeapUse = Pick<
  ReturnType<typeof getHeapStatistics>,
  'used_heap_size' | 'external_memory' | 'heap_size_limit'
>;

export function newGauge(): Gauge {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return { before: taken(getHeapStatistics()), collect, look: getHeapStatistics };
}

/** Bytes of the thread's heap and of the arrays that hang on it, garbage among them. */
const taken = ({ used_heap_size, external_memory }: HeapUse): number => used_heap_size + external_memory;

/**
 * Whether more than `limit` bytes are taken: `counted`, which is known to be in use, or what is left in the heap when
 * garbage is gone. Also when the heap itself is nearly full.
 */
export function isOver({ before, collect, look }: Gauge, limit: number, counted: number): boolean {
  if (counted > limit) return true;
  const isMore = (use: HeapUse, part: number): boolean =>
    taken(use) - before > limit * part || use.used_heap_size > use.heap_size_limit * NEARLY_FULL * part;
  if (!isMore(look(), 1)) return false;
  collect();
  return isMore(look(), REACHED);
}
