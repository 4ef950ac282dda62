/** The lower half of a timeline: the host's free memory, and how much of it is claimed. */
import { formatPages } from '../explorer/amount.ts';
import type { TraceEvent } from '../explorer/trace-event.ts';
import { END, LEFT, type Scale } from './timeline-scale.ts';

const FREE = '#3b7dd8';
const CLAIMED = '#f6d9a3';
const CLAIMED_EDGE = '#d98c00';

interface Sample {
  readonly at: number;
  readonly free: number;
  readonly claimed: number;
}

/**
 * The host's figures over time. Parts of an allocation add up from its beginning to its end; everything else changes them
 * at once. The figures before either hold until then.
 */
function samplesOf(events: readonly TraceEvent[]): Sample[] {
  const flat = events.map((event, i) => {
    const grows = event.kind === 'populate' || event.kind === 'free';
    const at = grows || event.kind === 'lock-wait' ? event.until : event.at;
    return { at, since: grows ? event.at : at, i, free: event.free, claimed: event.claimed };
  });
  flat.sort((a, b) => a.at - b.at || a.i - b.i);
  const samples: Sample[] = [];
  for (const { at, since, free, claimed } of flat) {
    const last = samples[samples.length - 1];
    const changes = last !== undefined && (last.free !== free || last.claimed !== claimed);
    if (changes && last.at <= since) samples.push({ ...last, at: since });
    samples.push({ at, free, claimed });
  }
  return samples;
}

/** Of every pixel the first, the lowest, the highest and the last figure: what no eye could tell apart is left out. */
function thinned(samples: readonly Sample[], x: (ns: number) => number): Sample[] {
  const kept: Sample[] = [];
  let pixel: Sample[] = [];
  const flush = (): void => {
    const of = (pick: (a: Sample, b: Sample) => boolean): Sample | undefined =>
      pixel.reduce<Sample | undefined>(
        (best, s) => (best === undefined || pick(s, best) ? s : best),
        undefined,
      );
    const wanted = new Set([
      pixel[0],
      of((a, b) => a.free < b.free),
      of((a, b) => a.free > b.free),
      of((a, b) => a.claimed > b.claimed),
      pixel[pixel.length - 1],
    ]);
    wanted.delete(undefined);
    // What is just before a change stays with it: the change is a step, no slope.
    for (const [i, s] of pixel.entries()) if (wanted.has(s) || wanted.has(pixel[i + 1])) kept.push(s);
  };
  let column = Number.NaN;
  for (const sample of samples) {
    const here = Math.floor(x(sample.at));
    if (here !== column) flush();
    if (here !== column) pixel = [];
    column = here;
    pixel.push(sample);
  }
  flush();
  return kept;
}

/** The chart as SVG, `height` pixels from `top` on. */
export function memoryChart(
  events: readonly TraceEvent[],
  top: number,
  height: number,
  { x, from, to }: Scale,
): string {
  const samples = thinned(samplesOf(events), x);
  const [first] = samples;
  const last = samples[samples.length - 1];
  if (first === undefined || last === undefined) return '';
  const all = [{ ...first, at: from }, ...samples, { ...last, at: to }];
  const most = Math.max(1, ...all.map((s) => s.free));
  const base = top + height;
  const y = (pages: number): number => base - (Math.max(0, pages) / most) * height;
  const line = (value: (s: Sample) => number): string =>
    all.map((s) => `${x(s.at).toFixed(1)},${y(value(s)).toFixed(1)}`).join(' ');
  const level = (pages: number): string =>
    `<line x1="${LEFT}" y1="${y(pages)}" x2="${END}" y2="${y(pages)}" stroke="#ececec"/>
<text x="${LEFT - 12}" y="${y(pages) + 4}" text-anchor="end" fill="#555">${pages === 0 ? '0' : formatPages(Math.round(pages))}</text>`;
  const claims = all.some((s) => s.claimed > 0);
  return [
    level(most),
    level(most / 2),
    level(0),
    claims
      ? `<polygon points="${LEFT},${base} ${line((s) => s.claimed)} ${END},${base}" fill="${CLAIMED}"/>`
      : '',
    claims
      ? `<polyline points="${line((s) => s.claimed)}" fill="none" stroke="${CLAIMED_EDGE}" stroke-width="1"/>`
      : '',
    `<polyline points="${line((s) => s.free)}" fill="none" stroke="${FREE}" stroke-width="1.6"/>`,
    `<line x1="${LEFT}" y1="${base}" x2="${END}" y2="${base}" stroke="#999"/>`,
    atTheEnd(last, y, claims),
  ].join('\n');
}

/** The figures at the end, right of the chart; apart from each other where the lines come close. */
function atTheEnd(last: Sample, y: (pages: number) => number, claims: boolean): string {
  const free = y(last.free);
  const claimed = Math.max(y(last.claimed), free + 13);
  const text = (at: number, colour: string, pages: number): string =>
    `<text x="${END + 5}" y="${(at + 4).toFixed(1)}" font-size="10" fill="${colour}">${formatPages(pages)}</text>`;
  const own = text(free, FREE, last.free);
  return claims && last.claimed > 0 ? `${own}\n${text(claimed, CLAIMED_EDGE, last.claimed)}` : own;
}

/** What the chart's lines mean, from `LEFT` on. */
export function memoryLegend(events: readonly TraceEvent[], y: number): string {
  const free = [
    `<line x1="${LEFT}" y1="${y - 4}" x2="${LEFT + 14}" y2="${y - 4}" stroke="${FREE}" stroke-width="2"/>`,
    `<text x="${LEFT + 19}" y="${y}">free memory of the host</text>`,
  ];
  const claimed = [
    `<rect x="${LEFT + 190}" y="${y - 10}" width="14" height="11" fill="${CLAIMED}" stroke="${CLAIMED_EDGE}"/>`,
    `<text x="${LEFT + 209}" y="${y}">claimed (outstanding), part of it</text>`,
  ];
  return [...free, ...(events.some((event) => event.claimed > 0) ? claimed : [])].join('\n');
}
