/**
 * Running flows as plain data: a `create`, a balloon driver, xl's own daemon.
 *
 * A task is a stack of frames; a frame is the name of a flow, the label it stands at, and its variables. A flow is a
 * table of labelled functions *variables + reply → what next*. Because no state lives in a closure, a generator or a
 * promise, a task can be copied, compared, hashed, saved and printed between any two requests, and the explorer can
 * fork it. `step` is pure: it advances a task up to its next request and returns that request; somebody else answers.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import type { Hypercall, HypercallArgs, HypercallName, HypercallReply } from '../hypervisor/privcmd.ts';
import { type Memo, noMemo } from './memo.ts';
import type { XsCall, XsReply } from './xenstore.ts';

/** Plain data: what JSON can hold. A task's variables are nothing else. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };

/** What a task asks of the world. It waits until somebody replies. */
export type Request =
  | ({ readonly kind: 'hypercall' } & Hypercall)
  | { readonly kind: 'xs'; readonly call: XsCall }
  /** Text for the command's stdout / stderr, exactly as to be written. */
  | { readonly kind: 'stdout' | 'stderr'; readonly text: string }
  /** A line of libxl's, libxc's or xl's logger; shown when `level` is at or above the command's minimum. */
  | { readonly kind: 'log'; readonly level: LogLevel; readonly text: string }
  /** The xl lock (POSIX record lock) or a per-domain userdata lock; waits while another task holds it. */
  | { readonly kind: 'lock' | 'unlock'; readonly path: string }
  /** Virtual time. `sleep` replies when it has passed; `now` replies { ns }. */
  | { readonly kind: 'sleep'; readonly ns: number }
  | { readonly kind: 'now' }
  /** libxl's userdata files, /var/lib/xen/userdata-*: kept with the host. Reply { rc, text }. */
  | {
      readonly kind: 'userdata';
      readonly op: 'store' | 'retrieve' | 'unlink' | 'unlink-all';
      readonly domid: number;
      readonly name: string;
      readonly text?: string;
    }
  /** A file a config or command names. Reply { rc } (0, or a negative errno) and, for `read`, its text. */
  | { readonly kind: 'file'; readonly op: 'stat' | 'read'; readonly path: string }
  | { readonly kind: 'file'; readonly op: 'write'; readonly path: string; readonly text: string }
  /** Starts another task (xl's daemon, a guest, a device model). Reply { task: id }. */
  | { readonly kind: 'spawn'; readonly name: string; readonly frame: Frame; readonly domid?: number }
  /**
   * Waits until one of the xenstore paths (or anything below) changes, a domain's life-cycle state changes
   * (the special watches @introduceDomain, @releaseDomain), or `ns` has passed. Reply { fired: path | 'timeout' }.
   */
  | { readonly kind: 'wait'; readonly paths: readonly string[]; readonly ns?: number }
  /** A fresh UUID from the host's seed and counter. Reply { uuid }. */
  | { readonly kind: 'uuid' }
  /**
   * Runs a flow to its end on another host of the same state, as `ssh HOST xl …` would; its done value is the reply.
   * rc is -EHOSTUNREACH when there is no such host.
   */
  | { readonly kind: 'remote'; readonly host: string; readonly frame: Frame }
  /** domids given out within the last 60 s of virtual time (libxl's recent-domid file). Reply { recent }. */
  | { readonly kind: 'recent-domid'; readonly op: 'check' | 'mark'; readonly domid: number };

/** toollog's levels, lowest first. */
export const LOG_LEVELS = [
  'debug',
  'verbose',
  'detail',
  'progress',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The answer to the last request of a batch. Which fields are there follows from the request. */
export type Reply = { readonly rc: number; readonly [key: string]: unknown };

/** Where a flow stands. `queue` holds the requests of a batch that are still to be asked. */
export interface Frame {
  readonly flow: string;
  readonly at: string;
  readonly vars: { readonly [key: string]: Plain | undefined };
  readonly queue?: readonly Request[];
}

/** A running flow: its call stack, innermost frame last. Plain data. */
export interface Task {
  readonly name: string;
  readonly frames: readonly Frame[];
}

type Vars = Frame['vars'];

/** What a labelled function decides. Build it with ask, call, goto and done. */
export type Next<V> =
  | { readonly do: 'ask'; readonly requests: readonly Request[]; readonly at: string; readonly vars: V }
  | { readonly do: 'call'; readonly callee: Frame; readonly at: string; readonly vars: V }
  | { readonly do: 'goto'; readonly at: string; readonly vars: V }
  | { readonly do: 'done'; readonly value: Reply };

/**
 * A flow: labelled steps; `start` is the entry. `reply` answers the request (or the call) that led to this label; `memo`
 * may remember what is costly to make.
 */
export interface Flow<V = Vars> {
  readonly name: string;
  /**
   * A flow that asks for the time says which of its variables it holds against the clock again: moments in ns. What it only
   * prints or writes down is none of them.
   */
  readonly clock?: readonly (keyof V & string)[];
  readonly steps: Readonly<Record<string, (vars: V, reply: Reply, memo: Memo) => Next<V>>>;
}

/** Declares a flow with typed variables; the registry (flows.ts) keeps it as one among many. */
export function flow<V>(f: Flow<V>): Flow {
  return f as unknown as Flow;
}

/** Asks one request, or several in order (only the last one's reply is seen), then goes on at label `at`. */
export function ask<V>(requests: Request | readonly Request[], at: string, vars: V): Next<V> {
  return { do: 'ask', requests: Array.isArray(requests) ? requests : [requests as Request], at, vars };
}

/** Runs another flow by name; its `done` value is the reply at label `at`. */
export function call<V>(flow: string, args: object, at: string, vars: V): Next<V> {
  return { do: 'call', callee: { flow, at: 'start', vars: args as Vars }, at, vars };
}

export function goto<V>(at: string, vars: V): Next<V> {
  return { do: 'goto', at, vars };
}

/** Ends the flow. `value.rc` is its result: 0, a libxl ERROR_*, or an exit code, as the flow's docstring says. */
export function done<V>(value: Reply): Next<V> {
  return { do: 'done', value };
}

/** A hypercall as a request. */
export function hypercall<N extends HypercallName>(name: N, args: HypercallArgs<N>): Request {
  return { kind: 'hypercall', name, args } as unknown as Request;
}

/** Reads a reply as that of hypercall `N`. */
export function hypercallReply<N extends HypercallName>(_name: N, reply: Reply): HypercallReply<N> {
  return reply as unknown as HypercallReply<N>;
}

/**
 * Starts another task at `flow`. With `domid` it runs inside that domain: only while the domain is neither paused nor
 * shut down, and no longer than it lives.
 */
export function spawn(name: string, flow: string, args: object, domid?: number): Request {
  const frame: Frame = { flow, at: 'start', vars: args as Vars };
  return domid === undefined ? { kind: 'spawn', name, frame } : { kind: 'spawn', name, frame, domid };
}

export const xs = (xsCall: XsCall): Request => ({ kind: 'xs', call: xsCall });
export const xsReply = (reply: Reply): XsReply => reply as unknown as XsReply;

/** A new task that will run `flow` from its start. */
export function newTask(name: string, flow: string, args: object): Task {
  return { name, frames: [{ flow, at: 'start', vars: args as Vars }] };
}

/** What step() found: the next request, or the end with the outermost flow's value. */
export type Stepped =
  | { readonly task: Task; readonly request: Request }
  | { readonly task: Task; readonly request: null; readonly value: Reply };

/** A request that is nothing but text: it takes no time, and its reply says nothing. */
export type TextRequest = Extract<Request, { readonly kind: 'stdout' | 'stderr' | 'log' }>;

export const isText = (request: Request): request is TextRequest =>
  request.kind === 'log' || request.kind === 'stdout' || request.kind === 'stderr';

/**
 * A task while it runs: its stack, changed in place, and the batch of requests its innermost frame asks, of which those
 * before `next` have been asked. Nobody else looks at it; taskAsPlain() makes it plain data again.
 */
export interface TaskInHand {
  readonly name: string;
  readonly frames: Frame[];
  queue: readonly Request[];
  next: number;
  /** What the outermost flow ended with. */
  value: Reply;
}

const NO_REQUESTS: readonly Request[] = [];
const READY: Reply = { rc: 0 };

/** Turns without a request after which a task is taken for one that never asks again. */
const MOST_TURNS = 10_000;

/** Takes a task up to run it. */
export function takeTaskUp({ name, frames }: Task): TaskInHand {
  const queue = frames[frames.length - 1]?.queue ?? NO_REQUESTS;
  return { name, frames: frames.slice(), queue, next: 0, value: READY };
}

/** The task as it stands now: behind its last request. */
export function taskAsPlain({ name, frames, queue, next }: TaskInHand): Task {
  const plain = frames.slice();
  const { flow, at, vars } = plain[plain.length - 1]!;
  plain[plain.length - 1] = { flow, at, vars, queue: queue.slice(next) };
  return { name, frames: plain };
}

/**
 * Advances a task in hand to its next request, text included; null: it has ended, and `value` is there. `reply` answers
 * the request before; for a new task it is ignored. Throws XenBug for an unknown flow or label, or a flow that turns
 * 10,000 times without asking anything.
 */
export function nextRequest(
  flows: Readonly<Record<string, Flow>>,
  hand: TaskInHand,
  reply: Reply,
  memo: Memo = noMemo,
): Request | null {
  if (hand.next < hand.queue.length) return hand.queue[hand.next++]!;
  const { frames } = hand;
  let last = reply;
  let { flow, at, vars } = topOf(hand);
  for (let turns = 0; turns < MOST_TURNS; turns++) {
    const next = labelOf(flows, flow, at)(vars, last, memo);
    switch (next.do) {
      case 'ask':
        ({ at, vars } = next);
        last = READY;
        if (next.requests.length === 0) break;
        frames[frames.length - 1] = { flow, at, vars };
        hand.queue = next.requests;
        hand.next = 1;
        return next.requests[0]!;
      case 'goto':
        ({ at, vars } = next);
        break;
      case 'call':
        frames[frames.length - 1] = { flow, at: next.at, vars: next.vars };
        frames.push(next.callee);
        ({ flow, at, vars } = next.callee);
        last = READY;
        break;
      case 'done':
        frames.pop();
        last = next.value;
        if (frames.length === 0) {
          hand.value = last;
          return null;
        }
        ({ flow, at, vars } = topOf(hand));
        break;
    }
  }
  ASSERT(false, `task ${hand.name} turns without asking: ${JSON.stringify({ flow, at, vars })}`);
}

function topOf({ name, frames }: TaskInHand): Frame {
  const frame = frames[frames.length - 1];
  if (frame === undefined) ASSERT(false, `task ${name} has ended`);
  return frame;
}

function labelOf(flows: Readonly<Record<string, Flow>>, name: string, at: string): Flow['steps'][string] {
  const flow = flows[name];
  if (flow === undefined) ASSERT(false, `no flow named ${name}`);
  const label = flow.steps[at];
  if (label === undefined) ASSERT(false, `flow ${name} has no label ${at}`);
  return label;
}

/**
 * Advances `task` to its next request. `reply` answers the previous request; for a new task it is ignored. Pure: the
 * same task and reply give the same result, and the given task is not changed. Throws as nextRequest() does.
 */
export function step(
  flows: Readonly<Record<string, Flow>>,
  task: Task,
  reply: Reply,
  memo: Memo = noMemo,
): Stepped {
  const hand = takeTaskUp(task);
  const request = nextRequest(flows, hand, reply, memo);
  if (request === null) return { task: { name: task.name, frames: hand.frames }, request, value: hand.value };
  return { task: taskAsPlain(hand), request };
}
