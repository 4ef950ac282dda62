/** What is special about one parallel block of a play: the remedy in force, and the order in which its tasks go on. */
import type { LaneEnd } from './lane-end.ts';
import type { Remedy } from './remedy.ts';
import type { Step } from './scenario.ts';
import type { TurnOrder } from './turn-order.ts';
import type { World } from './world.ts';

/** A task that stands for a step of a lane. */
export interface StepTask {
  readonly lane: number;
  /** The lane's label. */
  readonly label: string;
  /** It is a command with an exit status, not a bare hypercall. */
  readonly isCommand: boolean;
}

/** The first choice of an order that could not be made. */
export interface OrderMisfit {
  /** Its line among the choices, from 0; null: they were all made, and the block was not over. */
  readonly line: number | null;
  /** In a sentence. */
  readonly why: string;
}

/** How a step ended. */
export interface StepExit {
  readonly lane: number;
  readonly step: Step;
  /** What it returned; null: conditions and waits return nothing, nor does what could not begin. */
  readonly rc: number | null;
  /** Why it could not begin; null: it did. */
  readonly refused: string | null;
}

/** See the file's header. Filled in as the play goes on. */
export interface BlockPlan {
  /** Which of the scenario's own parallel blocks, from 0. */
  readonly index: number;
  readonly remedy: Remedy | null;
  /** Null: the clock decides. */
  readonly order: TurnOrder | null;
  /** Turns that the clock may add after the order; absent: as many as it takes. */
  readonly patience?: number;
  /** The order is said to end where the block never will be over. */
  readonly isStuck?: boolean;
  /** Called after each turn of the order. */
  readonly afterTurn?: (turn: number, world: World) => void;
  /** Tasks from this id on were started in the block. */
  firstTask: number;
  /** Blocks begun so far. */
  met: number;
  /** When it began and ended, in virtual ns; null: not yet. */
  since: number | null;
  until: number | null;
  /** How its lanes ended; null where the clock decided. */
  ends: readonly LaneEnd[] | null;
  /** By task that a step of the block started: whose it is. Filled where an order is followed. */
  readonly steps: Map<number, StepTask>;
  /** How the block's steps ended, in that order. */
  readonly exits: StepExit[];
  /** Where the order did not fit; null: it did. */
  misfit: OrderMisfit | null;
}

export const newBlockPlan = (
  plan: Pick<BlockPlan, 'index' | 'remedy' | 'order' | 'patience' | 'isStuck' | 'afterTurn'>,
): BlockPlan => ({
  ...plan,
  firstTask: 0,
  met: 0,
  since: null,
  until: null,
  steps: new Map(),
  ends: null,
  exits: [],
  misfit: null,
});
