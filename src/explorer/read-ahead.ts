/**
 * Names of domains read one after the other, served in one go.
 *
 * libxl finds a domain by reading the name of every domain there is. As long as nobody else acts in between, those
 * reads are one walk over xenstore; each of them takes the time it takes.
 */
import type { XsCall } from '../toolstack/xenstore.ts';
import { scrubIdleOften } from './idle-scrub.ts';
import { wholeCost } from './machine.ts';
import { requestCost } from './request-cost.ts';
import type { Run } from './run-state.ts';
import type { RunningTask } from './world.ts';
import { type XsNode, xsFind, xsLeaf } from './xs-tree.ts';

/**
 * The task's record after a read (`next`) and those of the reads it announced that begin before `others`; the clock
 * stands where the last of them began.
 */
export function readAhead(run: Run, next: RunningTask, call: XsCall, others: number): RunningTask {
  const { world, machine } = run;
  if (call.op !== 'read' || call.ahead === undefined || next.at === null) return next;
  // Whoever looks at every request sees every one.
  if (machine?.batches === false || run.intercept !== undefined || run.observers.get(next.id)?.served)
    return next;
  const { domids, from, sought } = call.ahead;
  const request = { kind: 'xs', call } as const;
  const cost =
    machine === null ? requestCost(request, next.reply, 0) : wholeCost(machine, request, next.reply, 0);
  const { now } = world;
  let { at } = next;
  let place = from;
  while (place < domids.length && at < others && at <= run.wakeAt && run.steps < run.budget) {
    run.steps++;
    place++;
    world.now = Math.max(world.now, at);
    at = world.now + cost;
  }
  if (place === from) return next;
  if (machine !== null) {
    world.now = Math.max(now, next.at);
    scrubIdleOften(world, machine, place - from, cost);
  }
  const domains = xsFind(world.store.root, '/local/domain');
  const told =
    sought === undefined
      ? { ahead: namesOf(domains, domids, from, place) }
      : { passed: { count: place - from, place: placeOfName(domains, sought, domids, from, place) } };
  return { ...next, at, reply: { ...next.reply, ...told } };
}

const NOBODY = xsLeaf('');

/** The first of some places of a list whose domain has this name, counted from `from`; null: none has. */
function placeOfName(
  parent: XsNode | null,
  sought: string,
  domids: readonly number[],
  from: number,
  to: number,
): number | null {
  let first: number | null = null;
  const { names, nodes } = parent ?? NOBODY;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    const at = node.names[0] === 'name' ? 0 : node.names.indexOf('name');
    if (node.nodes[at]?.value !== sought) continue;
    const place = domids.indexOf(Number(names[i]), from);
    if (place >= 0 && place < to) first = Math.min(first ?? place, place);
  }
  return first === null ? null : first - from;
}

/** The names of the domains from one place of a list to another; null where there is none. */
function namesOf(
  parent: XsNode | null,
  domids: readonly number[],
  from: number,
  to: number,
): readonly (string | null)[] {
  const found: (string | null)[] = [];
  const names = parent?.names ?? [];
  let last = -1;
  // Domains are made alike: where one has its name, the next one has its own.
  let at = 0;
  for (let i = from; i < to; i++) {
    const name = String(domids[i]);
    // Domids rise, and so did they when the nodes were made: most often the next one is it.
    const place = names[last + 1] === name ? last + 1 : names.indexOf(name);
    if (place >= 0) last = place;
    const node = parent?.nodes[place];
    if (node !== undefined && node.names[at] !== 'name') at = node.names.indexOf('name');
    found.push(node?.nodes[at]?.value ?? null);
  }
  return found;
}
