/**
 * An order told in about ten lines: what one task does without another coming between is one line, in Xen's words.
 *
 * A builder tries 1 GiB, then 2 MiB, then 4 KiB; that an order is used up is no event of the story, that the last one
 * fails is.
 */
import { formatPages } from './amount.ts';
import type { StepTask } from './block-plan.ts';
import { errnoName } from './errno-name.ts';
import { isUserdataLock, type TraceEvent } from './trace-event.ts';
import { inFlightText } from './trace-text.ts';

/** Lines told; from longer stories the middle is left out. */
const MAX_LINES = 14;

/** What somebody does while nobody comes between. */
interface Turn {
  readonly who: string;
  readonly name: string;
  readonly events: readonly TraceEvent[];
}

/** The lines. `events` in the order in which they happened; `steps`: whose the tasks are. */
export function tellStory(events: readonly TraceEvent[], steps: ReadonlyMap<number, StepTask>): string[] {
  const told = events.filter((event) => isTold(event, steps.get(event.task)));
  const turns = turnsOf(told, steps);
  const lines = turns.flatMap(turnLine);
  if (lines.length <= MAX_LINES) return lines;
  const kept = Math.floor(MAX_LINES / 2);
  const middle = turns.slice(kept, -kept);
  return [
    ...turns.slice(0, kept).flatMap(turnLine),
    `… ${middle.length} turns …`,
    ...sumLines(middle),
    ...turns.slice(-kept).flatMap(turnLine),
  ];
}

/** Many turns in one line for each who takes part: what they come to. */
function sumLines(turns: readonly Turn[]): string[] {
  const byWho = new Map<string, Turn>();
  for (const turn of turns) {
    const before = byWho.get(turn.who);
    byWho.set(turn.who, { ...turn, events: [...(before?.events ?? []), ...turn.events] });
  }
  return [...byWho.values()].flatMap((turn) => turnLine(turn).map((line) => `  in all, ${line}`));
}

/**
 * Where in `events` it was decided that a lane of `failed` fails: its last refusal, or its last event where nothing was
 * refused; of several lanes the first. -1: nowhere.
 */
export function decisiveEvent(
  events: readonly TraceEvent[],
  steps: ReadonlyMap<number, StepTask>,
  failed: readonly number[],
): number {
  const found = failed.flatMap((lane) => {
    const isOwn = (e: TraceEvent): boolean => steps.get(e.task)?.lane === lane;
    const refusal = events.findLastIndex((e) => isOwn(e) && isRefusal(e));
    const at = refusal < 0 ? events.findLastIndex(isOwn) : refusal;
    return at < 0 ? [] : [at];
  });
  return found.length === 0 ? -1 : Math.min(...found);
}

const isRefusal = (event: TraceEvent): boolean =>
  event.kind === 'refused' || (event.kind === 'claim' && (event.rc ?? 0) < 0);

/** Locks around userdata are libxl's own business. */
const isTold = (event: TraceEvent, step: StepTask | undefined): boolean => {
  const { kind } = event;
  if (kind === 'start' || kind === 'set' || isUserdataLock(event)) return false;
  // A bare hypercall says all there is to say by itself.
  return kind !== 'end' || step?.isCommand === true;
};

function turnsOf(events: readonly TraceEvent[], steps: ReadonlyMap<number, StepTask>): Turn[] {
  const turns: { who: string; name: string; events: TraceEvent[] }[] = [];
  for (const event of events) {
    const last = turns[turns.length - 1];
    // That a lock changes hands is told by who gets it.
    if (event.kind === 'unlock') continue;
    const step = steps.get(event.task);
    const who = step === undefined ? `task ${event.task}` : `lane ${step.lane}`;
    if (last?.who === who) last.events.push(event);
    else turns.push({ who, name: step?.label ?? event.name, events: [event] });
  }
  return turns;
}

function turnLine({ name, events }: Turn): string[] {
  const deeds = deedsOf(events);
  if (deeds.length === 0) return [];
  const { free, claimed } = events[events.length - 1]!;
  const host = `${formatPages(free)} free${claimed === 0 ? '' : `, ${formatPages(claimed)} claimed`}`;
  return [`${name}: ${deeds.join('; ')} (${host})`];
}

/** What is told of one turn, in order; allocations between other things are one of them. */
function deedsOf(events: readonly TraceEvent[]): string[] {
  const deeds: string[] = [];
  let got = new Map<number, number>();
  const tellGot = (): void => {
    const extents = [...got].map(([order, n]) => `${n} x ${extentName(order)}`);
    if (extents.length > 0) deeds.push(`XENMEM_populate_physmap ${extents.join(', ')}`);
    got = new Map();
  };
  for (const [i, event] of events.entries()) {
    if (event.kind === 'populate') {
      const order = event.order ?? 0;
      got.set(order, (got.get(order) ?? 0) + (event.extents ?? 0));
      continue;
    }
    if (event.kind === 'refused' && event.order !== undefined && triesOn(events, i)) continue;
    // Only the extent that was in flight when the turn ended is.
    if (event.kind === 'in-flight' && i < events.length - 1) continue;
    const deed = deedText(event);
    if (deed === null) continue;
    tellGot();
    if (deeds[deeds.length - 1] !== deed) deeds.push(deed);
  }
  tellGot();
  return deeds;
}

/** After this refusal the builder asks for smaller extents: nothing is decided. */
function triesOn(events: readonly TraceEvent[], at: number): boolean {
  const next = events.slice(at + 1).find((e) => e.kind === 'populate' || e.kind === 'refused');
  return next !== undefined && next.order !== undefined && next.order < (events[at]!.order ?? 0);
}

const SIZES: Readonly<Record<number, string>> = { 0: '4 KiB', 9: '2 MiB', 18: '1 GiB' };
const extentName = (order: number): string => SIZES[order] ?? `order ${order}`;

function deedText(event: TraceEvent): string | null {
  const { rc = 0, domid, what } = event;
  const answer = rc < 0 ? ` -> ${errnoName(-rc)}` : '';
  const of = domid === undefined ? '' : ` d${domid}`;
  switch (event.kind) {
    case 'end':
      return `exit ${rc}`;
    case 'claim':
      return event.extents === 0 ? null : `${what}${of} ${formatPages(event.extents ?? 0)}${answer}`;
    case 'refused':
      return event.order === undefined
        ? `${what}${of}${answer}`
        : `${what}${of} is refused ${extentName(event.order)}, ${event.extents} extents short`;
    case 'free':
      return what === 'XENMEM_decrease_reservation' ? freedText(event) : `${what}${of}${answer}`;
    case 'in-flight':
      return inFlightText(event);
    case 'lock':
      return `takes ${what}`;
    case 'lock-wait':
      return `waits for ${what}`;
    case 'hypercall':
      // Of what makes a domain only the beginning is told: the rest is in the trace.
      return what === 'XEN_DOMCTL_createdomain' || what === 'XEN_DOMCTL_unpausedomain'
        ? `${what}${of}`
        : null;
    case 'sleep':
    case 'virq':
      return what;
    default:
      return null;
  }
}

const freedText = ({ what, domid, extents = 0, order = 0 }: TraceEvent): string =>
  `${what} d${domid} ${extents} x ${extentName(order)}`;
