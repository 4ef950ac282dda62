/**
 * The tokens of xl's config grammar. Models tools/libs/util/libxlu_cfg_l.l.
 *
 * The text holds one byte per character. The longest match wins; a byte no token starts with is a lexical error that
 * swallows what follows up to the next blank.
 */
import { quoteFault } from './xlu-cfg-dequote.ts';
import { numberEnd, stringEnd } from './xlu-cfg-value.ts';

/** Token kinds, as the grammar names them. */
export const TOKEN = {
  end: 0,
  ident: 1,
  string: 2,
  number: 3,
  newline: 4,
  comma: 5,
  open: 6,
  close: 7,
  assign: 8,
  semicolon: 9,
  append: 10,
} as const;
export type Token = (typeof TOKEN)[keyof typeof TOKEN];

/** How a syntax error names each kind. */
export const TOKEN_NAMES: readonly string[] = [
  '$end',
  'IDENT',
  'STRING',
  'NUMBER',
  'NEWLINE',
  "','",
  "'['",
  "']'",
  "'='",
  "';'",
  '+=',
];

/** A scanner and its reports. Xen: CfgParseContext and flex's scanner state. */
export interface Lexer {
  /** The config's name as reports print it. */
  readonly source: string;
  readonly text: string;
  /** Complete report lines, in order. */
  readonly reports: string[];
  pos: number;
  /** Xen: yylineno. */
  lineno: number;
  /** Where the last token is: flex's yytext. */
  start: number;
  end: number;
  /** The line the last token is reported at. Xen: yylloc->first_line. */
  firstLine: number;
  /** The line of the last lexical error; nothing more is reported up to it. */
  lexerrLineno: number;
  likelyPython: boolean;
  err: boolean;
  /** The real program's assertion has failed: it ends here by SIGABRT. */
  aborted: boolean;
}

export function newLexer(source: string, text: string): Lexer {
  return {
    source,
    text,
    reports: [],
    pos: 0,
    lineno: 1,
    start: 0,
    end: 0,
    firstLine: 1,
    lexerrLineno: 0,
    likelyPython: false,
    err: false,
    aborted: false,
  };
}

/** Reports an error near the current token, at `line`. Models xlu__cfg_yyerror(). */
export function yyerror(lexer: Lexer, line: number, message: string): void {
  if (line <= lexer.lexerrLineno) return;
  let end = lexer.end;
  let shown = line;
  const newline = end > lexer.start && lexer.text[end - 1] === '\n';
  if (newline) {
    end--;
    shown--;
  }
  while (end > lexer.start && (lexer.text[end - 1] === ' ' || lexer.text[end - 1] === '\t')) end--;
  const text = lexer.text.slice(lexer.start, end);
  const nul = text.indexOf('\0');
  const near = newline && text === '' ? '<newline>' : `\`${nul < 0 ? text : text.slice(0, nul)}'`;
  lexer.reports.push(`${lexer.source}:${shown}: config parsing error near ${near}: ${message}\n`);
  lexer.err = true;
}

/** Reports at the scanner's own line, and silences later reports up to it. Models xlu__cfgl_lexicalerror(). */
export function lexicalError(lexer: Lexer, message: string): void {
  yyerror(lexer, lexer.lineno, message);
  lexer.lexerrLineno = Math.max(lexer.lexerrLineno, lexer.lineno);
}

const isLower = (c: number): boolean => c >= 97 && c <= 122;
const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isBlank = (c: number): boolean => c === 32 || c === 9;

const isIdent = (c: number): boolean => isLower(c) || isDigit(c) || c === 46 || c === 95;

function got(lexer: Lexer, token: Token, end: number): Token {
  lexer.pos = end;
  lexer.end = end;
  lexer.firstLine = lexer.lineno;
  return token;
}

/** A newline, or a comment up to and including its newline. It is reported at its own line. */
function gotNewline(lexer: Lexer, end: number): Token {
  got(lexer, TOKEN.newline, end);
  lexer.lineno++;
  return TOKEN.newline;
}

function gotString(lexer: Lexer, end: number): Token {
  got(lexer, TOKEN.string, end);
  // After an error nothing is stored, so that strings are no longer looked into.
  if (lexer.err) return TOKEN.string;
  const fault = quoteFault(lexer.text, lexer.start, end);
  if (fault !== null && 'abort' in fault) lexer.aborted = true;
  else if (fault !== null) lexicalError(lexer, fault.error);
  return TOKEN.string;
}

/**
 * A byte that starts no token. Returns a NEWLINE if the error swallowed one, null to scan on. A bad byte that is the
 * last of the text matches nothing more and is dropped without a report.
 */
function badByte(lexer: Lexer, c: number): Token | null {
  const { text } = lexer;
  if (c === 43 || c === 45 || c === 46 || c === 40 || c === 41 || c === 58) lexer.likelyPython = true;
  let end = lexer.start + 1;
  if (end >= text.length) {
    lexer.pos = end;
    return null;
  }
  const next = text.charCodeAt(end);
  if (next === 10) {
    lexer.pos = end + 1;
    lexer.end = end + 1;
    lexer.lineno++;
    lexicalError(lexer, 'lexical error');
    lexer.firstLine = lexer.lineno;
    return TOKEN.newline;
  }
  if (isBlank(next)) {
    end++;
  } else {
    while (end < text.length && !isBlank(text.charCodeAt(end)) && text.charCodeAt(end) !== 10) end++;
  }
  lexer.pos = end;
  lexer.end = end;
  lexicalError(lexer, 'lexical error');
  return null;
}

/** Scans the token that starts with `c`; null when nothing reaches the parser. */
function scan(lexer: Lexer, c: number): Token | null {
  const { text, start } = lexer;
  let end = start + 1;
  if (isLower(c)) {
    while (end < text.length && isIdent(text.charCodeAt(end))) end++;
    return got(lexer, TOKEN.ident, end);
  }
  if (isDigit(c)) {
    return got(lexer, TOKEN.number, numberEnd(text, start));
  }
  switch (c) {
    case 10:
      return gotNewline(lexer, end);
    case 35: {
      const newline = text.indexOf('\n', end);
      return newline < 0 ? badByte(lexer, c) : gotNewline(lexer, newline + 1);
    }
    case 44:
      return got(lexer, TOKEN.comma, end);
    case 91:
      return got(lexer, TOKEN.open, end);
    case 93:
      return got(lexer, TOKEN.close, end);
    case 61:
      return got(lexer, TOKEN.assign, end);
    case 59:
      return got(lexer, TOKEN.semicolon, end);
    case 43:
      return text.charCodeAt(end) === 61 ? got(lexer, TOKEN.append, end + 1) : badByte(lexer, c);
    case 34:
    case 39: {
      const close = stringEnd(text, start);
      return close < 0 ? badByte(lexer, c) : gotString(lexer, close);
    }
    default:
      return badByte(lexer, c);
  }
}

/** The next token. At the end of the text the location stays that of the last token. Models yylex(). */
export function yylex(lexer: Lexer): Token {
  const { text } = lexer;
  for (;;) {
    while (lexer.pos < text.length && isBlank(text.charCodeAt(lexer.pos))) lexer.pos++;
    lexer.start = lexer.pos;
    lexer.end = lexer.pos;
    if (lexer.pos >= text.length || lexer.aborted) return TOKEN.end;
    const token = scan(lexer, text.charCodeAt(lexer.pos));
    if (token !== null) return token;
  }
}
