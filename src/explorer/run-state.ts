/** A run of the world's tasks as data: who looks on, who has ended, what it may cost, who comes between. */
import type { Frame, Reply, Request } from '../toolstack/task.ts';
import type { Interceptor } from './intercept.ts';
import type { Machine } from './machine.ts';
import type { Outside } from './serve.ts';
import type { Write } from './task-text.ts';
import type { RunningTask, World } from './world.ts';

/** Where the text of running tasks goes, and who looks at what they ask. */
export interface Observer {
  readonly write?: Write | undefined;
  /** Sees every served request of the command, for --trace-hypercalls. */
  readonly served?: (request: Request, reply: Reply) => void;
  /** The node whose CPU issues the task's hypercalls; absent: 0. */
  readonly node?: number;
}

/** Requests served in one run before it is given up. */
const STEP_BUDGET = 5_000_000;
/** A run of the world's tasks, changed as it goes on. */
export interface Run {
  readonly world: World;
  readonly outside: Outside;
  /** Who reads what a task prints, by the task's id. */
  readonly observers: Map<number, Observer>;
  /** How the observed tasks ended: their exit status by id. */
  readonly ended: Map<number, number>;
  /** CPUs, heap lock and costs; null: requests are served whole at the prices of request-cost.ts. */
  readonly machine: Machine | null;
  steps: number;
  readonly budget: number;
  /** When the task that runs has woken another: that one's time. */
  wakeAt: number;
  /** When the next of the others goes on after the task whose turn it is; 0: nobody is to rely on that. */
  others: number;
  /** Who comes between a task and the world; absent: nobody. */
  intercept?: Interceptor;
  /** Sees what a task asks in its turn, before it is served. */
  asked?: (request: Request, task: RunningTask) => void;
  /** Xen's answer to a hypercall that was made already; null: Xen is to be asked. */
  told?: () => Reply | null;
  /** The id of a task called `name` that `parent` starts; absent: the next one. */
  newId?: (parent: number, name: string) => number;
  /** Starts a flow on another host for a task, which is told when it has ended; false: there is no such host. */
  remote?: (asker: RunningTask, host: string, frame: Frame) => boolean;
  /** Nobody is told machine frames: what is done then does not depend on which ones they are. */
  forgetFrames?: boolean;
}

export const newRun = (
  world: World,
  outside: Outside,
  machine: Machine | null,
  budget = STEP_BUDGET,
): Run => ({
  world,
  outside,
  observers: new Map(),
  ended: new Map(),
  machine,
  steps: 0,
  budget,
  wakeAt: Number.POSITIVE_INFINITY,
  others: 0,
});
