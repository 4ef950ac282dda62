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

/** The first characters of a text, at most `count` of them as a person counts, an ellipsis in place of the rest. */
export function clipped(text: string, count: number): string {
  if (text.length <= count) return text;
  const segments = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  return segments.length <= count ? text : `${segments.slice(0, count - 1).join('')}…`;
}

/** A value as JSON; what could hide itself is written as JSON's own escape, so that the value stays the same. */
export const visibleJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSAFE, (char) =>
    char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
