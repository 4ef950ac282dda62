/**
 * A driven block beside Xen as values in cells, each of which is named only when somebody asks which one it is.
 *
 * The cells are those of world-cells.ts, without Xen's: Xen is there itself, and goes along with every step. Naming costs
 * more than a step; a value that nobody looks anything up by is never named.
 */
import type { BlockRun, LaneState } from './block.ts';
import { restText, storeText } from './block-text.ts';
import { canonText } from './canonical.ts';
import { factsOf, factsOfLane, laneFacts, otherFacts, type TaskFacts } from './task-facts.ts';
import type { RunningTask, World } from './world.ts';
import {
  BORN,
  type Cells,
  type CellTable,
  CLOCK,
  FIRST_LANE,
  idOf,
  type LaneCell,
  LOCKS,
  laneText,
  newCells,
  REST,
  type Rest,
  roomForOther,
  standing,
  USERDATA,
  XS,
} from './world-cells.ts';
import type { XsState } from './xenstored.ts';

/** What stands in the cells. */
export interface Standing {
  /** By cell: the value; null: nothing, and nothing in Xen's. */
  readonly values: unknown[];
  /** By cell: its number; 0: nothing; UNNAMED: nobody has asked for it. */
  readonly ids: number[];
}

/** See the file's header. */
export interface SampleHost {
  readonly block: BlockRun;
  /** What may stand in cells, by number. Grows. */
  cells: Cells;
  readonly now: Standing;
  /** By actor; null: nobody has asked for them. */
  readonly facts: (TaskFacts | null)[];
  readonly factsById: TaskFacts[][];
  /** By place among the others: what the task was called last; and by its id that place. */
  readonly names: string[];
  readonly placeOf: Map<number, number>;
  /** The block is put together as it stands in the cells. */
  isPut: boolean;
}

const UNNAMED = -1;

/** The block as it is now. */
export function newSampleHost(block: BlockRun): SampleHost {
  const host: SampleHost = {
    block,
    cells: newCells(block, 'exact'),
    now: { values: [], ids: [] },
    facts: [],
    factsById: [],
    names: [],
    placeOf: new Map(),
    isPut: true,
  };
  for (let cell = 0; cell < FIRST_LANE + block.lanes.length; cell++) put(host, cell, null);
  takeIn(host);
  return host;
}

/** The cell of an actor. */
export const cellOf = (actor: number): number => FIRST_LANE + actor;

/** Actors that were there in any order so far. */
export const actorsIn = ({ now }: SampleHost): number => now.values.length - FIRST_LANE;

/** What a lane stands at; null: the actor is none. */
export const laneAt = ({ block, now }: SampleHost, actor: number): LaneCell | null =>
  actor < block.lanes.length ? (now.values[cellOf(actor)] as LaneCell) : null;

/** The task of an actor; null: it has none now. */
export const taskIn = (host: SampleHost, actor: number): RunningTask | null =>
  actor < host.block.lanes.length
    ? laneAt(host, actor)!.task
    : (host.now.values[cellOf(actor)] as RunningTask | null);

export const copyStanding = ({ values, ids }: Standing): Standing => ({
  values: values.slice(),
  ids: ids.slice(),
});

/** Makes the cells what they were. */
export function standAgain(host: SampleHost, was: Standing): void {
  const { values, ids } = host.now;
  for (let cell = 0; cell < values.length; cell++) {
    values[cell] = was.values[cell] ?? null;
    ids[cell] = was.ids[cell] ?? 0;
    if (cell >= FIRST_LANE) host.facts[cell - FIRST_LANE] = null;
  }
  host.block.run.world.now = values[CLOCK] as number;
  host.isPut = false;
}

/** Forgets what may stand in cells; `kept`, of this host, is to be named anew. */
export function forgetNames(host: SampleHost, kept: readonly Standing[]): void {
  host.cells = newCells(host.block, 'exact');
  host.factsById.length = 0;
  for (const { ids, values } of [host.now, ...kept])
    for (let cell = 0; cell < ids.length; cell++) ids[cell] = values[cell] === null ? 0 : UNNAMED;
}

/** Names given so far. */
export const namesIn = ({ cells }: SampleHost): number => cells.canon.ids.size;

function put({ now, facts, names, block }: SampleHost, cell: number, value: unknown): void {
  const { values, ids } = now;
  if (values[cell] === value) return;
  values[cell] = value;
  ids[cell] = value === null ? 0 : UNNAMED;
  if (cell < FIRST_LANE) return;
  const actor = cell - FIRST_LANE;
  facts[actor] = null;
  const other = actor - block.lanes.length;
  if (other >= 0 && value !== null) names[other] = (value as RunningTask).task.name;
}

/** Puts what has that number into a cell. */
export function setCell(host: SampleHost, cell: number, id: number): void {
  const { cells, now, facts, names, block } = host;
  const { values, ids } = now;
  host.isPut = false;
  ids[cell] = id;
  if (cell < FIRST_LANE) {
    values[cell] = id === 0 ? null : standing(worldTable(cells, cell), id);
    if (cell === CLOCK) block.run.world.now = values[cell] as number;
    return;
  }
  const actor = cell - FIRST_LANE;
  facts[actor] = null;
  const other = actor - block.lanes.length;
  if (other < 0) {
    values[cell] = standing(cells.lanes[actor]!, id);
    return;
  }
  const task = id === 0 ? null : standing(cells.others[other]!, id);
  values[cell] = task;
  if (task !== null) names[other] = task.task.name;
}

function worldTable(cells: Cells, cell: number): CellTable<unknown> {
  switch (cell) {
    case CLOCK:
      return cells.clock;
    case XS:
      return cells.xs;
    case USERDATA:
      return cells.userdata;
    case LOCKS:
      return cells.locks;
    case REST:
      return cells.rest;
    default:
      return cells.born;
  }
}

/** Somebody has asked for the number of what stands in a cell. */
export const isNamed = ({ ids }: Standing, cell: number): boolean => ids[cell] !== UNNAMED;

/** The number of what stands in a cell. */
export function idAt(cells: Cells, { values, ids }: Standing, cell: number): number {
  const known = ids[cell] ?? 0;
  if (known !== UNNAMED) return known;
  const id = nameOf(cells, cell, values[cell]);
  ids[cell] = id;
  return id;
}

function nameOf(cells: Cells, cell: number, value: unknown): number {
  const { canon } = cells;
  switch (cell) {
    case CLOCK:
      return idOf(cells.clock, String(value), value as number);
    case XS:
      return idOf(cells.xs, storeText(canon, value as XsState), value as XsState);
    case USERDATA:
      return idOf(cells.userdata, canonText(canon, value), value as World['userdata']);
    case LOCKS:
      return idOf(cells.locks, canonText(canon, value), value as World['locks']);
    case REST:
      return idOf(cells.rest, restText(canon, value as Rest), value as Rest);
    case BORN:
      return idOf(cells.born, canonText(canon, value), value as BlockRun['born']);
    default:
      return nameOfTask(cells, cell - FIRST_LANE, value);
  }
}

function nameOfTask(cells: Cells, actor: number, value: unknown): number {
  const { canon, lanes } = cells;
  const lane = lanes[actor];
  if (lane !== undefined) return idOf(lane, laneText(canon, value as LaneCell), value as LaneCell);
  const other = actor - lanes.length;
  roomForOther(cells, other);
  return idOf(cells.others[other]!, canonText(canon, value), value as RunningTask);
}

/** Takes in what a step that was made for real has left. */
export function takeIn(host: SampleHost): void {
  const { world } = host.block.run;
  put(host, CLOCK, world.now);
  put(host, XS, world.store);
  put(host, USERDATA, world.userdata);
  put(host, LOCKS, world.locks);
  put(host, BORN, host.block.born);
  const was = host.now.values[REST] as Rest | null;
  const { uuids, recentDomids, xlConf, missingFiles, files } = world;
  if (
    was === null ||
    was.uuids !== uuids ||
    was.recentDomids !== recentDomids ||
    was.xlConf !== xlConf ||
    was.missingFiles !== missingFiles ||
    was.files !== files
  )
    put(host, REST, { uuids, recentDomids, xlConf, missingFiles, files });
  takeTasksIn(host);
  host.isPut = true;
}

function takeTasksIn(host: SampleHost): void {
  const { block, now } = host;
  const { tasks } = block.run.world;
  for (let at = host.placeOf.size; at < block.others.length; at++) host.placeOf.set(block.others[at]!.id, at);
  const others: (RunningTask | null)[] = block.others.map(() => null);
  const own: (RunningTask | null)[] = block.states.map(() => null);
  for (const task of tasks) {
    const at = host.placeOf.get(task.id);
    if (at !== undefined) others[at] = task;
    else own[block.states.findIndex((state) => state.task === task.id)] = task;
  }
  for (let l = 0; l < own.length; l++) {
    const state: LaneState = block.states[l]!;
    const was = now.values[cellOf(l)] as LaneCell | null;
    if (was === null || was.state !== state || was.task !== own[l])
      put(host, cellOf(l), { state, task: own[l] });
  }
  for (let at = 0; at < others.length; at++) put(host, cellOf(own.length + at), others[at]!);
}

/** Puts the block together as it stands in the cells. */
export function putOut(host: SampleHost): void {
  if (host.isPut) return;
  const { block, now } = host;
  const { values } = now;
  const { world } = block.run;
  world.now = values[CLOCK] as number;
  world.store = values[XS] as XsState;
  world.userdata = values[USERDATA] as World['userdata'];
  world.locks = values[LOCKS] as World['locks'];
  Object.assign(world, values[REST]);
  block.born = values[BORN] as BlockRun['born'];
  const all = actorsIn(host);
  block.states = block.lanes.map((_, l) => laneAt(host, l)!.state);
  const tasks: RunningTask[] = [];
  for (let actor = 0; actor < all; actor++) {
    const task = taskIn(host, actor);
    if (task !== null) tasks.push(task);
  }
  world.tasks = tasks.sort((a, b) => a.id - b.id);
  host.isPut = true;
}

/** Puts the block together for good: from now on its steps are made on it alone. */
export function leaveToBlock(host: SampleHost): void {
  putOut(host);
  const { others } = host.block;
  // A task is called what it was called in the order that was taken last.
  others.forEach(({ id }, at) => {
    const name = host.names[at];
    if (name !== undefined) others[at] = { id, name };
  });
}

/** What is asked of an actor as it stands. */
export function factsNow(host: SampleHost, actor: number): TaskFacts {
  const known = host.facts[actor];
  if (known !== null && known !== undefined) return known;
  const facts = factsIn(host, host.now, actor);
  host.facts[actor] = facts;
  return facts;
}

/** The same as it stood. */
export function factsIn(host: SampleHost, { values, ids }: Standing, actor: number): TaskFacts {
  const { cells, block, factsById } = host;
  const cell = cellOf(actor);
  const id = ids[cell] ?? 0;
  const lanes = block.lanes.length;
  if (actor < lanes) {
    const steps = block.lanes[actor]!.steps.length;
    if (id === UNNAMED) return factsOfLane(cells.canon, values[cell] as LaneCell, steps);
    factsById[actor] ??= [];
    return laneFacts(cells.canon, cells.lanes[actor]!, factsById[actor], id, steps);
  }
  if (id <= 0) return factsOf(cells.canon, (values[cell] ?? null) as RunningTask | null);
  factsById[actor] ??= [];
  return otherFacts(cells.canon, cells.others[actor - lanes]!, factsById[actor], id);
}
