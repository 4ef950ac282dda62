/** Setting a step going: what it becomes in the world, and when it is over. */
import type { Request } from '../toolstack/task.ts';
import { parsePages, sizeForm } from './amount.ts';
import { splitCommandLine } from './command-line.ts';
import { domidOf, nameDomain, setConditions } from './conditions.ts';
import { errnoName } from './errno-name.ts';
import type { GuestAction } from './guest-action.ts';
import { cannotAct, guestRequests, touchPages } from './guest-do.ts';
import { scrubIdle } from './idle-scrub.ts';
import type { Play } from './play.ts';
import { requestTask } from './request-flow.ts';
import { startCommand } from './run.ts';
import type { Action, Step } from './scenario.ts';
import { makeHypercall } from './scenario-hypercall.ts';
import { addTask } from './task-life.ts';
import { utf8Bytes, utf8Text } from './utf8.ts';
import { nextUuid } from './world.ts';

/** A step that is under way. */
export interface Pending {
  readonly step: Step;
  readonly since: number;
  /** The task to wait for, or null. */
  readonly task: number | null;
  /** The moment to wait for, or null. */
  readonly until: number | null;
  /** What the task printed so far. */
  readonly io: { stdout: string; stderr: string };
  /** What there is to do when it is over: a domain that is to be named. */
  readonly names: { readonly handle: string; readonly name: string } | null;
  /** Exit status by way of a hypercall: 0 or 1, with words. Of `xlsim claim`. */
  readonly asCommand: boolean;
  /** The step could not begin at all: why. */
  readonly refused: string | null;
}

/** Begins a step that is neither a block nor a bare expectation. `i`: the count of the repeat around it. */
export function startStep(play: Play, step: Step, i: number | null): Pending {
  const { action } = step;
  switch (action.do) {
    case 'run':
      return startRun(play, step, action.line, i);
    case 'hypercall':
      return startHypercall(play, step, action, i);
    case 'guest':
      return startGuest(play, step, counted(action.guest, i), action.action);
    case 'wait':
      return { ...idle(play, step), until: play.world.now + (action.ns ?? 0) };
    case 'set': {
      // Where nothing costs time, nobody has any to scrub in.
      const { machine } = play.run;
      if (machine !== null) scrubIdle(play.world, machine);
      const refused = setConditions(play.world, action.conditions);
      if (machine !== null) scrubIdle(play.world, machine);
      noteSet(play, step);
      return { ...idle(play, step), refused };
    }
    default:
      return idle(play, step);
  }
}

/** `{i}` in a repeated step is its count. */
export const counted = (text: string, i: number | null): string =>
  i === null ? text : text.replaceAll('{i}', String(i));

const idle = (play: Play, step: Step): Pending => ({
  step,
  since: play.world.now,
  task: null,
  until: null,
  io: { stdout: '', stderr: '' },
  names: null,
  asCommand: false,
  refused: null,
});

function noteSet(play: Play, step: Step): void {
  const { now, xen } = play.world;
  const host = { free: xen.heap.totalAvailPages, claimed: xen.heap.outstandingClaims };
  play.machine.trace({ at: now, until: now, task: 0, name: step.label, kind: 'set', what: 'set', ...host });
}

function startRun(play: Play, step: Step, line: string, i: number | null): Pending {
  const base = idle(play, step);
  const split = splitCommandLine(counted(line, i));
  if (!split.ok) return { ...base, refused: split.message };
  const [program, ...argv] = split.words;
  if (program === 'xlsim') return startOwn(play, step, argv);
  const { io } = base;
  const write = (stream: 'stdout' | 'stderr', text: string): void => {
    io[stream] += utf8Text(text);
  };
  const observer = { write, ...nodeOf(step) };
  const task = startCommand(play.run, argv.map(utf8Bytes), observer, play.world.now, counted(step.label, i));
  return { ...base, task };
}

/** Xen: DOMID_INVALID (xen/include/public/xen.h), which no domain has. */
const DOMID_INVALID = 0x7ff4;

/** xlsim's own commands that change a host: claim. The others look from outside and have no place in a scenario. */
function startOwn(play: Play, step: Step, argv: readonly string[]): Pending {
  const [word, dom, size, ...rest] = argv;
  const base = idle(play, step);
  if (word !== 'claim' || dom === undefined || size === undefined || rest.length > 0) {
    return { ...base, refused: "of xlsim's own commands a scenario knows: xlsim claim DOM SIZE" };
  }
  const pages = parsePages(size);
  if (pages === null) return { ...base, refused: `claim takes ${sizeForm(size)}` };
  const found = /^\d+$/.test(dom) ? Number(dom) : domidOf(play.world, dom);
  // A command that names nobody fails as any other does: what is expected of its exit code decides.
  if (found === null) base.io.stderr += `xlsim: ${dom} is an invalid domain identifier\n`;
  const args = { domid: found ?? DOMID_INVALID, nrExtents: pages };
  const request = { kind: 'hypercall', name: 'XENMEM_claim_pages', args } as unknown as Request;
  return { ...base, task: startRequests(play, step.label, [request], null, step), asCommand: true };
}

/** What a step that has ended said on stderr: of a claim that Xen refused the hypercall's errno, where nothing else was said. */
export function stderrOf({ asCommand, io }: Pending, rc: number | null): string {
  const isRefused = asCommand && rc !== null && rc < 0 && io.stderr === '';
  return isRefused ? `xlsim: claim refused: ${errnoName(-rc)}\n` : io.stderr;
}

function startRequests(
  play: Play,
  name: string,
  requests: readonly Request[],
  domid: number | null,
  step: Step,
): number {
  const id = addTask(play.world, requestTask(name, requests), domid);
  play.run.observers.set(id, { write: () => {}, ...nodeOf(step) });
  return id;
}

const nodeOf = ({ node }: Step): { readonly node?: number } => (node === undefined ? {} : { node });

function startHypercall(
  play: Play,
  step: Step,
  action: Extract<Action, { do: 'hypercall' }>,
  i: number | null,
): Pending {
  const base = idle(play, step);
  const { world } = play;
  const handle = nextUuid(world);
  const find = (name: string): number | null => domidOf(world, counted(name, i));
  const call = makeHypercall(action.name, action.args, { domidOf: find, uuid: handle });
  if ('missing' in call) return { ...base, refused: `there is no domain "${call.missing}"` };
  const caller = typeof action.caller === 'string' ? find(action.caller) : action.caller;
  if (caller === null || !world.xen.domains.has(caller)) {
    return { ...base, refused: `there is no domain "${action.caller}" to issue it` };
  }
  const own = caller === 0 ? null : caller;
  const refused = own === null ? null : cannotAct(world, own, String(action.caller));
  if (refused !== null) return { ...base, refused };
  const request = { kind: 'hypercall', ...call } as unknown as Request;
  const task = startRequests(play, counted(step.label, i), [request], own, step);
  const name = action.args.name;
  const names = typeof name === 'string' ? { handle, name: counted(name, i) } : null;
  return { ...base, task, names };
}

function startGuest(play: Play, step: Step, guest: string, action: GuestAction): Pending {
  const { world } = play;
  const base = idle(play, step);
  const domid = guest === 'Domain-0' ? 0 : domidOf(world, guest);
  const refused = cannotAct(world, domid, guest);
  if (refused !== null || domid === null) return { ...base, refused };
  if (action.do === 'touch') {
    const touched = touchPages(world, domid, action.fromPages, action.pages);
    return { ...base, until: world.now + touched * play.machine.costs.touch_page };
  }
  const requests = guestRequests(world, domid, action) ?? [];
  return { ...base, task: startRequests(play, step.label, requests, null, step) };
}

/** After a step: names a domain that a raw hypercall made. */
export function nameCreated(play: Play, pending: Pick<Pending, 'names'>): void {
  if (pending.names === null) return;
  for (const domain of play.world.xen.domains.values()) {
    if (domain.handle === pending.names.handle) nameDomain(play.world, domain.domid, pending.names.name);
  }
}
