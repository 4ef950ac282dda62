/** Events as a picture: a lane for every task, free and claimed memory below, one scale of virtual time for both. */
import { formatDuration, formatPages } from '../explorer/amount.ts';
import type { TraceEvent } from '../explorer/trace-event.ts';

const WIDTH = 1000;
const LEFT = 190;
const RIGHT = 24;
const LANE = 26;
const TOP = 64;
const CHART = 150;

/** Colour by what goes on; chosen to differ in lightness, too, for print and for the colour-blind. */
const COLOURS: Readonly<Record<string, string>> = {
  populate: '#3b7dd8',
  claim: '#d98c00',
  'lock-wait': '#c9c9c9',
  lock: '#6b6b6b',
  free: '#58a55c',
  hypercall: '#9a7fc7',
  refused: '#c62828',
};
const NAMES: Readonly<Record<string, string>> = {
  populate: 'populate',
  claim: 'claim',
  'lock-wait': 'waits for the lock',
  lock: 'holds the lock',
  free: 'gives back',
  hypercall: 'other hypercalls',
  refused: 'refused',
};

interface Lane {
  readonly task: number;
  readonly name: string;
  readonly events: readonly TraceEvent[];
}

/** The picture as SVG text. Tasks that change nothing have no lane. */
export function timelineSvg(events: readonly TraceEvent[]): string {
  const lanes = lanesOf(events);
  const shown = lanes.flatMap((lane) => lane.events);
  const from = Math.min(...shown.map((e) => e.at), Number.MAX_SAFE_INTEGER);
  const to = Math.max(...shown.map((e) => e.until), from === Number.MAX_SAFE_INTEGER ? 1 : from + 1);
  const start = shown.length === 0 ? 0 : from;
  const x = (ns: number): number => LEFT + ((ns - start) / (to - start)) * (WIDTH - LEFT - RIGHT);
  const chartTop = TOP + lanes.length * LANE + 34;
  const height = chartTop + CHART + 46;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    legend(),
    axis(start, to, x, TOP - 8, chartTop + CHART),
    ...lanes.map((lane, i) => drawLane(lane, TOP + i * LANE, x)),
    memoryChart(shown, x, chartTop),
    '</svg>\n',
  ];
  return parts.join('\n');
}

function lanesOf(events: readonly TraceEvent[]): Lane[] {
  const byTask = new Map<number, TraceEvent[]>();
  for (const event of events) {
    if (!(event.kind in COLOURS) && event.kind !== 'unlock') continue;
    if (event.what.includes('userdata-lock')) continue;
    const own = byTask.get(event.task);
    if (own === undefined) byTask.set(event.task, [event]);
    else own.push(event);
  }
  const lanes = [...byTask].map(([task, own]) => ({ task, name: nameOf(own), events: own }));
  return lanes.filter((lane) => lane.events.some((e) => e.kind !== 'unlock'));
}

/** A lock is let go under the name of no task in particular. */
const nameOf = (own: readonly TraceEvent[]): string => (own.find((e) => e.kind !== 'unlock') ?? own[0]!).name;

function drawLane(lane: Lane, y: number, x: (ns: number) => number): string {
  const label = lane.name.length > 26 ? `${lane.name.slice(0, 25)}…` : lane.name;
  const middle = y + LANE / 2;
  const parts = [
    `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>`,
    `<line x1="${LEFT}" y1="${middle}" x2="${WIDTH - RIGHT}" y2="${middle}" stroke="#e4e4e4"/>`,
    lockBar(lane, y, x),
  ];
  for (const bar of joined(lane.events, x)) {
    const w = Math.max(1.2, x(bar.until) - x(bar.at));
    const title = `${bar.name}: ${NAMES[bar.kind]}, +${formatDuration(bar.at)} to +${formatDuration(bar.until)}`;
    if (bar.kind === 'refused') {
      const cx = x(bar.at);
      parts.push(
        `<path d="M${cx.toFixed(1)} ${y + 1}l5 9h-10z" fill="${COLOURS.refused}"><title>${escaped(title)}</title></path>`,
      );
      continue;
    }
    const [top, h] = bar.kind === 'lock-wait' ? [middle - 3, 6] : [y + 6, LANE - 12];
    parts.push(
      `<rect x="${x(bar.at).toFixed(1)}" y="${top}" width="${w.toFixed(1)}" height="${h}" fill="${COLOURS[bar.kind]}"><title>${escaped(title)}</title></rect>`,
    );
  }
  return parts.join('\n');
}

/** A thin line below what a task does while it holds the toolstack's lock. */
function lockBar(lane: Lane, y: number, x: (ns: number) => number): string {
  const takes = lane.events.filter((e) => e.kind === 'lock');
  return takes
    .map((take) => {
      const release = lane.events.find((e) => e.kind === 'unlock' && e.what === take.what && e.at >= take.at);
      const until = release?.at ?? lane.events[lane.events.length - 1]!.until;
      return `<rect x="${x(take.at).toFixed(1)}" y="${y + LANE - 5}" width="${Math.max(1, x(until) - x(take.at)).toFixed(1)}" height="3" fill="${COLOURS.lock}"/>`;
    })
    .join('\n');
}

interface Bar {
  readonly at: number;
  readonly until: number;
  readonly kind: string;
  readonly name: string;
}

/** Neighbours of one kind that no eye could tell apart become one bar. */
function joined(events: readonly TraceEvent[], x: (ns: number) => number): Bar[] {
  const bars: Bar[] = [];
  for (const { at, until, kind, name } of events) {
    if (kind === 'lock' || kind === 'unlock') continue;
    const last = bars[bars.length - 1];
    if (last !== undefined && last.kind === kind && x(at) - x(last.until) < 1) {
      bars[bars.length - 1] = { ...last, until: Math.max(last.until, until) };
    } else bars.push({ at, until, kind, name });
  }
  return bars;
}

function legend(): string {
  let at = LEFT;
  const items = Object.entries(NAMES).map(([kind, text]) => {
    const item = `<rect x="${at}" y="14" width="12" height="12" fill="${COLOURS[kind]}"/><text x="${at + 17}" y="24">${text}</text>`;
    at += 34 + text.length * 6.6;
    return item;
  });
  return items.join('\n');
}

/** Round steps of time: 1, 2 or 5 of a unit. */
function axis(start: number, to: number, x: (ns: number) => number, top: number, bottom: number): string {
  const rough = (to - start) / 6;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= rough) ?? rough;
  const lines: string[] = [];
  for (let t = Math.ceil(start / step) * step; t <= to; t += step) {
    const at = x(t).toFixed(1);
    lines.push(
      `<line x1="${at}" y1="${top}" x2="${at}" y2="${bottom}" stroke="#efefef"/>`,
      `<text x="${at}" y="${top - 4}" text-anchor="middle" fill="#555">+${formatDuration(Math.round(t))}</text>`,
    );
  }
  return lines.join('\n');
}

/** When an event's figures hold: parts of an allocation add up to its end, all else changes at once. */
const sampledAt = (e: TraceEvent): number => (e.kind === 'populate' || e.kind === 'free' ? e.until : e.at);

/** Free memory as a line, and the part of it that is claimed below that line. */
function memoryChart(events: readonly TraceEvent[], x: (ns: number) => number, top: number): string {
  const samples = events.map((e) => ({ ...e, until: sampledAt(e) })).sort((a, b) => a.until - b.until);
  const most = Math.max(1, ...samples.map((e) => e.free));
  const y = (pages: number): number => top + CHART - (Math.max(0, pages) / most) * CHART;
  const thin: TraceEvent[] = [];
  for (const [i, e] of samples.entries()) {
    const last = thin[thin.length - 1];
    const isFar = last === undefined || x(e.until) - x(last.until) > 0.5;
    if (isFar || i === samples.length - 1) thin.push(e);
  }
  const points = (value: (e: TraceEvent) => number): string =>
    thin.map((e) => `${x(e.until).toFixed(1)},${y(value(e)).toFixed(1)}`).join(' ');
  const base = top + CHART;
  const first = thin.length === 0 ? LEFT : x(thin[0]!.until);
  const last = thin.length === 0 ? LEFT : x(thin[thin.length - 1]!.until);
  return [
    `<text x="${LEFT - 10}" y="${top + 4}" text-anchor="end">${formatPages(most)}</text>`,
    `<text x="${LEFT - 10}" y="${base + 4}" text-anchor="end">0</text>`,
    `<text x="${LEFT}" y="${base + 28}" fill="#3b7dd8">— free</text>`,
    `<text x="${LEFT + 60}" y="${base + 28}" fill="#b87700">■ claimed of it</text>`,
    `<polygon points="${first.toFixed(1)},${base} ${points((e) => e.claimed)} ${last.toFixed(1)},${base}" fill="#f6d9a3"/>`,
    `<polyline points="${points((e) => e.free)}" fill="none" stroke="#3b7dd8" stroke-width="1.6"/>`,
    `<line x1="${LEFT}" y1="${base}" x2="${WIDTH - RIGHT}" y2="${base}" stroke="#999"/>`,
  ].join('\n');
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
