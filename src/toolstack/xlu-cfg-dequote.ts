/**
 * Quoted strings of the config grammar. Models xlu__cfgl_dequote(), tools/libs/util/libxlu_cfg.c.
 */

const SIMPLE: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The text between the quotes, or the parser's message, or `abort` where the real program's assertion fails. */
export type Dequoted = { readonly text: string } | { readonly error: string } | { readonly abort: true };

const numericalError = (base: string): Dequoted => ({
  error: `invalid digit after backslash ${base}numerical character escape in quoted string`,
});

/** Removes the quotes of `token` (they are included) and resolves its escapes. */
export function dequote(token: string): Dequoted {
  // The parser measures the token as a C string: a NUL ends it before its closing quote.
  if (token.includes('\0')) return { abort: true };
  if (!token.includes('\\')) return { text: token.slice(1, -1) };
  const end = token.length - 1;
  const parts: string[] = [];
  let at = 1;
  while (at < end) {
    const backslash = token.indexOf('\\', at);
    if (backslash < 0 || backslash >= end) break;
    if (backslash > at) parts.push(token.slice(at, backslash));
    const letter = token[backslash + 1] ?? '';
    const simple = SIMPLE[letter];
    at = backslash + 2;
    if (simple !== undefined) {
      parts.push(simple);
    } else if (letter === 'x') {
      return numericalError('hex');
    } else if (letter >= '0' && letter <= '7') {
      // Three characters are read as a decimal number after the first digit is dropped; nothing is produced.
      const digits = /^[ \t\v\f\r]*[+-]?[0-9]+/.exec(token.slice(at, at + 3));
      if (digits === null || digits[0].length < 2) return numericalError('octal');
      at += digits[0].length;
    } else {
      return { error: 'invalid character after backlash in quoted string' };
    }
  }
  parts.push(token.slice(at, end));
  return { text: parts.join('') };
}
