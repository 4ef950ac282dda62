/** An exploration as text: the verdict first, then what it rests on, how orders end, and the smallest bad one. */
import type { Counterexample, Exploration, ExploreReport, Walk } from '../explorer/explore-record.ts';
import { VERDICT_TEXT } from '../explorer/verdict.ts';
import { type Column, layOut } from './columns.ts';
import { isWorseOnTheClock } from './compare-report.ts';
import { againLine, grainText, grouped, laneText, shareText, walkText } from './explore-words.ts';
import { type Paint, visible, visibleLine } from './screen.ts';

/** What helps a walk that did not come to its end. */
const furtherText = (walk: Walk): string => {
  const { strategy, reduction, grain, stopped, exactly } = walk;
  const isSampled = strategy !== 'exhaustive';
  const more = MORE[stopped ?? exactly?.stopped ?? ''];
  const ways = [
    ...(isByClassOnly(walk) && exactly === null ? ['--ownership auto'] : []),
    'smaller guests or fewer',
    // There is none above.
    ...(grain === 'hypercall' ? [] : ['a coarser --grain']),
    ...(isSampled || reduction ? [] : ['--reduction on']),
    ...(isSampled ? [] : ['--strategy random']),
    ...(more === undefined ? [] : [more]),
  ];
  return ways.length === 1 ? ways.join() : `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;
};
const MORE: Readonly<Record<string, string>> = {
  time: 'a larger --time-budget',
  states: 'a larger --max-states',
  memory: 'a larger --max-memory (and NODE_OPTIONS=--max-old-space-size=MIB where that of Node is less)',
};
const WORSE =
  'on the clock, where extents come between extents, nobody starts: --grain extents:N walks such orders, too';
const NO_ORDER = 'there was no time to find an order that ends so: a larger --time-budget';
const NOT_PLAYED = 'there was no time to play it on the clock: a larger --time-budget';
const TOO_LONG = 'more happens in it than can be told: smaller guests or fewer, or fewer rounds';
/** Rows shown; the rest is counted. */
const MAX_ROWS = 20;
/** Steps with a column of their own. */
const MAX_COLUMNS = 6;

/** The whole report of one exploration. `replay`: the command that takes the counterexample's order again. */
export function exploreText(
  report: ExploreReport,
  result: Exploration,
  replay: string | null,
  paint: Paint,
): string {
  const { counterexample } = result;
  const parts = [`${paint.heading(result.verdict)}: ${verdictText(result)}\n`, facts(report, result, paint)];
  if (result.outcomes.length > 0) parts.push(outcomeTable(result, paint));
  if (isWorseOnTheClock(result)) parts.push(`${WORSE}\n`);
  const reasons = reasonLines(result);
  if (reasons !== '') parts.push(reasons);
  if (counterexample !== null) parts.push(storyText(counterexample, storyTitle(result), replay, paint));
  else if (result.exit === 1) parts.push(`${NO_ORDER}\n`);
  return parts.join('\n');
}

function verdictText(result: Exploration): string {
  const { not_confirmed: why } = result;
  if (why !== null) return `not confirmed: ${why}`;
  return verdictWords(result);
}

/** All orders were walked, by a class that is not enough. */
const isByClassOnly = (walk: Walk): boolean => walk.finished && walk.ownership_matters;

function verdictWords({ verdict, outcomes, walk }: Exploration): string {
  const has = (kind: string): boolean =>
    outcomes.some(({ lanes }) => lanes.some(({ ends }) => ends.some((end) => end.kind === kind)));
  // Steps that build nothing have no builder to tell of.
  if (verdict === 'early refusal' && !has('refused')) return 'a step fails before it has taken any memory';
  if (verdict === 'late failure' && !has('late')) return 'a step fails after it has taken some memory';
  if (verdict === 'undecided' && walk.samples === 0) return 'no order was taken';
  if (verdict === 'undecided' && outcomes.length > 0) {
    const worst = outcomes.some((row) => row.verdict !== 'safe')
      ? 'nothing worse than an early refusal was met'
      : 'no order that was walked fails';
    return `${worst}, but ${isByClassOnly(walk) ? 'by class, which proves nothing here' : 'not every order was walked'}`;
  }
  return VERDICT_TEXT[verdict];
}

function facts(report: ExploreReport, result: Exploration, paint: Paint): string {
  const { scenario, block, twin } = report;
  const { walk } = result;
  const name = `${scenario.name}${twin === null ? '' : ` / ${twin}`}`;
  const rows: [string, string][] = [
    ['scenario', `${scenario.file} (${name}), "${block.name}": ${tasksText(block.tasks)}`],
    ['remedy', result.remedy === null ? 'none added: the scenario as it is' : result.title],
    ['grain', grainText(walk.grain)],
    ['walked', walkText(walk)],
  ];
  if (walk.guarantee !== null) rows.push(['promise', walk.guarantee]);
  if (walk.strategy !== 'exhaustive' && walk.samples !== 0) rows.push(['again', againLine(report, result)]);
  if (!walk.finished || isByClassOnly(walk)) rows.push(['further', furtherText(walk)]);
  return rows.map(([key, text]) => `${paint.faint(key.padEnd(9))} ${visibleLine(text)}\n`).join('');
}

const tasksText = (tasks: readonly string[]): string =>
  tasks.length === 0 ? 'nothing' : `${tasks.join(', ')}${isOne(tasks) ? '' : ' side by side'}`;

const isOne = ([first, ...others]: readonly string[]): boolean =>
  others.length === 0 && !/^\d+ x /.test(first ?? '');

const left = (heading: string): Column => ({ heading, align: 'left' });
const right = (heading: string): Column => ({ heading, align: 'right' });

function outcomeTable({ outcomes, walk }: Exploration, paint: Paint): string {
  const steps = outcomes[0]?.lanes.map(({ step }) => step) ?? [];
  const isWide = steps.length > MAX_COLUMNS;
  const columns = [
    left('How it ends'),
    ...(isWide ? [left('Who')] : steps.map((step) => left(visibleLine(step)))),
    right(walk.strategy === 'exhaustive' ? 'End states' : 'Samples'),
    right('Of all orders'),
  ];
  const rows = outcomes
    .slice(0, MAX_ROWS)
    .map((row) => [
      row.verdict,
      ...(isWide ? [whoText(row.lanes)] : row.lanes.map(laneText)),
      grouped(row.states ?? row.samples ?? 0),
      shareText(row, outcomes.length === 1),
    ]);
  const more = outcomes.length - rows.length;
  const rest = more > 0 ? `and ${grouped(more)} more kinds of end\n` : '';
  return layOut(columns, rows, null, paint) + rest;
}

/** Many steps in one cell: how many of them fared how. */
function whoText(lanes: Exploration['outcomes'][number]['lanes']): string {
  const counts = new Map<string, number>();
  for (const { ends } of lanes)
    for (const { kind, count } of ends) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

/** Why steps failed, and what is broken, each once. */
function reasonLines({ outcomes }: Exploration): string {
  const lines = new Set<string>();
  for (const { lanes, broken } of outcomes) {
    if (broken !== null) lines.add(`broken: ${visibleLine(broken)}`);
    for (const { step, ends } of lanes) {
      for (const { kind, why } of ends) {
        for (const reason of why) lines.add(`${visibleLine(step)}, ${kind}: ${visibleLine(reason)}`);
      }
    }
  }
  const shown = [...lines].slice(0, MAX_ROWS);
  return shown.map((line) => `${line}\n`).join('');
}

/** Only a walk that keeps all states knows the smallest one. */
const storyTitle = ({ walk, not_confirmed: why }: Exploration): string =>
  why !== null
    ? 'the order that was found and does not end so'
    : walk.strategy === 'exhaustive' && !walk.reduction
      ? walk.finished
        ? 'the smallest order that ends so'
        : 'an order that ends so, the smallest where there was time for it'
      : 'an order that ends so, made small';

function storyText(story: Counterexample, title: string, replay: string | null, paint: Paint): string {
  const switches = `${grouped(story.switches)} context switch${story.switches === 1 ? '' : 'es'}`;
  const width = String(story.story.length).length;
  const lines = story.story.map((line, i) => `${String(i + 1).padStart(width)}  ${visibleLine(line)}\n`);
  const moments = story.moments.map(
    ({ title, tables }) => `\n${paint.heading(visibleLine(title))}\n${visible(tables)}`,
  );
  const other = clockText(story);
  const again = replay === null ? '' : `\n${paint.faint('replay it')}  ${visibleLine(replay)}\n`;
  return `${paint.heading(title)}: ${switches}, ${grouped(story.steps)} steps\n${lines.join('')}${other === '' ? '' : `${other}\n`}${moments.join('')}${again}`;
}

/** How the order fares on the clock, where that is not what is told of it. */
function clockText({ verdict, replays_as, story }: Counterexample): string {
  if (replays_as === null) return NOT_PLAYED;
  if (replays_as !== verdict) {
    return `on the clock this order ends otherwise (${replays_as}): what waits for a time wakes up elsewhere there`;
  }
  return story.length === 0 ? TOO_LONG : '';
}
