/** The scale of virtual time that lanes and chart of a timeline share. */
import { formatDuration } from '../explorer/amount.ts';

/** Pixels. */
export const WIDTH = 1000;
/** Where time begins: left of it stand names and sizes. */
export const LEFT = 196;
const RIGHT = 64;
/** Where time ends: right of it is room for how a command ended. */
export const END = WIDTH - RIGHT;

/** A stretch of virtual time (ns) over the width of the picture. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  /** The place of a moment, in pixels. */
  readonly x: (ns: number) => number;
}

/** The scale of everything between two moments; one moment alone is widened. */
export function newScale(from: number, until: number): Scale {
  const to = Math.max(until, from + 1);
  return { from, to, x: (ns) => LEFT + ((ns - from) / (to - from)) * (END - LEFT) };
}

const MINUTE = 60e9;
const STEPS_ABOVE_A_MINUTE = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440].map((n) => n * MINUTE);

/** Ticks at round steps: 1, 2 or 5 of a decimal unit, above a minute those of a clock. */
function stepOf({ from, to }: Scale): number {
  const rough = (to - from) / 6;
  const clock = rough > MINUTE / 2 ? STEPS_ABOVE_A_MINUTE.find((step) => step >= rough) : undefined;
  if (clock !== undefined) return clock;
  const unit = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].map((n) => n * unit).find((step) => step >= rough) ?? rough);
}

/** Lines through the whole picture, with their times above the lanes and below the chart. */
export function timeAxis(scale: Scale, top: number, bottom: number): string {
  const step = stepOf(scale);
  const lines: string[] = [];
  for (let t = Math.ceil(scale.from / step) * step; t <= scale.to; t += step) {
    const at = scale.x(t).toFixed(1);
    // +30 m 0 s is +30 m.
    const text = `+${formatDuration(Math.round(t)).replace(/( 0 [ms])+$/, '')}`;
    lines.push(
      `<line x1="${at}" y1="${top}" x2="${at}" y2="${bottom}" stroke="#ececec"/>`,
      `<text x="${at}" y="${top - 5}" text-anchor="middle" fill="#555">${text}</text>`,
      `<text x="${at}" y="${bottom + 20}" text-anchor="middle" fill="#555">${text}</text>`,
    );
  }
  lines.push(
    `<text x="${LEFT - 12}" y="${top - 5}" text-anchor="end" fill="#555">virtual time</text>`,
    `<text x="${LEFT - 12}" y="${bottom + 20}" text-anchor="end" fill="#555">virtual time</text>`,
  );
  return lines.join('\n');
}
