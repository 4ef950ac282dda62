/** What a driven block consists of, as texts: the same text has the same future or, by class, one that looks the same. */

import type { Domain } from '../hypervisor/domain-state.ts';
import type { HeapDomain } from '../hypervisor/heap-state.ts';
import type { BlockRun } from './block.ts';
import { type Canon, canonId, canonText } from './canonical.ts';
import { domainExact } from './domain-exact.ts';
import { heapDomainClass } from './memory-class.ts';
import type { World } from './world.ts';
import type { XsState } from './xenstored.ts';

/** Whether it matters which frame is whose. */
export type Ownership = 'class' | 'exact';

/** xenstore; counters that only name things are as settleForm() leaves them. */
export function storeText(canon: Canon, { root, introduced, transactions }: XsState): string {
  let text = `${canonText(canon, root)} ${introduced.join()}`;
  for (const [tx, { seen, touched, isStale, copy }] of transactions) {
    // What a stale one has seen still decides what it is told until its end.
    text += ` ${tx}:${canonText(canon, seen)},${isStale},${touched.join()},${canonText(canon, copy)}`;
  }
  return text;
}

/** What else the world keeps: what was given out, and files. */
export function restText(
  canon: Canon,
  world: Pick<World, 'recentDomids' | 'uuids' | 'xlConf' | 'missingFiles' | 'files'>,
): string {
  const { recentDomids, uuids, xlConf, missingFiles, files } = world;
  return canonText(canon, [recentDomids, uuids, xlConf, missingFiles, files]);
}

/** A domain with every frame in its place; its record is a value, looked at once. By class: see domain-forms.ts. */
export function domainText(canon: Canon, record: Domain, heap: Readonly<HeapDomain>): string {
  let known = canon.known.get(record);
  if (known === undefined) {
    known = `#${canonId(canon, domainExact(canon, record))}`;
    canon.known.set(record, known);
  }
  return `${known} ${heapDomainClass(heap)}`;
}

/**
 * A state has one form: who may go on is ready since the block began, and counters of xenstore that only name things go on
 * from what has a name: the next transaction's number from the highest that is open.
 */
export function settleForm(block: BlockRun, began: number): void {
  const { world } = block.run;
  const { store, now } = world;
  const nextTx = 1 + store.transactions.reduce((most, [tx]) => Math.max(most, tx), 0);
  if (store.generation !== 0 || store.nextTx !== nextTx) {
    world.store = { ...store, generation: 0, nextTx };
  }
  const isLate = ({ at }: { readonly at: number | null }): boolean => at !== null && at > began && at <= now;
  if (world.tasks.some(isLate)) {
    world.tasks = world.tasks.map((task) => (isLate(task) ? { ...task, at: began } : task));
  }
  if (block.states.some(isLate)) {
    block.states = block.states.map((state) => (isLate(state) ? { ...state, at: began } : state));
  }
}
