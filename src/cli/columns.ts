/** Rows of text under headings, laid out by cli-table3, which knows how wide a terminal shows each character. */
import Table from 'cli-table3';
import type { Paint } from './screen.ts';

/** A column: its heading, and on which side its cells line up. */
export interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
}

/** No lines between cells, two blanks between columns; nothing is ever cut. */
const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

/** Lays out a table: headings, rows, and a last row set off by a rule when there is one. Ends in a newline. */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total: readonly string[] | null,
  paint: Paint,
): string {
  const table = new Table({
    head: columns.map((column) => column.heading),
    colAligns: columns.map((column) => column.align),
    chars: BORDERLESS,
    // Colours of its own would be decided without regard to ours.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of total === null ? rows : [...rows, total]) table.push([...row]);
  const [heading = '', ...body] = table.toString().split('\n');
  const lines = [paint.heading(heading.trimEnd()), ...body.map((line) => line.trimEnd())];
  if (total !== null) {
    // Headings are ASCII, so that the padded line of headings is as long as the table is wide.
    lines.splice(-1, 0, paint.faint('-'.repeat(heading.length)));
  }
  return `${lines.join('\n')}\n`;
}

/** Numbers of one column: all of them whole, or all with two decimals, so that the points line up. */
export function aligned(values: readonly (number | string)[]): string[] {
  const areWhole = values.every((value) => typeof value === 'string' || Number.isInteger(value));
  return values.map((value) =>
    typeof value === 'string' ? value : areWhole ? String(value) : value.toFixed(2),
  );
}
