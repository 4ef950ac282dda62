/** What becomes of a task when its request is served: reply, cost, whom it wakes. */
import type { Reply, Request } from '../toolstack/task.ts';
import { intercepted } from './intercepted.ts';
import { type Machine, wholeCost } from './machine.ts';
import { requestCost } from './request-cost.ts';
import type { Run } from './run-state.ts';
import {
  isSectioned,
  type SectionServed,
  type ServedBy,
  serveChunk,
  serveOneSection,
  serveSection,
} from './sections.ts';
import { answered, type InstantRequest, serveRequest } from './serve.ts';
import { SLEPT } from './task-cpu.ts';
import { wakeDomain } from './task-index.ts';
import { addTask, dropGuests } from './task-life.ts';
import { leaveLock, takeLock } from './task-lock.ts';
import { writeText } from './task-text.ts';
import { noteRequest, noteSection, noteTask } from './trace-request.ts';
import type { TurnGrain } from './turn-order.ts';
import { utf8Text } from './utf8.ts';
import { fireWatches, serveWait, watchHit } from './watches.ts';
import type { RunningTask, Section } from './world.ts';

/** What xenstored makes of VIRQ_DOM_EXC. */
const RELEASE = ['@releaseDomain'];

const servedBy = ({ id, domid }: RunningTask): ServedBy => ({ id, caller: domid ?? 0 });

/** Serves the next part of a hypercall that is served in parts: as much as begins before `others`. */
export function goOn(run: Run, here: RunningTask, section: Section, others: number): RunningTask {
  const served = serveSection(run.world, run.machine!, servedBy(here), section, others);
  return afterPart(run, here, section, served);
}

/** Serves as much of it as one turn of a grain is. */
export function goOnBy(run: Run, here: RunningTask, section: Section, grain: TurnGrain): RunningTask {
  const by = servedBy(here);
  const served =
    grain === 'sections'
      ? serveOneSection(run.world, run.machine, by, section)
      : serveChunk(run.world, run.machine, by, section, extentsOf(grain));
  return afterPart(run, here, section, served);
}

const extentsOf = (grain: TurnGrain): number =>
  typeof grain === 'object' ? grain.extents : Number.POSITIVE_INFINITY;

function afterPart(run: Run, here: RunningTask, section: Section, served: SectionServed): RunningTask {
  const { world, machine } = run;
  if (machine !== null) noteSection(machine, world, here, section, served);
  const at = world.now + served.took;
  if (served.reply === null) return { ...here, section: untold(run, served.section!), at };
  if (section.request.name === 'XEN_DOMCTL_destroydomain') {
    // CPUs of the domain's own programs are free for those who hear of its end.
    dropGuests(run, Number(section.request.args.domid));
    const isFired = served.reply.rc === 0 && fireWatches(world, RELEASE, here.id, queueFor(run, at));
    if (isFired) run.wakeAt = world.now;
  }
  run.observers.get(here.id)?.served?.(section.request, served.reply);
  return { ...here, section: null, reply: asTold(run, served.reply), at };
}

/**
 * Serves one request: the task's record as it is afterwards. `asked`: task and reply from which it asks the same again;
 * absent: nobody comes between.
 */
export function serve(
  run: Run,
  here: RunningTask,
  request: Request,
  others: number,
  asked: Pick<RunningTask, 'task' | 'reply'>,
): RunningTask {
  const { world, machine } = run;
  if (run.intercept !== undefined) {
    const instead = intercepted(run, here, request, { ...here, ...asked });
    if (instead !== null) return instead;
  }
  switch (request.kind) {
    case 'stdout':
    case 'stderr':
    case 'log':
      writeText(run.observers.get(here.id)?.write, here.task, request, world.now);
      return here;
    case 'sleep':
      return { ...here, reply: SLEPT, at: world.now + request.ns };
    case 'wait':
      return serveWait(world, here, request);
    case 'lock':
      return takeLock(run, here, request.path);
    case 'unlock':
      if (leaveLock(run, request.path, here)) run.wakeAt = world.now;
      return here;
    case 'spawn': {
      const task = { name: utf8Text(request.name), frames: [request.frame] };
      const id = addTask(world, task, request.domid ?? null, world.now, run.newId?.(here.id, request.name));
      if (machine !== null) noteTask(machine, world, { id, task }, 'start', 0);
      return { ...here, reply: { rc: 0, task: id } };
    }
    case 'remote':
      if (run.remote?.(here, request.host, request.frame) === true) return { ...here, at: null };
      return afterWhole(run, here, request);
    default:
      if (machine !== null && isSectioned(request)) return goOn(run, here, { request, done: 0 }, others);
      return afterWhole(run, here, request);
  }
}

function afterWhole(run: Run, here: RunningTask, request: InstantRequest): RunningTask {
  const after = { ...here };
  serveAtOnce(run, after, request);
  return after;
}

/**
 * The machine whose CPUs those that wake now can queue for: nobody else acts before them, and who woke them goes on `at`
 * a later time. Null: they are to ask one by one.
 */
function queueFor({ world, machine, others, wakeAt, intercept }: Run, at: number): Machine | null {
  const isAlone = intercept === undefined && others > world.now && wakeAt > world.now && at > world.now;
  return machine?.batches === true && isAlone ? machine : null;
}

/** A task's record while it is put together. */
export type TaskRecord = { -readonly [K in keyof RunningTask]: RunningTask[K] };

/** Serves a request that is answered whole: reply, time, and a watch of the task's own that it sets off. */
export function serveAtOnce(run: Run, here: TaskRecord, request: InstantRequest): void {
  const { world, machine } = run;
  const freeBefore = world.xen.heap.totalAvailPages;
  const observer = run.observers.get(here.id);
  const by = { caller: here.domid ?? 0, node: observer?.node ?? 0 };
  const told = request.kind === 'hypercall' ? (run.told?.() ?? null) : null;
  const { reply, fired } =
    told !== null && request.kind === 'hypercall'
      ? answered(request, told)
      : serveRequest(world, run.outside, by, request);
  observer?.served?.(request, reply);
  const freed = world.xen.heap.totalAvailPages - freeBefore;
  const cost =
    machine === null ? requestCost(request, reply, freed) : wholeCost(machine, request, reply, freed);
  if (machine !== null) noteRequest(machine, world, here, request, reply, cost);
  if (fired.length > 0 && fireWatches(world, fired, here.id, queueFor(run, world.now + cost)))
    run.wakeAt = world.now;
  if (request.kind === 'hypercall') {
    if (request.name === 'XEN_DOMCTL_unpausedomain') run.wakeAt = world.now;
    if ('domid' in request.args) wakeDomain(world, Number(request.args.domid));
    if (request.name === 'XEN_DOMCTL_destroydomain') dropGuests(run, Number(request.args.domid));
  }
  if (fired.length > 0) here.pending = watchHit(here.watches, fired) ?? here.pending;
  here.reply = asTold(run, reply);
  here.at = world.now + cost;
}

const asTold = (run: Run, reply: Reply): Reply =>
  run.forgetFrames === true && 'frames' in reply ? { ...reply, frames: undefined } : reply;

function untold(run: Run, section: Section): Section {
  if (run.forgetFrames !== true) return section;
  const { frames: _frames, ...rest } = section;
  return rest;
}
