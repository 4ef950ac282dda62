/**
 * What a terminal may see: colour or not, and text whose control characters are made visible.
 *
 * The colour level is decided here and nowhere else.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether to colour: FORCE_COLOR and NO_COLOR first, then whether a terminal that can is there. */
export function wantsColour(isTerminal: boolean, env: Environment): boolean {
  const force = env.FORCE_COLOR;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return isTerminal && env.TERM !== 'dumb';
}

/** Text in the two colours that tables use; the same text when there is to be no colour. */
export interface Paint {
  readonly heading: (text: string) => string;
  readonly faint: (text: string) => string;
}

const ESC = '\u001b';
export function paint(colour: boolean): Paint {
  const wrap = (on: number, off: number) => (text: string) =>
    colour ? `${ESC}[${on}m${text}${ESC}[${off}m` : text;
  return { heading: wrap(1, 22), faint: wrap(2, 22) };
}

/** C0 without tab and newline, DEL, C1, bidirectional controls and lone surrogates. */
const UNSAFE = /\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

const escaped = (char: string): string => {
  if (char === '\t' || char === '\n') return char;
  const code = char.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

/** Text with whatever could move the cursor or hide itself written as an escape. Tabs and newlines stay. */
export const visible = (text: string): string => text.replace(UNSAFE, escaped);

/** The same for one cell or one line: tabs and newlines are escaped, too. */
export const visibleLine = (text: string): string =>
  visible(text).replace(/[\t\n]/g, (char) => (char === '\t' ? '\\t' : '\\n'));

/** A toolstack's text (one char per byte) as Unicode; bytes that are not UTF-8 become U+FFFD. */
export function fromBytes(text: string): string {
  return /^\p{ASCII}*$/u.test(text) ? text : Buffer.from(text, 'latin1').toString('utf8');
}

/** Unicode as a toolstack keeps it: one char per byte of its UTF-8. */
export function toBytes(text: string): string {
  return /^\p{ASCII}*$/u.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** Ranges of code points that a terminal shows two columns wide (Unicode's East Asian Wide and Fullwidth, emoji). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26a1, 0x26a1],
  [0x26bd, 0x26be],
  [0x26c4, 0x26c5],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x2728, 0x2728],
  [0x274c, 0x274e],
  [0x2753, 0x2757],
  [0x2795, 0x2797],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f1e6, 0x1f1ff],
  [0x1f200, 0x1f320],
  [0x1f32d, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f7e0, 0x1f7eb],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

const isWide = (code: number): boolean => {
  if (code < 0x1100) return false;
  for (const [first, last] of WIDE) if (code >= first && code <= last) return true;
  return false;
};

/** How many columns a terminal uses for one line of visible text. */
export function textWidth(text: string): number {
  if (/^\p{ASCII}*$/u.test(text)) return text.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const code = segment.codePointAt(0) ?? 0;
    if (/^[\p{Mark}\p{Format}]/u.test(segment)) continue;
    width += isWide(code) || segment.includes('\ufe0f') ? 2 : 1;
  }
  return width;
}

/** The first columns of a text, at most `columns` of them, an ellipsis in place of the rest. */
export function clipped(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let out = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, columns * 8))) {
    const next = width + textWidth(segment);
    if (next > columns - 1) break;
    out += segment;
    width = next;
  }
  return `${out}…`;
}
