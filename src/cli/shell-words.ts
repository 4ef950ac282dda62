/** Command lines as text and back, with a shell's quotes: what history prints and scripts read. */

/** Words as one line that a POSIX shell, and splitLine(), read as the same words. */
export const shellLine = (words: readonly string[]): string => words.map(quoted).join(' ');

/** Control characters, and what a terminal shows elsewhere or not at all. */
const HIDDEN = /\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!HIDDEN.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escapes = word.replace(new RegExp(`[\\\\']|${HIDDEN.source}`, 'gu'), (char) => {
    if (char === '\\' || char === "'") return `\\${char}`;
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `$'${escapes}'`;
}

/** A line's words, or a sentence about the quote that does not end. `#` at the beginning of a word starts a comment. */
export function splitLine(line: string): readonly string[] | string {
  const words: string[] = [];
  let word: string | null = null;
  let at = 0;
  while (at < line.length) {
    const char = line[at] ?? '';
    if (char === ' ' || char === '\t' || char === '\r') {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
    } else if (char === '#' && word === null) {
      break;
    } else {
      const piece = readPiece(line, at);
      if (piece === null) return 'a quote does not end on this line';
      word = (word ?? '') + piece.text;
      at = piece.end;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

/** One quoted part or one plain character from `at` on; null when its quote does not end. */
function readPiece(line: string, at: number): Piece | null {
  const char = line[at];
  if (char === "'") {
    const close = line.indexOf("'", at + 1);
    return close < 0 ? null : { text: line.slice(at + 1, close), end: close + 1 };
  }
  if (char === '"') return readDouble(line, at + 1);
  if (char === '$' && line[at + 1] === "'") return readEscaped(line, at + 2);
  if (char === '\\' && at + 1 < line.length) return { text: line[at + 1] ?? '', end: at + 2 };
  return { text: char ?? '', end: at + 1 };
}

function readDouble(line: string, from: number): Piece | null {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line[at] ?? '';
    if (char === '"') return { text, end: at + 1 };
    const next = line[at + 1] ?? '';
    if (char === '\\' && '"\\$`'.includes(next) && next !== '') {
      text += next;
      at += 1;
    } else {
      text += char;
    }
  }
  return null;
}

function readEscaped(line: string, from: number): Piece | null {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line[at] ?? '';
    if (char === "'") return { text, end: at + 1 };
    if (char !== '\\') {
      text += char;
      continue;
    }
    const code = /^u([0-9a-f]{4})/i.exec(line.slice(at + 1, at + 6));
    text += code === null ? (line[at + 1] ?? '') : String.fromCharCode(Number.parseInt(code[1] ?? '', 16));
    at += code === null ? 1 : 5;
  }
  return null;
}
