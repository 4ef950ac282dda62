/**
 * A real host with a parallel block on it as a space to search. See docs/exploration.md.
 *
 * A state is a vector of cells (world-cells.ts). A step is made on the host where nothing is known of it, and looked up
 * by what it read where something is (step-memo.ts).
 */
import { actorName, actorPath, openBlock } from './block.ts';
import type { AtBlock } from './block-prefix.ts';
import type { Ownership } from './block-text.ts';
import { brokenNow } from './broken-now.ts';
import { type Canon, canonId, newCanon } from './canonical.ts';
import { domainSeen } from './domain-cells.ts';
import { type FootprintOf, footprintAt } from './footprint.ts';
import type { Interceptor } from './intercept.ts';
import { endOfLane, type LaneEnd } from './lane-end.ts';
import { isAbstract, ownershipMatters } from './ownership-seen.ts';
import type { Space } from './space.ts';
import { whoCanGoOn } from './task-facts.ts';
import { firstAlike, newTimeShapes } from './time-shape.ts';
import type { TurnGrain } from './turn-order.ts';
import { CLOCK, FIRST_LANE, HEAP, newCells, standing } from './world-cells.ts';
import { makeAgain, stepFrom } from './world-step.ts';
import { makeRoom, placeOf, START, stateAt } from './world-trail.ts';
import { actorsOf, cellsOfState, factsAt, newWorldWalk, type WorldWalk } from './world-walk.ts';
import { takeXenTo } from './xen-way.ts';

/** How a host is walked. */
export interface WorldSpaceHow {
  readonly grain: TurnGrain;
  /** `class`: which frame is whose is left out of the state. */
  readonly ownership: Ownership;
  /** By class: where that is not enough, states tell of memory its sums only, as long as all that is asked is certain. */
  readonly bySums?: boolean;
  readonly intercept?: Interceptor;
  /** Every step that is looked up is made as well, and a difference is a bug. */
  readonly isChecked?: boolean;
  /** What requests read; absent: the table of footprint.ts. */
  readonly footprint?: FootprintOf;
}

/** How a block ended. */
export interface WorldEnd {
  readonly lanes: readonly LaneEnd[];
  /** An invariant of Xen's that does not hold, or null. */
  readonly broken: string | null;
}

/** See the file's header. */
export interface WorldSpace extends Space {
  readonly how: WorldSpaceHow;
  /** What to call a task. */
  readonly taskName: (task: number) => string;
  /** The same in all searches: see actorPath(). */
  readonly taskPath: (task: number) => string;
  /** What an outcome's number stands for. */
  readonly endOf: (outcome: number) => WorldEnd;
  /** By class: a state may stand for several hosts, of which the first that was met was walked on from. */
  readonly isAbstract: boolean;
  /** By class: some states tell of memory its sums only. */
  readonly bySums: boolean;
  /** By class: what somebody asked for may turn out otherwise on another of those hosts. */
  readonly ownershipMatters: boolean;
  /** Steps made for real, and hypercalls to learn what Xen makes of them; the rest was looked up. */
  readonly made: number;
}

/** One that is walked by states. */
export interface WalkedSpace extends WorldSpace {
  /** For threads that walk it together. */
  readonly walk: WorldWalk;
}

interface Ends {
  readonly names: Canon;
  readonly ends: WorldEnd[];
  /** Invariants that do not hold, by Xen's cells. */
  readonly broken: Map<string, string | null>;
}

/** The space of everything that can become of a block. cannotDrive() has said null. */
export function newWorldSpace({ play, block: step }: AtBlock, how: WorldSpaceHow): WalkedSpace {
  const { grain, ownership } = how;
  const block = openBlock(play, step, { grain, timed: false, forgetFrames: ownership === 'class' });
  const w = newWorldWalk(block, newCells(block, ownership), {
    footprint: how.footprint ?? footprintAt(grain),
    intercept: how.intercept ?? null,
    bySums: how.bySums ?? false,
    isChecked: how.isChecked ?? false,
  });
  const shapes = newTimeShapes(w.cells);
  const found: Ends = { names: newCanon(), ends: [], broken: new Map() };
  return {
    walk: w,
    // A state's only word is its number, by which the trail knows the cells.
    width: 1,
    isNumbered: true,
    get tasks() {
      return actorsOf(w);
    },
    start: (into, at) => {
      into[at] = START;
    },
    enabled: (state, at, tasks) => enabledIn(w, state[at]!, tasks),
    step: (state, at, task, into, intoAt) => {
      const place = stepFrom(w, placeOf(w.trail, state[at]!), task);
      const { states, ids } = w.trail;
      const from = stateAt(w.trail, place);
      const isLater = standing(w.cells.clock, states[from + CLOCK]!) !== w.began;
      w.isLater ||= isLater;
      into[intoAt] = isLater ? firstAlike(shapes, states, from, ids[place]!) : ids[place]!;
    },
    outcome: (state, at) => outcomeOf(w, found, state[at]!),
    how,
    taskName: (task) => actorName(block, task),
    taskPath: (task) => actorPath(block, task),
    endOf: (outcome) => found.ends[outcome]!,
    get isAbstract() {
      return w.dust === null && isAbstract(w.owners);
    },
    get bySums() {
      return w.dust !== null && isAbstract(w.owners);
    },
    get ownershipMatters() {
      return w.dust === null ? ownershipMatters(w.owners) : w.dust.isLost;
    },
    get made() {
      return w.made + w.called;
    },
  };
}

function enabledIn(w: WorldWalk, id: number, tasks: Int32Array): number {
  makeRoom(w.trail, w.cells.count);
  const at = stateAt(w.trail, placeOf(w.trail, id));
  const state = w.trail.states;
  if (w.cells.broken.has(state[at + HEAP]!)) return 0;
  const all = actorsOf(w);
  for (let actor = 0; actor < all; actor++) w.facts[actor] = factsAt(w, actor, state, at);
  const now = standing(w.cells.clock, state[at + CLOCK]!);
  const isStill = (domid: number): boolean => !mayRun(w, domid, state, at);
  return whoCanGoOn(w.facts, all, w.block.lanes.length, now, isStill, tasks);
}

/** A guest's program stands still while its domain does. */
function mayRun({ cells }: WorldWalk, domid: number, state: Int32Array, at: number): boolean {
  const cell = cells.domainAt.get(domid);
  const form = cell === undefined ? 0 : state[at + cell]!;
  return form !== 0 && domainSeen(cells, domid, form).mayRun;
}

function outcomeOf(w: WorldWalk, found: Ends, id: number): number {
  const state = cellsOfState(w, id);
  const { at } = w;
  const ends = w.block.lanes.map((_, l) => standing(w.cells.lanes[l]!, state[at + FIRST_LANE + l]!).state);
  const broken = brokenIn(w, found, id);
  const lanes = w.block.lanes.map((lane, l) => {
    const stands = ends[l]!;
    const isOver = stands.task === null && stands.next >= lane.steps.length;
    return endOfLane(lane, stands.facts, isOver ? 'over' : broken === null ? 'stuck' : 'under way');
  });
  const end = { lanes, broken };
  const outcome = canonId(found.names, JSON.stringify(end));
  found.ends[outcome] = end;
  return outcome;
}

function brokenIn(w: WorldWalk, { broken }: Ends, id: number): string | null {
  const { cells, block } = w;
  const state = cellsOfState(w, id);
  const { at } = w;
  const seen = cells.broken.get(state[at + HEAP]!);
  if (seen !== undefined) return seen;
  const { world } = block.run;
  const parts = [...cells.domainAt.values()].map((cell) => state[at + cell]!);
  const key = `${state[at + HEAP]} ${parts.join()}`;
  const known = broken.get(key);
  if (known !== undefined) return known;
  takeXenTo(w.way, w.trail, world.xen, id, (from, by) => makeAgain(w, from, by));
  const first = brokenNow(world.xen);
  broken.set(key, first);
  return first;
}
