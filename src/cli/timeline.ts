/** Events as a picture: a lane for every task, free and claimed memory below, one scale of virtual time for both. */
import type { TraceEvent } from '../explorer/trace-event.ts';
import { clipped, visibleLine } from './screen.ts';
import { drawLane, lanesOf, MARKS, type Mark, marksIn, shapeOf } from './timeline-lanes.ts';
import { memoryChart, memoryLegend } from './timeline-memory.ts';
import { newScale, timeAxis, WIDTH } from './timeline-scale.ts';
import { xmlText } from './xml-text.ts';

const CHART = 150;
/** Between two charts. */
const GAP = 30;
/** From this many lanes on each has less room. */
const MANY_LANES = 16;
const FONT = 'DejaVu Sans, Helvetica, Arial, sans-serif';

/** The picture of a scenario called `title`, as SVG text. Tasks that change nothing have no lane. */
export function timelineSvg(title: string, events: readonly TraceEvent[]): string {
  const lanes = lanesOf(events);
  const shown = lanes.flatMap((lane) => lane.events).sort((a, b) => a.at - b.at);
  const bounds = shown.reduce(
    ({ from, to }, e) => ({ from: Math.min(from, e.at), to: Math.max(to, e.until) }),
    { from: shown[0]?.at ?? 0, to: 0 },
  );
  const scale = newScale(bounds.from, bounds.to);
  const legend = drawLegend(marksIn(lanes), 48);
  const lane = lanes.length >= MANY_LANES ? 16 : 28;
  const top = legend.bottom + 34;
  const chartTop = top + lanes.length * lane + 30;
  const charts = [...new Set(shown.map(({ host }) => host))].map((host, i) => ({
    host,
    top: chartTop + i * (CHART + GAP),
    events: shown.filter((event) => event.host === host),
  }));
  const chartBottom = chartTop + Math.max(1, charts.length) * (CHART + GAP) - GAP;
  const height = chartBottom + 58;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="${FONT}" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="14" y="24" font-size="15" font-weight="bold">${xmlText(clipped(visibleLine(title), 100))}</text>`,
    legend.svg,
    timeAxis(scale, top - 6, chartBottom),
    ...lanes.map((each, i) => drawLane(each, top + i * lane, lane, scale)),
    ...charts.map(({ events: own, top: at }) => memoryChart(own, at, CHART, scale)),
    ...charts.map(({ host, top: at }) => (host === undefined ? '' : chartName(host, at))),
    memoryLegend(shown, chartBottom + 44),
    '</svg>\n',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

const chartName = (host: string, top: number): string =>
  `<text x="14" y="${top - 8}" font-weight="bold">${xmlText(clipped(visibleLine(host), 26))}</text>`;

/** What the marks mean, in as many rows as it takes. */
function drawLegend(marks: readonly Mark[], top: number): { readonly svg: string; readonly bottom: number } {
  let at = 14;
  let y = top;
  const items = marks.map((mark) => {
    const { name } = MARKS[mark];
    const w = 40 + name.length * 7;
    if (at + w > WIDTH) {
      at = 14;
      y += 20;
    }
    const item = `${swatch(mark, at, y)}<text x="${at + 19}" y="${y}">${name}</text>`;
    at += w;
    return item;
  });
  return { svg: items.join('\n'), bottom: marks.length === 0 ? top - 20 : y };
}

/** A mark as it looks in a lane. */
function swatch(mark: Mark, x: number, y: number): string {
  const { colour } = MARKS[mark];
  if (mark === 'claim' || mark === 'refused')
    return `<path d="M${x + 7} ${shapeOf(mark, { y: y - 10, h: 12 })}" fill="${colour}"/>`;
  const isThin = mark === 'lock' || mark === 'claimed';
  const [top, height] = isThin ? [y - 5, 2.5] : mark === 'lock-wait' ? [y - 6, 4] : [y - 10, 12];
  return `<rect x="${x}" y="${top}" width="14" height="${height}" fill="${colour}"/>`;
}
