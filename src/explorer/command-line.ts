/** A command line into words, as a shell does it without variables and globs. */

export type SplitLine =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Splits at blanks; '…' and "…" keep blanks together, a backslash keeps the next character, # begins a comment. */
export function splitCommandLine(line: string): SplitLine {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote !== null) {
      if (c === quote) quote = null;
      else if (c === '\\' && quote === '"' && i + 1 < line.length) word += line[++i]!;
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= '';
    } else if (c === '\\' && i + 1 < line.length) {
      word = (word ?? '') + line[++i]!;
    } else if (c === ' ' || c === '\t' || c === '\n') {
      if (word !== null) words.push(word);
      word = null;
    } else if (c === '#' && word === null) {
      break;
    } else if ('|<>;&$`'.includes(c)) {
      return {
        ok: false,
        message: `"${c}" needs a shell, and there is none: quote it, or write one command a step`,
      };
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== null) return { ok: false, message: `a quote (${quote}) is not closed` };
  if (word !== null) words.push(word);
  return { ok: true, words };
}
