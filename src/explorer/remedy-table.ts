/** All remedies, in the order in which tables show them. A new one is a file in remedies/ and a row here. */
import { claim } from './remedies/claim.ts';
import { heapLock } from './remedies/heap-lock.ts';
import { maxPages } from './remedies/max-pages.ts';
import { nothing } from './remedies/nothing.ts';
import { xlLock } from './remedies/xl-lock.ts';
import type { Remedy } from './remedy.ts';

export const REMEDIES: readonly Remedy[] = [nothing, xlLock, heapLock, maxPages, claim];

/** The remedy of that name; undefined: there is none. */
export const remedyNamed = (name: string): Remedy | undefined =>
  REMEDIES.find((remedy) => remedy.name === name);
