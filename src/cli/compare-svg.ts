/** Remedies side by side as a picture: a bar of how orders end for each, and what it costs beside it. */
import { formatDuration } from '../explorer/amount.ts';
import type { Exploration, ExploreReport } from '../explorer/explore-record.ts';
import type { EndVerdict } from '../explorer/verdict.ts';
import { shareOf } from './compare-report.ts';
import { percent } from './explore-words.ts';
import { clipped, visibleLine } from './screen.ts';

const WIDTH = 1000;
const TOP = 96;
const ROW = 44;
const NAME_X = 20;
const BAR_X = 250;
const BAR_WIDTH = 350;
const BAR_HEIGHT = 22;
/** Where the columns of times end. */
const TIME_COLUMNS = [692, 784, 876, 980];
const HEADINGS = ['fails at', 'heap lock', 'lock wait', 'all up at'];

/** From good to bad; lightness differs as well, for print and for the colour-blind. */
const ENDS: readonly { readonly verdict: EndVerdict; readonly name: string; readonly colour: string }[] = [
  { verdict: 'safe', name: 'all start', colour: '#58a55c' },
  { verdict: 'early refusal', name: 'refused early', colour: '#b9dcb0' },
  { verdict: 'late failure', name: 'fails late', colour: '#e8a33d' },
  { verdict: 'none started', name: 'none starts', colour: '#c62828' },
  { verdict: 'stuck', name: 'stuck', colour: '#6b6b6b' },
  { verdict: 'invariant broken', name: 'broken', colour: '#1b1b1b' },
];

/** The picture as SVG text. */
export function compareSvg(report: ExploreReport): string {
  const { results, scenario, twin, block } = report;
  const height = TOP + results.length * ROW + 58;
  const title = `${scenario.name}${twin === null ? '' : ` / ${twin}`}: ${block.tasks.join(' and ')} at once`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${NAME_X}" y="28" font-size="17" font-weight="bold">${escaped(clipped(visibleLine(title), 96))}</text>`,
    legend(results),
    ...HEADINGS.map(
      (text, i) =>
        `<text x="${TIME_COLUMNS[i]}" y="${TOP - 14}" text-anchor="end" fill="#555">${text}</text>`,
    ),
    `<text x="${BAR_X}" y="${TOP - 14}" fill="#555">of all orders</text>`,
    ...results.map((result, i) => row(result, TOP + i * ROW)),
    footer(report, height - 18),
    '</svg>\n',
  ].join('\n');
}

function legend(results: readonly Exploration[]): string {
  const used = ENDS.filter(({ verdict }) => results.some((r) => shareOf(r, [verdict]) !== 0));
  let x = NAME_X;
  return used
    .map(({ name, colour }) => {
      const item = `<rect x="${x}" y="44" width="13" height="13" fill="${colour}"/><text x="${x + 19}" y="55">${name}</text>`;
      x += 40 + name.length * 7.6;
      return item;
    })
    .join('\n');
}

function row(result: Exploration, y: number): string {
  const { clock } = result;
  const times = [clock?.first_failure, clock?.longest_heap_lock, clock?.lock_wait, clock?.last_start];
  const star = clock?.order === 'counterexample' && clock.first_failure !== null ? '^' : '';
  const shown = times.map((ns, i) =>
    ns === null || ns === undefined ? '–' : `${formatDuration(ns)}${i === 0 ? star : ''}`,
  );
  return [
    `<line x1="${NAME_X}" y1="${y - 4}" x2="${WIDTH - 20}" y2="${y - 4}" stroke="#e8e8e8"/>`,
    `<text x="${NAME_X}" y="${y + 15}" font-weight="bold">${escaped(visibleLine(result.title))}</text>`,
    `<text x="${NAME_X}" y="${y + 31}" fill="#555">${result.verdict}</text>`,
    bar(result, y + 6),
    ...shown.map(
      (text, i) => `<text x="${TIME_COLUMNS[i]}" y="${y + 22}" text-anchor="end">${escaped(text)}</text>`,
    ),
  ].join('\n');
}

/** Shares side by side; where they are not known, which ends there are. */
function bar(result: Exploration, y: number): string {
  const parts = ENDS.map((end) => ({ ...end, share: shareOf(result, [end.verdict]) }));
  const isKnown = parts.every(({ share }) => share !== null);
  const seen = parts.filter(({ share }) => share !== 0);
  let x = BAR_X;
  return seen
    .map(({ colour, share, name }) => {
      const width = (isKnown ? (share ?? 0) : 1 / seen.length) * BAR_WIDTH;
      const text = isKnown ? percent(share ?? 0) : `? ${name}`;
      const label =
        width > text.length * 7.4
          ? `<text x="${(x + width / 2).toFixed(1)}" y="${y + 15.5}" text-anchor="middle" fill="${isDark(colour) ? '#fff' : '#000'}" font-size="12">${escaped(text)}</text>`
          : '';
      const part = `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(1.5, width).toFixed(1)}" height="${BAR_HEIGHT}" fill="${colour}"><title>${escaped(`${name}: ${text}`)}</title></rect>${label}`;
      x += width;
      return part;
    })
    .join('\n');
}

const isDark = (colour: string): boolean => ['#c62828', '#6b6b6b', '#1b1b1b'].includes(colour);

function footer({ results }: ExploreReport, y: number): string {
  const areProved = results.every(({ walk }) => walk.strategy === 'exhaustive' && walk.finished);
  const byClass = results.some(({ walk }) => walk.ownership_matters) ? ', memory by class' : '';
  const what = `${areProved ? 'every order was walked' : 'not every order was walked'}${byClass}`;
  const star = results.some(({ clock }) => clock?.order === 'counterexample')
    ? '; ^ of the smallest order that fails'
    : '';
  const text = `Virtual time of one run in the clock's order${star}; ${what}.`;
  return `<text x="${NAME_X}" y="${y}" fill="#555" font-size="12">${escaped(text)}</text>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
