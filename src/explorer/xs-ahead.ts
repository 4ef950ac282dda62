/**
 * What a task changes inside a transaction, served in one go.
 *
 * libxl writes a domain's places as a list inside one transaction, which nobody sees until it commits. As long as nobody
 * else acts in between, the whole list is one change of the transaction's tree; each write takes the time it takes.
 */
import type { Request, TaskInHand } from '../toolstack/task.ts';
import type { XsCall } from '../toolstack/xenstore.ts';
import { scrubIdleOften } from './idle-scrub.ts';
import { wholeCost } from './machine.ts';
import { requestCost } from './request-cost.ts';
import type { Run } from './run-state.ts';
import { READY } from './task-life.ts';
import type { TaskRecord } from './task-serve.ts';
import { serveXsInside } from './xenstored.ts';

/** Fewer changes are not worth it. */
const MIN_CHANGES = 2;

/** A change inside a transaction. */
type XsChange = Extract<XsCall, { readonly op: 'write' | 'mkdir' | 'rm' }>;

type XsRequest = Extract<Request, { readonly kind: 'xs' }>;

/** The change inside a transaction that a request is, or null. */
const changeOf = (request: Request | undefined): XsChange | null =>
  request?.kind === 'xs' && isChange(request.call) ? request.call : null;

const isChange = (call: XsCall): call is XsChange =>
  (call.op === 'write' || call.op === 'mkdir' || call.op === 'rm') && call.tx !== undefined;

/**
 * Serves `request` and those of the same batch behind it that begin while nobody else acts: the clock stands where the
 * last of them began, `here` is the task's record after it. False: nothing was served.
 */
export function serveXsAhead(
  run: Run,
  here: TaskRecord,
  hand: TaskInHand,
  request: XsRequest,
  others: number,
  until: number,
): boolean {
  const { world, machine } = run;
  const first = changeOf(request);
  if (first === null || changeOf(hand.queue[hand.next])?.tx !== first.tx) return false;
  // Whoever looks at every request sees every one.
  if (machine?.batches === false || run.observers.get(here.id)?.served !== undefined) return false;
  const cost = machine === null ? requestCost(request, READY, 0) : wholeCost(machine, request, READY, 0);
  const changes: XsChange[] = [first];
  const last = Math.min(until, run.wakeAt);
  let { now } = world;
  for (let place = hand.next; run.steps + changes.length <= run.budget; place++) {
    const change = changeOf(hand.queue[place]);
    if (change?.tx !== first.tx || now + cost >= others || now + cost > last) break;
    now += cost;
    changes.push(change!);
  }
  const tx = first.tx ?? 0;
  const served = changes.length < MIN_CHANGES ? null : serveXsInside(world.store, tx, changes);
  if (served === null) return false;
  const more = changes.length - 1;
  hand.next += more;
  run.steps += more;
  world.now += cost;
  if (machine !== null) scrubIdleOften(world, machine, more, cost);
  else for (let i = 1; i < more; i++) world.now += cost;
  world.store = served.state;
  here.reply = { ...served.reply };
  here.at = world.now + cost;
  return true;
}
