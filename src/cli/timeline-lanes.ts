/** The upper half of a timeline: a lane for every task, with what it does, claims, holds and waits for. */
import { formatDuration, formatPages } from '../explorer/amount.ts';
import type { TraceEvent } from '../explorer/trace-event.ts';
import { clipped, visibleLine } from './screen.ts';
import { END, LEFT, type Scale } from './timeline-scale.ts';
import { xmlText } from './xml-text.ts';

/** What a mark in a lane means. */
export type Mark =
  | 'populate'
  | 'pool'
  | 'hypercall'
  | 'free'
  | 'lock-wait'
  | 'lock'
  | 'claim'
  | 'claimed'
  | 'refused';

/** Colours differ in lightness, too, for print and for the colour-blind; names are those of the legend. */
export const MARKS: Readonly<Record<Mark, { readonly colour: string; readonly name: string }>> = {
  populate: { colour: '#3b7dd8', name: 'populate' },
  pool: { colour: '#b7a3d9', name: 'paging pool' },
  hypercall: { colour: '#6d5a8c', name: 'other hypercalls' },
  free: { colour: '#58a55c', name: 'gives back' },
  'lock-wait': { colour: '#bdbdbd', name: 'waits for the xl lock' },
  lock: { colour: '#4a4a4a', name: 'holds the xl lock' },
  claim: { colour: '#d98c00', name: 'claims' },
  claimed: { colour: '#f0b64a', name: 'its claim stands' },
  refused: { colour: '#c62828', name: 'refused' },
};

/** A task and its events, in order. */
export interface Lane {
  readonly name: string;
  readonly events: readonly TraceEvent[];
}

/** The mark of an event; null: it has none of its own. */
function markOf(event: TraceEvent): Mark | null {
  switch (event.kind) {
    case 'populate':
    case 'free':
    case 'lock-wait':
    case 'refused':
      return event.kind;
    case 'claim':
      if (event.rc !== 0) return 'refused';
      return event.extents === 0 ? null : 'claim';
    case 'hypercall':
      return event.what === 'XEN_DOMCTL_set_paging_mempool_size' ? 'pool' : 'hypercall';
    default:
      return null;
  }
}

/** One lane for every task that did something to memory or to the toolstack's lock. */
export function lanesOf(events: readonly TraceEvent[]): Lane[] {
  const byTask = new Map<string, TraceEvent[]>();
  for (const event of events) {
    // A domain's own userdata lock is nobody else's business.
    if (event.what.includes('userdata-lock') || event.kind === 'set') continue;
    // Hosts count their tasks by themselves.
    const key = `${event.task} ${event.host ?? ''}`;
    const own = byTask.get(key);
    if (own === undefined) byTask.set(key, [event]);
    else own.push(event);
  }
  return [...byTask.values()]
    .filter((own) => own.some((event) => markOf(event) !== null))
    .map((own) => ({ name: nameOf(own), events: own }));
}

/** A lock is let go under the name of no task in particular. */
function nameOf(own: readonly TraceEvent[]): string {
  const { name, host } = own.find((e) => e.kind !== 'unlock') ?? own[0]!;
  return host === undefined ? name : `${host}: ${name}`;
}

/** The marks that a picture of these lanes has, for its legend. */
export function marksIn(lanes: readonly Lane[]): Mark[] {
  const used = new Set<Mark | null>();
  for (const { events } of lanes) {
    for (const event of events) used.add(event.kind === 'lock' ? 'lock' : markOf(event));
  }
  if (used.has('claim')) used.add('claimed');
  return (Object.keys(MARKS) as Mark[]).filter((mark) => used.has(mark));
}

/** Characters of a lane's name that there is room for, as large as other text and smaller. */
const ROOMY_NAME = 23;
const LONGEST_NAME = 29;

/** A lane as SVG; `height` pixels from `top` on. */
export function drawLane(lane: Lane, top: number, height: number, { x }: Scale): string {
  const middle = top + height / 2;
  const small = height < 20;
  const first = lane.events[0]!;
  const last = lane.events[lane.events.length - 1]!;
  const name = clipped(visibleLine(lane.name), LONGEST_NAME);
  const isSmall = small || name.length > ROOMY_NAME;
  const bar = { y: top + height * 0.24, h: height * 0.46 };
  return [
    `<text x="${LEFT - 12}" y="${(middle + 4).toFixed(1)}" text-anchor="end"${isSmall ? ' font-size="10"' : ''}>${xmlText(name)}</text>`,
    line(LEFT, END, middle, '#eeeeee'),
    line(x(first.at), x(last.until), middle, '#9e9e9e'),
    ...joined(lane.events, x).map((b) => drawBar(b, bar, x)),
    ...stretches(lane.events, 'claimed').map((s) => thin(s, bar.y - 3, 'claimed', x)),
    ...stretches(lane.events, 'lock').map((s) => thin(s, bar.y + bar.h + 1, 'lock', x)),
    ...points(lane.events, bar, x),
    exitMark(lane, middle, small, x),
  ].join('\n');
}

const line = (from: number, to: number, y: number, colour: string): string =>
  `<line x1="${from.toFixed(1)}" y1="${y}" x2="${to.toFixed(1)}" y2="${y}" stroke="${colour}"/>`;

interface Band {
  readonly y: number;
  readonly h: number;
}

interface Bar {
  readonly at: number;
  readonly until: number;
  readonly mark: Mark;
  readonly pages: number;
}

/** Neighbours of one kind that no eye could tell apart become one bar. */
function joined(events: readonly TraceEvent[], x: (ns: number) => number): Bar[] {
  const bars: Bar[] = [];
  for (const event of events) {
    const mark = markOf(event);
    if (mark === null || mark === 'claim' || mark === 'refused') continue;
    const pages = mark === 'populate' ? (event.extents ?? 0) * 2 ** (event.order ?? 0) : 0;
    const last = bars[bars.length - 1];
    if (last !== undefined && last.mark === mark && x(event.at) - x(last.until) < 1) {
      const until = Math.max(last.until, event.until);
      bars[bars.length - 1] = { ...last, until, pages: last.pages + pages };
    } else bars.push({ at: event.at, until: event.until, mark, pages });
  }
  return bars;
}

const span = (at: number, until: number): string => `+${formatDuration(at)} to +${formatDuration(until)}`;

function drawBar({ at, until, mark, pages }: Bar, band: Band, x: (ns: number) => number): string {
  const w = Math.max(1.2, x(until) - x(at)).toFixed(1);
  const size = pages === 0 ? '' : ` ${formatPages(pages)}`;
  const [y, h] = mark === 'lock-wait' ? [band.y + band.h / 3, band.h / 3] : [band.y, band.h];
  const title = `<title>${MARKS[mark].name}${size}, ${span(at, until)}</title>`;
  return `<rect x="${x(at).toFixed(1)}" y="${y.toFixed(1)}" width="${w}" height="${h.toFixed(1)}" fill="${MARKS[mark].colour}">${title}</rect>`;
}

interface Stretch {
  readonly at: number;
  readonly until: number;
}

/** How long claims stand that a task has staked; how long it holds the toolstack's lock. */
function stretches(events: readonly TraceEvent[], mark: 'claimed' | 'lock'): Stretch[] {
  const found: Stretch[] = [];
  let since: number | null = null;
  for (const event of events) {
    const begins = mark === 'lock' ? event.kind === 'lock' : markOf(event) === 'claim';
    const ends =
      mark === 'lock'
        ? event.kind === 'unlock'
        : (event.kind === 'claim' && event.extents === 0) || event.what === 'XEN_DOMCTL_destroydomain';
    if (begins) since ??= event.at;
    else if (ends && since !== null) {
      found.push({ at: since, until: event.at });
      since = null;
    }
  }
  if (since !== null) found.push({ at: since, until: events[events.length - 1]!.until });
  return found;
}

function thin({ at, until }: Stretch, y: number, mark: Mark, x: (ns: number) => number): string {
  const w = Math.max(1, x(until) - x(at)).toFixed(1);
  const title = `<title>${MARKS[mark].name}, ${span(at, until)}</title>`;
  return `<rect x="${x(at).toFixed(1)}" y="${y.toFixed(1)}" width="${w}" height="2.5" fill="${MARKS[mark].colour}">${title}</rect>`;
}

/** Claims and refusals take no time that could be seen: a diamond, a triangle. One for each pixel is enough. */
function points(events: readonly TraceEvent[], band: Band, x: (ns: number) => number): string[] {
  const seen = new Set<string>();
  return events.flatMap((event) => {
    const mark = markOf(event);
    if (mark !== 'claim' && mark !== 'refused') return [];
    const cx = x(event.at).toFixed(0);
    if (seen.has(mark + cx)) return [];
    seen.add(mark + cx);
    const what = event.kind === 'claim' ? `claim of ${formatPages(event.extents ?? 0)}` : event.what;
    const title = `<title>${xmlText(visibleLine(what))}${mark === 'refused' ? ' refused' : ''} at +${formatDuration(event.at)}</title>`;
    return [`<path d="M${cx} ${shapeOf(mark, band)}" fill="${MARKS[mark].colour}">${title}</path>`];
  });
}

/** A shape around a place at half a bar's height: a diamond for a claim, a triangle for a refusal. */
export function shapeOf(mark: Mark, { y, h }: Band): string {
  const r = Math.min(5, h / 2);
  const middle = y + h / 2;
  return mark === 'claim'
    ? `${(middle - r).toFixed(1)}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`
    : `${(middle - r).toFixed(1)}l${r} ${2 * r}h${-2 * r}z`;
}

/** How a command ended, right of its last event. */
function exitMark({ events }: Lane, middle: number, small: boolean, x: (ns: number) => number): string {
  const last = events[events.length - 1]!;
  if (last.kind !== 'end' || last.rc === undefined || last.rc === 0) return '';
  const text = last.rc > 0 ? `exit ${last.rc}` : `rc ${last.rc}`;
  return `<text x="${(x(last.until) + 9).toFixed(1)}" y="${(middle + 4).toFixed(1)}" fill="${MARKS.refused.colour}" font-size="${small ? 10 : 11}">${text}</text>`;
}
