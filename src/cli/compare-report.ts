/** Remedies side by side: one row each, as text, as Markdown that reads as text, and the notes below both. */
import { formatDuration } from '../explorer/amount.ts';
import type { Exploration, ExploreReport, Walk } from '../explorer/explore-record.ts';
import type { EndVerdict } from '../explorer/verdict.ts';
import { type Column, layOut } from './columns.ts';
import { grainText, grouped, percent, stopText } from './explore-words.ts';
import { type Paint, visibleLine } from './screen.ts';

/** A cell's value by its column's heading. */
interface CompareColumn extends Column {
  readonly cell: (result: Exploration) => string;
}

/** How much of all orders ends so; `?` where shares are not known but such ends are. */
export function shareOf(result: Exploration, verdicts: readonly EndVerdict[]): number | null {
  const rows = result.outcomes.filter(({ verdict }) => (verdicts as readonly string[]).includes(verdict));
  if (rows.length === 0) return 0;
  return rows.some(({ share }) => share === null)
    ? null
    : rows.reduce((all, { share }) => all + (share ?? 0), 0);
}

/** Of a walk of all orders that was stopped nobody knows how many of those left end how. */
const isCutShort = ({ walk }: Exploration): boolean => walk.strategy === 'exhaustive' && !walk.finished;

const shareCell =
  (...verdicts: EndVerdict[]) =>
  (result: Exploration): string => {
    const share = isCutShort(result) ? null : shareOf(result, verdicts);
    const isAll = result.outcomes.every(({ verdict }) => (verdicts as readonly string[]).includes(verdict));
    return share === null ? '?' : percent(share, isAll);
  };

const time = (ns: number | null | undefined): string =>
  ns === null || ns === undefined ? '-' : formatDuration(ns);
const mark = ({ clock }: Exploration): string => (clock?.order === 'counterexample' ? '^' : '');

/** Exhaustive: states, with a star where they are no more than classes; otherwise samples, which a tilde tells. */
function walkedCell({ walk }: Exploration): string {
  const isExhaustive = walk.strategy === 'exhaustive';
  const n = grouped((isExhaustive ? walk.states : walk.samples) ?? 0);
  return `${isExhaustive ? '' : '~'}${n}${walk.finished ? '' : '+'}${walk.abstract ? '*' : ''}`;
}

const column = (
  heading: string,
  align: Column['align'],
  cell: (result: Exploration) => string,
): CompareColumn => ({ heading, align, cell });

/** The table's columns, in order. */
function columnsOf(results: readonly Exploration[]): CompareColumn[] {
  const hasWorse = results.some((r) => shareOf(r, ['stuck', 'invariant broken']) !== 0);
  return [
    column('Remedy', 'left', (r) => visibleLine(r.title)),
    column('Verdict', 'left', (r) => r.verdict),
    column('Start', 'right', shareCell('safe')),
    column('Refused', 'right', shareCell('early refusal')),
    column('Late', 'right', shareCell('late failure')),
    column('None', 'right', shareCell('none started')),
    ...(hasWorse ? [column('Stuck/broken', 'right', shareCell('stuck', 'invariant broken'))] : []),
    column('States', 'right', walkedCell),
    column(
      'Fails at',
      'right',
      (r) => `${time(r.clock?.first_failure)}${r.clock?.first_failure == null ? '' : mark(r)}`,
    ),
    column('Heap lock', 'right', (r) => time(r.clock?.longest_heap_lock)),
    column('Lock wait', 'right', (r) => time(r.clock?.lock_wait)),
    column('All up at', 'right', (r) => time(r.clock?.last_start)),
  ];
}

/** The table as text, with the notes below it. */
export function compareText(report: ExploreReport, paint: Paint): string {
  const columns = columnsOf(report.results);
  const rows = report.results.map((result) => columns.map(({ cell }) => cell(result)));
  return `${headLine(report)}\n\n${layOut(columns, rows, null, paint)}\n${notes(report).join('\n')}\n`;
}

/** The same as a Markdown table whose columns line up, so that it reads as plain text, too. */
export function compareMarkdown(report: ExploreReport): string {
  const columns = columnsOf(report.results);
  const rows = report.results.map((result) => columns.map(({ cell }) => escapedCell(cell(result))));
  const widths = columns.map(({ heading }, i) =>
    Math.max(3, heading.length, ...rows.map((row) => row[i]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (columns[i]!.align === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = columns.map(({ align }, i) =>
    align === 'left' ? '-'.repeat(widths[i]!) : `${'-'.repeat(widths[i]! - 1)}:`,
  );
  const head = line(columns.map(({ heading }) => heading));
  const body = [head, line(rule), ...rows.map(line)].join('\n');
  return `${escapedText(headLine(report))}\n\n${body}\n\n${notes(report).join('\n')}\n`;
}

/** Text that Markdown and HTML leave alone: whatever could be markup is escaped. */
const escapedText = (text: string): string =>
  text.replace(/[\\`*_[\]<>&|~]/g, (char) => (char === '<' ? '&lt;' : char === '&' ? '&amp;' : `\\${char}`));
/** Cells are our own words and figures: nothing in them is markup but what would end a cell. */
const escapedCell = (text: string): string => text.replace(/[\\|]/g, '\\$&').replaceAll('<', '&lt;');

function headLine({ scenario, twin, block }: ExploreReport): string {
  const name = `${scenario.name}${twin === null ? '' : ` / ${twin}`}`;
  return visibleLine(`${name}: ${block.tasks.join(' and ')} at once (${scenario.file})`);
}

function notes({ results }: ExploreReport): string[] {
  const walks = results.map(({ walk }) => walk);
  const lines: string[] = [];
  if (walks.some(({ strategy }) => strategy === 'exhaustive')) {
    const every = results.some(isCutShort) ? 'Unless marked, every' : 'Every';
    lines.push(
      `${every} order was walked at the grain of ${grainText(walks[0]!.grain)}; a share is how often an order`,
      'ends so if at every point each task that can go on is picked with equal chance.',
    );
  }
  if (walks.some(({ finished }) => !finished)) lines.push('Marked +: the walk was stopped before its end.');
  if (walks.some(({ strategy }) => strategy !== 'exhaustive')) {
    lines.push(
      'Marked ~: orders sampled, not states walked; shares are estimates, with intervals in the full report.',
    );
  }
  lines.push(
    'Start: all start; Refused: somebody is refused before anything of it is populated; Late: a builder fails after it',
    'has begun to populate; None: no builder starts, though one alone would have.',
    "Times are of one run in the clock's order, on the virtual clock (docs/cost-model.md): until the first has failed, the",
    'longest that the heap lock is held, all waiting for locks, and until the last that starts has started.',
  );
  lines.push(...memoryNotes(walks));
  if (results.some(({ clock }) => clock?.order === 'counterexample')) {
    lines.push(
      "Marked ^: the clock's own order does not fail; this is the time of the smallest order that does.",
    );
  }
  if (results.some(isWorseOnTheClock)) {
    lines.push(
      'On the clock, where extents come between extents, nobody starts where at this grain somebody did in every',
      'order that was walked: a finer grain (--grain extents:N) walks such orders, too.',
    );
  }
  return lines;
}

/** What states tell of memory. */
function memoryNotes(walks: readonly Walk[]): string[] {
  const lines: string[] = [];
  if (walks.some(({ ownership, strategy }) => ownership === 'exact' && strategy === 'exhaustive'))
    lines.push('Where memory comes back, states tell whose each frame is (elsewhere no step can see it).');
  const starred = walks.filter(({ abstract }) => abstract);
  if (starred.length === 0) return lines;
  lines.push(
    'Marked *: memory by class: how much of which size is free, not whose each frame is, though it comes back' +
      (starred.some(({ ownership_matters: matters }) => matters)
        ? ' and that may matter: by class nothing is proved.'
        : '; ends are the same.'),
  );
  const [tried] = starred.flatMap(({ exactly }) => exactly ?? []);
  if (tried !== undefined)
    lines.push(
      `Frame by frame these walks were not finished after ${grouped(tried.states)} states (${stopText(tried.stopped)}).`,
    );
  return lines;
}

/** Nobody starts in the clock's order, which no order at the grain that was walked says: there somebody always does. */
export const isWorseOnTheClock = ({ clock, verdict, outcomes }: Exploration): boolean =>
  clock !== null &&
  outcomes.length > 0 &&
  outcomes.every(hasStarted) &&
  clock.started === 0 &&
  clock.failed > 1 &&
  (verdict === 'safe' || verdict === 'early refusal' || verdict === 'late failure');

const hasStarted = ({ lanes }: Exploration['outcomes'][number]): boolean =>
  lanes.some(({ ends }) => ends.some(({ kind }) => kind === 'started'));
