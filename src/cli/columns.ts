/** Rows of text under headings, in columns that align whatever the width of the characters. */
import { type Paint, textWidth } from './screen.ts';

/** A column: its heading, and on which side its cells line up. */
export interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** Lays out a table: headings, rows, and a last row set off by a rule when there is one. Ends in a newline. */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total: readonly string[] | null,
  paint: Paint,
): string {
  const all = total === null ? rows : [...rows, total];
  const widths = columns.map((column, i) => {
    let width = textWidth(column.heading);
    for (const row of all) width = Math.max(width, textWidth(row[i] ?? ''));
    return width;
  });
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, i) => padded(cells[i] ?? '', widths[i] ?? 0, column.align))
      .join(GAP)
      .trimEnd();
  const lines = [paint.heading(line(columns.map((column) => column.heading))), ...rows.map(line)];
  if (total !== null) {
    const rule = widths.map((width) => '-'.repeat(width)).join(GAP);
    lines.push(paint.faint(rule), line(total));
  }
  return `${lines.join('\n')}\n`;
}

function padded(cell: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(width - textWidth(cell));
  return align === 'left' ? cell + blanks : blanks + cell;
}
