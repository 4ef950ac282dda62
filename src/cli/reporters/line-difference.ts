/** Two texts that ought to be the same, line by line. */
import { isLine } from '../../explorer/transcript.ts';

/** Longer texts are shown one after the other: the table of what they share would be too large. */
const MOST_LINES = 400;

/** A line of either text, or of both. */
interface Row {
  readonly mark: ' ' | '-' | '+';
  readonly line: string;
}

/**
 * Both texts in one: lines of both with two blanks before them, those of one alone with `- ` (expected) or `+ ` (got).
 * A line that stands for another (see transcripts) is shown as it was printed. Null: they share no line.
 */
export function lineDifference(expected: string, got: string): string | null {
  const [a, b] = [expected.split('\n'), got.split('\n')];
  if (a.length > MOST_LINES || b.length > MOST_LINES) return null;
  const rows = aligned(a, b);
  if (!rows.some(({ mark }) => mark === ' ')) return null;
  const isBlank = blankTwins(rows);
  return rows.map(({ mark, line }) => `${mark} ${isBlank(line) ? shownBlanks(line) : line}`).join('\n');
}

/** The longest common subsequence; where there is a choice, what was expected comes first. */
function aligned(a: readonly string[], b: readonly string[]): Row[] {
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const skip = Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
      const both = isLine(a[i]!, b[j]!) ? longest[(i + 1) * width + j + 1]! + 1 : 0;
      longest[i * width + j] = Math.max(skip, both);
    }
  }
  const rows: Row[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const here = longest[i * width + j]!;
    const isBoth = i < a.length && j < b.length && isLine(a[i]!, b[j]!);
    if (isBoth && here === longest[(i + 1) * width + j + 1]! + 1) {
      rows.push({ mark: ' ', line: b[j++]! });
      i++;
    } else if (i < a.length && here === longest[(i + 1) * width + j]!) {
      rows.push({ mark: '-', line: a[i++]! });
    } else rows.push({ mark: '+', line: b[j++]! });
  }
  return rows;
}

const BLANKS = /\s+/g;

/** Whether a line is one of those of which another differs only by what nobody sees. */
function blankTwins(rows: readonly Row[]): (line: string) => boolean {
  const plain = (mark: string): Set<string> =>
    new Set(rows.filter((row) => row.mark === mark).map(({ line }) => line.replace(BLANKS, ' ').trim()));
  const [lost, found] = [plain('-'), plain('+')];
  return (line) => {
    const text = line.replace(BLANKS, ' ').trim();
    return lost.has(text) && found.has(text);
  };
}

/** Tabs by name, and a dot for each blank where there are several or at the end. */
const shownBlanks = (line: string): string =>
  line.replaceAll('\t', '\\t').replace(/ {2,}| +$/g, (blanks) => '·'.repeat(blanks.length));
