/**
 * A space whose states are numbers of steps: one host, which goes forward from the start and back to it, and nowhere else.
 *
 * Nothing is remembered of a state, so an order costs what its steps cost, memory does not grow with the number of orders,
 * and no order can tell which were taken before it. A state stands for the host as it is now, and for no other.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { markXen, rollbackXen } from '../hypervisor/xen-mark.ts';
import { actorName, actorPath, type BlockRun, blockEnds } from './block.ts';
import { brokenNow, miscountNow } from './broken-now.ts';
import { canonId, newCanon } from './canonical.ts';
import { isLap, newLaps, startLaps } from './forward-laps.ts';
import { NO_CLASS } from './ownership-seen.ts';
import { isInParts } from './turn-order.ts';
import type { WorldEnd, WorldSpace, WorldSpaceHow } from './world-space.ts';

/** How steps are made. */
export interface StepMaker {
  /** Actors, some of which may be gone. */
  readonly actors: () => number;
  /** Xen is where it was at the start; the rest has to be put there. */
  readonly goBack: () => void;
  /** Writes the actors that can make a step now, and says how many there are. */
  readonly turns: (into: Int32Array) => number;
  /** Makes an actor's step. False: it asked nothing of Xen; a hypercall in parts may have gone on. */
  readonly take: (actor: number) => boolean;
  /** Called before the block is looked at. */
  readonly settle: () => void;
  /** Steps made for real. */
  readonly made: () => number;
  /** What to call an actor; absent: as the block does. */
  readonly nameOf?: (actor: number) => string | undefined;
}

/** See the file's header. The block stands at its start. A step is made from the state that was reached last only. */
export function newStepsSpace(block: BlockRun, how: WorldSpaceHow, maker: StepMaker): WorldSpace {
  const { xen } = block.run.world;
  const mark = markXen(xen);
  const names = newCanon();
  const ends: WorldEnd[] = [];
  // A step as a whole is looked at: whether all counts agree with each other. Every run is looked at at the end.
  const here = { steps: 0, last: -1, broken: null as string | null };
  const laps = newLaps(block, maker.settle);
  return {
    width: 1,
    get tasks() {
      return maker.actors();
    },
    start: (into, at) => {
      if (here.steps > 0) {
        rollbackXen(xen, mark);
        maker.goBack();
      }
      Object.assign(here, { steps: 0, last: -1, broken: null });
      startLaps(laps);
      into[at] = 0;
    },
    enabled: (state, at, tasks) => {
      ASSERT(state[at] === here.steps, 'who can go on is asked of the present state');
      if (here.broken !== null) return 0;
      const n = maker.turns(tasks);
      return isLap(laps, n) ? 0 : n;
    },
    step: (state, at, task, into, intoAt) => {
      // Whoever had no room for what the step led to asks for it again.
      const isAgain = state[at] === here.steps - 1 && task === here.last;
      ASSERT(isAgain || state[at] === here.steps, 'a step is made from the present state');
      if (!isAgain) {
        here.broken = maker.take(task) || isInParts(how.grain) ? miscountNow(xen) : null;
        here.steps++;
        here.last = task;
      }
      into[intoAt] = here.steps;
    },
    outcome: () => {
      maker.settle();
      const broken = here.broken ?? brokenNow(xen);
      const end = { lanes: blockEnds(block, broken === null ? 'stuck' : 'under way'), broken };
      const outcome = canonId(names, JSON.stringify(end));
      ends[outcome] = end;
      return outcome;
    },
    how,
    taskName: (task) => maker.nameOf?.(task) ?? actorName(block, task),
    taskPath: (task) => actorPath(block, task),
    endOf: (outcome) => ends[outcome]!,
    ...NO_CLASS,
    get made() {
      return maker.made();
    },
  };
}

/** The actors of the block that can make a step now, as StepMaker has it. */
export function turnsFrom(turns: readonly number[], into: Int32Array): number {
  for (let i = 0; i < turns.length; i++) into[i] = turns[i]!;
  return turns.length;
}
