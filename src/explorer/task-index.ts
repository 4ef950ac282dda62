/**
 * The world's tasks as a run asks for them all the time: who comes next, who watches a path, who lives in a domain.
 *
 * All of it follows from World.tasks, and is kept in step by the functions here through which tasks are added, replaced
 * and removed. Whoever puts another list into the world need not know of it: an index belongs to the list that it was
 * made of, and is made anew for another. So what a turn costs does not depend on how many tasks there are.
 */

import { ASSERT } from '../hypervisor/bug.ts';
import { findHeapDomain } from '../hypervisor/heap-domain.ts';
import { dequeue, enqueue, newTimeQueue } from './time-queue.ts';
import { addWatch, findWatchers, newWatchNode, removeWatch } from './watch-index.ts';
import type { RunningTask, TaskIndex, World } from './world.ts';

/** Who comes next, and when the one after it does. */
export interface NextTask {
  readonly task: RunningTask;
  readonly others: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/** Places that are looked at before one is looked for. */
const NEAR = 4;

/** The queue may hold so many entries beyond two for each task. */
const SPARE = 64;

/** A guest's program stands still while its domain does: paused, shut down, or once it is being destroyed. */
export function canRun(world: World, task: RunningTask): boolean {
  if (task.domid === null) return true;
  const { domains, heap } = world.xen;
  const domain = domains.get(task.domid);
  if (domain === undefined || domain.controllerPauseCount > 0 || domain.isShutDown) return false;
  return findHeapDomain(heap, task.domid)?.isDying !== true;
}

/** The index, if it is that of the world's list. */
function indexOf(world: World): TaskIndex | null {
  const { index } = world;
  return index !== undefined && index.of === world.tasks && index.world === world ? index : null;
}

/** The index for a run that begins; from now on the world's list is its own until releaseTasks(). */
export function ownTasks(world: World): TaskIndex {
  const tasks = world.tasks.slice();
  const known = indexOf(world);
  const index = known ?? {
    world,
    of: tasks,
    isOwn: true,
    queue: newTimeQueue(),
    taken: null,
    still: new Map(),
    watches: newWatchNode(),
    inside: new Map(),
  };
  if (known === null) for (const task of tasks) enter(index, task);
  index.of = tasks;
  index.isOwn = true;
  world.tasks = tasks;
  world.index = index;
  for (const domid of index.still.keys()) wakeDomain(world, domid);
  return index;
}

/** The run is over: others may keep the world's list. */
export function releaseTasks(index: TaskIndex): void {
  index.isOwn = false;
}

/**
 * The place of a task in the list, or of the first one after it. Ids are given out one after the other, and much the same
 * number of each command's stay: it is most often where it would be if all gaps between them were alike.
 */
function placeOf(tasks: readonly RunningTask[], id: number): number {
  let low = 0;
  let high = tasks.length;
  if (high === 0) return 0;
  const first = tasks[0]!.id;
  const last = tasks[high - 1]!.id;
  if (id <= first) return 0;
  if (id > last) return high;
  let guess = Math.floor(((id - first) / (last - first)) * (high - 1));
  while (low < high) {
    const found = tasks[guess]!.id;
    if (found === id) return guess;
    // Ids differ: from one to another it is no more places than numbers.
    if (found < id) {
      low = guess + 1;
      high = Math.min(high, guess + id - found);
    } else {
      low = Math.max(low, guess - found + id);
      high = guess;
    }
    guess = Math.floor((low + high) / 2);
  }
  return low;
}

/** The task of that id. */
export function taskOf({ tasks }: World, id: number): RunningTask | undefined {
  const task = tasks[placeOf(tasks, id)];
  return task?.id === id ? task : undefined;
}

/** The list to change: the world's own, or a copy that becomes it. */
function listToChange(world: World): RunningTask[] {
  const index = indexOf(world);
  if (index?.isOwn === true) return index.of as RunningTask[];
  const tasks = world.tasks.slice();
  world.tasks = tasks;
  if (index !== null) index.of = tasks;
  return tasks;
}

/** Adds a task whose id is free. */
export function insertTask(world: World, task: RunningTask): void {
  const tasks = listToChange(world);
  const place = placeOf(tasks, task.id);
  if (place === tasks.length) tasks.push(task);
  else tasks.splice(place, 0, task);
  const index = indexOf(world);
  if (index !== null) enter(index, task);
}

/** Puts a task's new record in the place of the old one; nothing happens if it is no more. */
export function replaceTask(world: World, next: RunningTask): void {
  // Records of one shape, however they came about.
  const { id, task, domid, at, reply, watches, pending, waiting, section = null } = next;
  putTask(world, { id, task, domid, at, reply, watches, pending, waiting, section });
}

/** Gives a task another time and another answer. `waiting`: it is inside a wait, or goes on inside it. */
export function rescheduleTask(
  world: World,
  { id, task, domid, watches, section = null }: RunningTask,
  { at, reply, pending, waiting }: Pick<RunningTask, 'at' | 'reply' | 'pending' | 'waiting'>,
): void {
  putTask(world, { id, task, domid, at, reply, watches, pending, waiting, section });
}

/**
 * The same for several tasks of this world, none of which is to go on at a time of its own: in order of id, so that each
 * is found beside the one before it.
 */
export function standAll(
  world: World,
  tasks: readonly RunningTask[],
  { reply, waiting }: Pick<RunningTask, 'reply' | 'waiting'>,
): void {
  const list = listToChange(world);
  let place = 0;
  for (const { id, task, domid, at, watches, section = null } of tasks) {
    place = placeFrom(list, place, id);
    ASSERT(list[place]?.id === id, 'the task is one of this world');
    if (at !== null && domid !== null) indexOf(world)?.still.get(domid)?.delete(id);
    list[place] = { id, task, domid, at: null, reply, watches, pending: null, waiting, section };
  }
}

/** The tasks with these ids, of which most follow on each other, up to the first that is no more. */
export function tasksOf({ tasks }: World, ids: readonly number[]): RunningTask[] {
  const found: RunningTask[] = [];
  let place = 0;
  for (const id of ids) {
    place = placeFrom(tasks, place, id);
    const task = tasks[place];
    if (task?.id !== id) break;
    found.push(task);
  }
  return found;
}

/** The place of a task that is most often one of the next after `from`. */
function placeFrom(tasks: readonly RunningTask[], from: number, id: number): number {
  for (let place = from; place < from + NEAR; place++) if (tasks[place]?.id === id) return place;
  return placeOf(tasks, id);
}

function putTask(world: World, after: RunningTask): void {
  const { id, domid, at, watches } = after;
  const place = placeOf(world.tasks, id);
  const before = world.tasks[place];
  if (before?.id !== id) return;
  listToChange(world)[place] = after;
  const index = indexOf(world);
  if (index === null) return;
  if (at !== before.at) {
    if (domid !== null) index.still.get(domid)?.delete(id);
    if (at !== null) enqueue(index.queue, at, id);
    if (index.queue.ats.length > 2 * world.tasks.length + SPARE) queueAgain(index);
  }
  if (!isSameList(before.watches, watches)) {
    for (const path of before.watches) removeWatch(index.watches, path, id);
    for (const path of watches) addWatch(index.watches, path, id);
  }
}

/** Takes a task out of the world. */
export function removeTask(world: World, id: number): void {
  const place = placeOf(world.tasks, id);
  const before = world.tasks[place];
  if (before?.id !== id) return;
  listToChange(world).splice(place, 1);
  const index = indexOf(world);
  if (index === null) return;
  for (const path of before.watches) removeWatch(index.watches, path, id);
  if (before.domid !== null) {
    leaveSet(index.inside, before.domid, id);
    leaveSet(index.still, before.domid, id);
  }
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((path, i) => path === b[i]));

function enter(index: TaskIndex, { id, at, domid, watches }: RunningTask): void {
  if (at !== null) enqueue(index.queue, at, id);
  if (domid !== null) joinSet(index.inside, domid, id);
  for (const path of watches) addWatch(index.watches, path, id);
}

function joinSet(sets: Map<number, Set<number>>, key: number, id: number): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([id]));
  else set.add(id);
}

function leaveSet(sets: Map<number, Set<number>>, key: number, id: number): void {
  const set = sets.get(key);
  if (set?.delete(id) === true && set.size === 0) sets.delete(key);
}

/** Makes the queue anew: most of its entries hold no more. */
function queueAgain(index: TaskIndex): void {
  const { queue, still, of } = index;
  index.taken = null;
  queue.ats.length = 0;
  queue.ids.length = 0;
  still.clear();
  for (const { id, at } of of) if (at !== null) enqueue(queue, at, id);
}

/** The first task of the queue that can go on; what stands before it and does not hold is taken out. */
function firstReady(world: World, { queue, still }: TaskIndex): RunningTask | null {
  while (queue.ats.length > 0) {
    const task = taskOf(world, queue.ids[0]!);
    if (task !== undefined && task.at === queue.ats[0]) {
      if (canRun(world, task)) return task;
      joinSet(still, task.domid!, task.id);
    }
    dequeue(queue);
  }
  return null;
}

/** The task that goes on next; null: nobody does by themselves. */
export function nextTask(world: World, index: TaskIndex): NextTask | null {
  const { queue, taken } = index;
  // It was about to get another time; if it did not, it is where it was.
  if (taken !== null && taskOf(world, taken.id)?.at === taken.at) enqueue(queue, taken.at, taken.id);
  index.taken = null;
  const task = firstReady(world, index);
  if (task === null) return null;
  // It may be there more than once.
  let next: RunningTask | null = task;
  while (next !== null && next.id === task.id) {
    dequeue(queue);
    next = firstReady(world, index);
  }
  index.taken = { id: task.id, at: task.at! };
  return { task, others: next?.at ?? NEVER };
}

/**
 * When the first of the world's tasks goes on that is none of `but`, which come first, and of which one is the task that
 * goes on next. Looks at these and no more.
 */
export function timeOfOthers(world: World, index: TaskIndex, but: ReadonlySet<number>): number {
  const { ats, ids } = index.queue;
  let first = NEVER;
  const places = [0];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const at = ats[place];
    if (at === undefined || at >= first) continue;
    const task = but.has(ids[place]!) ? undefined : taskOf(world, ids[place]!);
    if (task !== undefined && task.at === at && canRun(world, task)) first = at;
    else places.push(2 * place + 1, 2 * place + 2);
  }
  return first;
}

/** When the first of the world's tasks goes on. */
export function nextTime(world: World): number {
  const index = ownTasks(world);
  const next = nextTask(world, index);
  releaseTasks(index);
  return next?.task.at ?? NEVER;
}

/** The domain may go on again: so may the tasks that stood still with it. */
export function wakeDomain(world: World, domid: number): void {
  const index = indexOf(world);
  const still = index?.still.get(domid);
  if (index === null || still === undefined) return;
  index.still.delete(domid);
  // Who still cannot is found out when its time comes.
  for (const id of still) {
    const at = taskOf(world, id)?.at ?? null;
    if (at !== null) enqueue(index.queue, at, id);
  }
}

/** The ids of the tasks inside a domain, ascending. */
export function tasksInside(world: World, domid: number): readonly number[] {
  const index = indexOf(world);
  if (index !== null) return [...(index.inside.get(domid) ?? [])].sort((a, b) => a - b);
  return world.tasks.flatMap((task) => (task.domid === domid ? [task.id] : []));
}

/** The tasks with a watch that one of `fired` may concern, in order of id; without an index all that watch anything. */
export function watchersOf(world: World, fired: readonly string[]): readonly RunningTask[] {
  const index = indexOf(world);
  if (index === null) return world.tasks.filter((task) => task.watches.length > 0);
  const found = new Set<number>();
  for (const path of fired) findWatchers(index.watches, path, found);
  if (found.size === 0) return [];
  const ids = [...found];
  // They began to watch one after the other.
  if (ids.some((id, i) => i > 0 && id < ids[i - 1]!)) ids.sort((a, b) => a - b);
  return tasksOf(world, ids);
}
