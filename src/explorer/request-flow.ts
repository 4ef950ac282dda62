/** A task that asks what it was told to, and nothing else: raw hypercalls and guest actions of a scenario. */
import { ask, done, type Flow, flow, newTask, type Request, type Task } from '../toolstack/task.ts';

interface RequestVars {
  readonly requests: readonly Request[];
}

export const requestFlows: Readonly<Record<string, Flow>> = {
  requests: flow<RequestVars>({
    name: 'requests',
    steps: {
      start: (v) => (v.requests.length === 0 ? done({ rc: 0 }) : ask(v.requests, 'asked', v)),
      // Only the status outlives the task; what a look-up returned is of no use to a scenario.
      asked: (_v, reply) => done({ ...reply }),
    },
  }),
};

/** A task that asks `requests` in order and ends with the last one's reply. */
export const requestTask = (name: string, requests: readonly Request[]): Task =>
  newTask(name, 'requests', { requests });
