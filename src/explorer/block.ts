/**
 * A parallel block as something that others drive: its lanes and whatever else runs on the host, one transition at a
 * time.
 *
 * Everybody who can go on is an actor with a number: the lanes first, in the scenario's order, then all other tasks. A
 * task that is started meanwhile is named after its parent and how many that one had started before, so that it is the
 * same one whatever the others did.
 */

import { ASSERT } from '../hypervisor/bug.ts';
import { cmdtableLookup } from '../toolstack/xl-cmdtable.ts';
import type { LaneEnd, LaneFacts } from './lane-end.ts';
import { endOfLane, factsAfter, newFacts } from './lane-end.ts';
import type { Play } from './play.ts';
import type { Run } from './run-state.ts';
import { newRun } from './run-state.ts';
import type { Step } from './scenario.ts';
import { counted, nameCreated, type Pending, startStep } from './step-start.ts';
import { canRun } from './task-index.ts';
import { takeTurn, turnsOf } from './turn.ts';
import type { TurnGrain } from './turn-order.ts';

/** A step of a lane, and the count of the repeat around it. */
interface LaneStep {
  readonly step: Step;
  readonly i: number | null;
}

/** What a lane is to do. */
interface Lane {
  readonly label: string;
  readonly steps: readonly LaneStep[];
  /** One of its steps creates a guest. */
  readonly creates: boolean;
}

/** Where a lane stands: a value. */
export interface LaneState {
  /** The step to begin next. */
  readonly next: number;
  /** The task of the step under way, or null. */
  readonly task: number | null;
  /** No sooner than this. */
  readonly at: number;
  readonly names: { readonly handle: string; readonly name: string } | null;
  /** The node whose CPU issues the step's hypercalls. */
  readonly node: number;
  /** How many UUIDs it was given. */
  readonly uuids: number;
  readonly facts: LaneFacts;
}

/** Looks on while steps of lanes begin and end. */
export interface BlockWatch {
  readonly began: (lane: number, label: string, pending: Pending) => void;
  /** `rc`: null where it was no command; `until`: when it was over, in virtual ns. */
  readonly ended: (lane: number, rc: number | null, until: number) => void;
}

/** See the file's header. Its values are replaced, and the world's with them. */
export interface BlockRun {
  readonly play: Play;
  readonly run: Run;
  readonly grain: TurnGrain;
  readonly watch: BlockWatch | null;
  readonly lanes: readonly Lane[];
  states: readonly LaneState[];
  /** Ids below this were there before the block. */
  readonly firstId: number;
  /** How many tasks each task has started, by id. */
  born: ReadonlyMap<number, number>;
  /** The ids of tasks by their names; only grows. */
  readonly ids: Map<string, number>;
  /** By id: see actorPath(); only grows. */
  readonly paths: Map<number, string>;
  /** Numbers births from 0, for threads that walk the block together; null: in the order in which they come here. */
  births: ((birth: string) => number) | null;
  /** The tasks that are actors beside the lanes, by actor number less the number of lanes; only grows. */
  readonly others: { readonly id: number; readonly name: string }[];
}

/** What the births of lanes' tasks begin with. */
const LANE = 'lane ';
/** Each lane draws UUIDs from a part of the host's sequence of its own: who draws first tells nothing. */
const UUIDS_A_LANE = 2 ** 20;
/** A program that never comes to rest is left where it is. */
const MOST_TURNS = 10_000;

/** Who drives a block, and how. */
export interface BlockHow {
  readonly grain: TurnGrain;
  /** False: nothing costs time. True: the play's own machine says what does. */
  readonly timed: boolean;
  /** See Run. */
  readonly forgetFrames?: boolean;
  readonly watch?: BlockWatch;
}

/** Why a block cannot be driven, or null. */
export function cannotDrive(block: Step): string | null {
  if (block.action.do !== 'parallel') return 'it is not a parallel block';
  const inner = innerBlock(block.action.steps);
  if (inner === null) return null;
  return `inside of it "${inner.label}" (line ${inner.line}) is a parallel block of its own: write its steps beside the others, each with its "at"; only replay plays blocks inside of blocks`;
}

/** The first parallel block among these steps or inside of them. */
function innerBlock(steps: readonly Step[]): Step | null {
  for (const step of steps) {
    if (step.action.do === 'parallel') return step;
    const inner = step.action.do === 'repeat' ? innerBlock(step.action.steps) : null;
    if (inner !== null) return inner;
  }
  return null;
}

/** Opens the block at which a play stands. cannotDrive() said null. */
export function openBlock(play: Play, block: Step, how: BlockHow): BlockRun {
  const { world, run: timed } = play;
  const steps = block.action.do === 'parallel' ? block.action.steps : [];
  // Two states that differ in the time only are one: no date may tell them apart.
  const outside = { ...timed.outside, isDateless: true };
  const run = how.timed ? timed : newRun(world, outside, null, Number.POSITIVE_INFINITY);
  comeToRest(run, how.grain);
  const lanes = steps.flatMap((step) => copies(step).map((i) => newLane(step, i)));
  const states = steps.flatMap((step) =>
    copies(step).map(() => ({
      next: 0,
      task: null,
      at: world.now + step.at,
      names: null,
      node: 0,
      uuids: 0,
      facts: newFacts(),
    })),
  );
  const driven: BlockRun = {
    play: { ...play, run },
    run,
    grain: how.grain,
    watch: how.watch ?? null,
    lanes,
    states,
    firstId: world.nextTask,
    born: new Map(),
    ids: new Map(),
    paths: new Map(),
    births: null,
    others: world.tasks.map(({ id, task }) => ({ id, name: task.name })),
  };
  run.newId = (parent, name) => {
    const before = driven.born.get(parent) ?? 0;
    driven.born = new Map(driven.born).set(parent, before + 1);
    return idOf(driven, `${parent}/${before}`, name);
  };
  if (how.forgetFrames !== undefined) run.forgetFrames = how.forgetFrames;
  return driven;
}

/** Programs that were there before the block (balloon drivers, daemons) get to where they wait: they began long ago. */
function comeToRest(run: Run, grain: TurnGrain): void {
  for (let turns = 0; turns < MOST_TURNS; turns++) {
    const [first] = turnsOf(run).awake;
    if (first === undefined) return;
    takeTurn(run, first, grain);
  }
}

const copies = ({ times }: Step): readonly (number | null)[] =>
  times === null ? [null] : Array.from({ length: times }, (_, i) => i + 1);

/** Whether a step of a block, or one inside of it, creates a guest. */
export const buildsGuest = (step: Step): boolean => newLane(step, null).creates;

function newLane(step: Step, i: number | null): Lane {
  const steps = stepsOf(step, i);
  const creates = steps.some(({ step: { action } }) => action.do === 'run' && isCreate(action.argv));
  return { label: i === null ? step.label : counted(step.label, i), steps, creates };
}

/** Commands that build a guest, whatever short form they are typed in. */
const BUILDS = ['create', 'restore'];

const isCreate = (argv: readonly string[]): boolean => {
  const words = argv[0] === 'xl' ? argv.slice(1) : argv;
  const name = words.find((word) => !word.startsWith('-'));
  return name !== undefined && BUILDS.includes(cmdtableLookup(name)?.name ?? '');
};

function stepsOf(step: Step, i: number | null): LaneStep[] {
  const { action } = step;
  if (action.do !== 'repeat') return [{ step, i }];
  const rounds = Array.from({ length: action.count }, (_, round) => round + 1);
  return rounds.flatMap((round) => action.steps.flatMap((child) => stepsOf(child, round)));
}

/** The id of a task by what makes it the same in all orders. A lane's task (null) is no actor of its own: the lane is. */
function idOf(block: BlockRun, birth: string, name: string | null): number {
  const known = block.ids.get(birth);
  if (known !== undefined) {
    // A guest's task is called after its domain, which has another number in another order.
    const at = name === null ? -1 : block.others.findIndex((other) => other.id === known);
    if (at >= 0 && name !== null) block.others[at] = { id: known, name };
    return known;
  }
  const id = block.firstId + (block.births?.(birth) ?? block.ids.size);
  block.ids.set(birth, id);
  block.paths.set(id, pathOf(block, birth));
  if (name !== null) block.others.push({ id, name });
  return id;
}

/** Whether every lane is over. */
export const isBlockOver = (block: BlockRun): boolean =>
  block.states.every((lane, l) => isLaneOver(lane, block.lanes[l]!));

const isLaneOver = (state: LaneState, lane: Lane): boolean =>
  state.task === null && state.next >= lane.steps.length;

/** The actors that can make a transition, ascending; none once every lane is over. */
export function blockTurns(block: BlockRun): number[] {
  if (isBlockOver(block)) return [];
  const { awake, asleep, due } = turnsOf(block.run);
  const { now } = block.run.world;
  const idle = block.states.flatMap((lane, l) =>
    lane.task === null && !isLaneOver(lane, block.lanes[l]!) ? [l] : [],
  );
  const begin = idle.filter((l) => block.states[l]!.at <= now);
  const isRace = awake.length > 0 || begin.length > 0;
  const soonest = idle.reduce((least, l) => {
    const { at } = block.states[l]!;
    return at > now ? Math.min(least, at) : least;
  }, due);
  // Whoever runs may be slow: a step of the scenario may begin before they go on. Sleepers wait for them.
  const late = idle.filter((l) => block.states[l]!.at === soonest && soonest > now);
  const woken = isRace ? awake : due === soonest ? asleep : [];
  return actorsOf(block, woken, [...begin, ...late]);
}

function actorsOf(block: BlockRun, ids: readonly number[], lanes: readonly number[]): number[] {
  const actors = [...lanes];
  const wanted = new Set(ids);
  for (let l = 0; l < block.states.length; l++) {
    const { task } = block.states[l]!;
    if (task !== null && wanted.delete(task)) actors.push(l);
  }
  for (let i = 0; wanted.size > 0 && i < block.others.length; i++)
    if (wanted.delete(block.others[i]!.id)) actors.push(block.lanes.length + i);
  ASSERT(wanted.size === 0, 'every task is an actor');
  return actors.sort((a, b) => a - b);
}

/** What to call an actor. */
export function actorName(block: BlockRun, actor: number): string {
  return block.lanes[actor]?.label ?? block.others[actor - block.lanes.length]?.name ?? `task ${actor}`;
}

/**
 * An actor's name that does not depend on who was met first: a lane's number; for a task that a lane started, that
 * lane, its step and how many it had started before (0/0/1); for one that ran before the block, t and its id.
 */
export function actorPath(block: BlockRun, actor: number): string {
  const other = block.others[actor - block.lanes.length];
  return other === undefined ? String(actor) : taskPath(block, other.id);
}

const taskPath = ({ paths }: BlockRun, id: number): string => paths.get(id) ?? `t${id}`;

function pathOf(block: BlockRun, birth: string): string {
  if (birth.startsWith(LANE)) return birth.slice(LANE.length);
  const [parent, nth] = birth.split('/');
  return `${taskPath(block, Number(parent))}/${nth}`;
}

/** The actor of that path, and when it can go on; null: there is none, or it waits. */
export function actorAt(
  block: BlockRun,
  path: string,
): { readonly actor: number; readonly at: number } | null {
  return actorsNow(block).find(({ actor }) => actorPath(block, actor) === path) ?? null;
}

/** Everybody who goes on by themselves at some time, sleepers too, and when. */
export function actorsNow(block: BlockRun): { readonly actor: number; readonly at: number }[] {
  const { world } = block.run;
  const idle = block.states.flatMap((lane, l) =>
    lane.task === null && !isLaneOver(lane, block.lanes[l]!) ? [{ actor: l, at: lane.at }] : [],
  );
  const able = world.tasks.flatMap((task) =>
    task.at === null || !canRun(world, task)
      ? []
      : [{ actor: actorsOf(block, [task.id], [])[0]!, at: task.at }],
  );
  return [...idle, ...able];
}

/** Makes one transition of an actor that blockTurns() named. */
export function takeBlockTurn(block: BlockRun, actor: number): void {
  const lane = block.states[actor];
  if (lane === undefined) {
    takeTurn(block.run, block.others[actor - block.lanes.length]!.id, block.grain);
  } else if (lane.task === null) begin(block, actor, lane);
  else goOn(block, actor, lane, lane.task);
}

function change(block: BlockRun, l: number, next: Partial<LaneState>): LaneState {
  const state = { ...block.states[l]!, ...next };
  block.states = block.states.with(l, state);
  return state;
}

function begin(block: BlockRun, l: number, state: LaneState): void {
  const { play } = block;
  const { world } = play;
  world.now = Math.max(world.now, state.at);
  const { step, i } = block.lanes[l]!.steps[state.next]!;
  const id = idOf(block, `lane ${l}/${state.next}`, null);
  const { nextTask } = world;
  world.nextTask = id;
  const pending = startStep(play, step, i);
  block.watch?.began(l, block.lanes[l]!.label, pending);
  world.nextTask = Math.max(nextTask, id + 1);
  const { next } = state;
  const under = { next: next + 1, at: world.now, names: pending.names };
  if (pending.refused !== null) {
    const facts = { ...state.facts, rc: state.facts.rc || 1, reason: pending.refused };
    change(block, l, { ...under, facts });
    block.watch?.ended(l, null, world.now);
  } else if (pending.task === null) {
    const at = Math.max(world.now, pending.until ?? 0);
    change(block, l, { ...under, at });
    block.watch?.ended(l, null, at);
  } else {
    const facts = { ...state.facts, tried: false };
    const node = play.run.observers.get(id)?.node ?? 0;
    goOn(block, l, change(block, l, { ...under, task: id, node, facts }), id);
  }
}

function goOn(block: BlockRun, l: number, state: LaneState, id: number): void {
  const { run, play } = block;
  let { facts } = state;
  const observer = block.watch === null ? undefined : run.observers.get(id);
  run.observers.set(id, {
    ...observer,
    node: state.node,
    served: (request, reply) => {
      facts = factsAfter(facts, request, reply);
    },
  });
  const { world } = run;
  const { uuids: shared } = world;
  const first = (l + 1) * UUIDS_A_LANE;
  world.uuids = first + state.uuids;
  const { ended, until } = takeTurn(run, id, block.grain);
  const uuids = world.uuids - first;
  world.uuids = shared;
  if (ended !== null || observer === undefined) run.observers.delete(id);
  run.ended.delete(id);
  if (ended === null) {
    if (facts !== state.facts || uuids !== state.uuids) change(block, l, { facts, uuids });
    return;
  }
  const { step } = block.lanes[l]!.steps[state.next - 1]!;
  nameCreated(play, { names: state.names });
  change(block, l, { task: null, names: null, at: until, uuids, facts: endOfStep(facts, step, ended) });
  block.watch?.ended(l, ended, until);
}

const endOfStep = (facts: LaneFacts, step: Step, rc: number): LaneFacts => {
  const failed = step.action.do === 'hypercall' ? rc < 0 || facts.short : rc !== 0;
  if (failed) return { ...facts, rc: facts.rc || rc || 1, late: facts.late || facts.tried, short: false };
  return facts.rc === 0 ? newFacts() : facts;
};

/** How the lanes stand at an end. `rest`: what is said of those that are not over. */
export const blockEnds = (block: BlockRun, rest: 'stuck' | 'under way'): LaneEnd[] =>
  block.states.map((state, l) => {
    const lane = block.lanes[l]!;
    return endOfLane(lane, state.facts, isLaneOver(state, lane) ? 'over' : rest);
  });
