/**
 * The scene answerer: serves a task's requests from a scene file instead of the model, and runs a task to its end.
 */
import { ENOENT } from '../../src/hypervisor/errno.ts';
import type { Flow, Reply, Request, Task } from '../../src/toolstack/task.ts';
import { step } from '../../src/toolstack/task.ts';
import { type TraceEntry, traceLines } from '../../src/toolstack/trace-line.ts';
import type { XsCall } from '../../src/toolstack/xenstore.ts';
import { logLine } from '../../src/toolstack/xl-env.ts';
import { hypercallReply } from './scene-hypercalls.ts';
import { SCENE_TIME, SCENE_UPTIME_NS, SCENE_UUID, type SceneState } from './scene-state.ts';

function xsReply(s: SceneState, call: XsCall): Reply {
  const closed = s.scene.fails.xs_open;
  if (closed !== undefined) return { rc: -closed };
  switch (call.op) {
    case 'read': {
      const value = s.xs.get(call.path);
      return value === undefined ? { rc: -ENOENT } : { rc: 0, value };
    }
    case 'write':
      s.xs.set(call.path, call.value);
      return { rc: 0 };
    case 'mkdir':
      if (!s.xs.has(call.path)) s.xs.set(call.path, '');
      return { rc: 0 };
    case 'rm':
      for (const path of [...s.xs.keys()]) {
        if (path === call.path || path.startsWith(`${call.path}/`)) s.xs.delete(path);
      }
      return { rc: 0 };
    case 'directory': {
      const prefix = call.path === '/' ? '/' : `${call.path}/`;
      const entries = new Set<string>();
      for (const path of s.xs.keys()) {
        if (path.startsWith(prefix)) entries.add(path.slice(prefix.length).split('/')[0] ?? '');
      }
      return entries.size === 0 && !s.xs.has(call.path) ? { rc: -ENOENT } : { rc: 0, entries: [...entries] };
    }
    case 'transaction_start':
      s.nextTx += 1;
      return { rc: 0, tx: s.nextTx };
    default:
      return { rc: 0 };
  }
}

function userdataReply(s: SceneState, r: Extract<Request, { kind: 'userdata' }>): Reply {
  const key = `${r.domid}/${r.name}`;
  switch (r.op) {
    case 'store':
      s.userdata.set(key, r.text ?? '');
      return { rc: 0 };
    case 'retrieve':
      return { rc: 0, text: s.userdata.get(key) ?? null };
    case 'unlink':
      s.userdata.delete(key);
      return { rc: 0 };
    case 'unlink-all':
      for (const k of [...s.userdata.keys()]) if (k.startsWith(`${r.domid}/`)) s.userdata.delete(k);
      return { rc: 0 };
  }
}

/** Answers one request. stdout, stderr and log requests are the runner's business and answered with rc 0. */
function answer(s: SceneState, request: Request): Reply {
  switch (request.kind) {
    case 'hypercall':
      return hypercallReply(s, request);
    case 'xs':
      return xsReply(s, request.call);
    case 'userdata':
      return userdataReply(s, request);
    case 'now': {
      const time = SCENE_TIME + Math.floor((s.ns - SCENE_UPTIME_NS) / 1e9);
      const hundredths = String(Math.floor((s.ns % 1e9) / 1e7)).padStart(2, '0');
      return { rc: 0, ns: s.ns, time, date: `${time}.${hundredths}` };
    }
    case 'sleep':
      s.ns += request.ns;
      return { rc: 0 };
    case 'wait':
      s.ns += request.ns ?? 0;
      return { rc: 0, fired: 'timeout' };
    case 'uuid':
      return { rc: 0, uuid: SCENE_UUID };
    case 'recent-domid':
      return { rc: 0, recent: false };
    case 'spawn':
      s.spawned += 1;
      return { rc: 0, task: s.spawned };
    case 'file': {
      if (request.op === 'write') return { rc: 0 };
      if (request.op === 'stat') return { rc: s.options.statFile?.(request.path) ?? 0 };
      const found = s.options.readFile?.(request.path) ?? -ENOENT;
      return typeof found === 'number' ? { rc: found } : { rc: 0, text: found };
    }
    default:
      return { rc: 0 };
  }
}

/** What a command that ran on a scene left behind. */
export interface SceneRun {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status a shell would see. */
  readonly exit: number;
  readonly trace: readonly string[];
  readonly entries: readonly TraceEntry[];
}

/**
 * Runs a task to its end on a scene. `between` sees the task before every request and may replace it
 * (tests pass it through JSON there).
 */
export function runOnScene(
  flows: Readonly<Record<string, Flow>>,
  start: Task,
  state: SceneState,
  between: (task: Task) => Task = (task) => task,
): SceneRun {
  let stdout = '';
  let stderr = '';
  const entries: TraceEntry[] = [];
  let task = start;
  let reply: Reply = { rc: 0 };
  for (;;) {
    const stepped = step(flows, task, reply);
    if (stepped.request === null) {
      const exit = stepped.value.rc & 255;
      return { stdout, stderr, exit, trace: traceLines(entries), entries };
    }
    task = between(stepped.task);
    const request = stepped.request;
    if (request.kind === 'stdout') stdout += request.text;
    if (request.kind === 'stderr') stderr += request.text;
    if (request.kind === 'log') stderr += logLine(task, request, 0) ?? '';
    reply = answer(state, request);
    entries.push({ request, reply });
  }
}
