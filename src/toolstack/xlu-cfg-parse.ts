/**
 * The productions of xl's config grammar. Models tools/libs/util/libxlu_cfg_y.y as bison 3 runs it: its lookahead,
 * its error recovery and its limit of 10,000 stacked symbols. Time and memory are linear in the text, and nested lists
 * do not recurse.
 */
import { addSetting, newXluConfig, type XluConfig } from './xlu-cfg.ts';
import {
  type Lexer,
  lexicalError,
  newLexer,
  TOKEN,
  TOKEN_NAMES,
  type Token,
  yyerror,
  yylex,
} from './xlu-cfg-lex.ts';

/**
 * A text read: its settings, or the reports (complete lines, in order). `aborted`: the real program dies by SIGABRT,
 * its assertion's message is the last line.
 */
export type XluReaddata =
  | { readonly ok: true; readonly cfg: XluConfig }
  | { readonly ok: false; readonly stderr: string; readonly aborted: boolean };

const EXPECTING = {
  statement: "$end or IDENT or NEWLINE or ';'",
  ident: "+= or '='",
  operator: "STRING or NUMBER or '['",
  assignment: '$end',
  list: "']'",
} as const;
type Where = keyof typeof EXPECTING;

/** bison refuses to stack more symbols than this. Xen: YYMAXDEPTH. */
const YYMAXDEPTH = 10_000;

/** Simplified: real xl reports without end; this reader stops here and says so. */
const MAX_REPORTS = 100_000;

/** A list that is not closed yet. */
interface OpenList {
  /** Whether it has no value yet. */
  empty: boolean;
  /** Symbols stacked below and including its `[`. */
  readonly depth: number;
  /** What may come: a value (or the end), or a comma (or the end). */
  afterValue: boolean;
}

interface Parser {
  readonly lexer: Lexer;
  readonly cfg: XluConfig;
  /** Lists around the current token, innermost last. */
  readonly open: OpenList[];
  where: Where;
  /** Tokens still to accept before a syntax error is reported again. Xen: yyerrstatus. */
  errstatus: number;
  /** Offsets of the current assignment's name and value, and the value's line. */
  nameStart: number;
  nameEnd: number;
  valueStart: number;
  line: number;
  append: boolean;
  done: boolean;
}

/** Stores a complete assignment, unless something was wrong before. */
function store(parser: Parser): void {
  const { cfg, lexer } = parser;
  parser.where = 'assignment';
  if (lexer.err) return;
  if (!addSetting(cfg, parser)) lexicalError(lexer, 'can\'t add [list] to "string" or vice versa');
}

/** The value of the current assignment begins with the current token. */
function beginValue(parser: Parser): void {
  parser.valueStart = parser.lexer.start;
  parser.line = parser.lexer.firstLine;
}

/** Records that a symbol was shifted. */
const shift = (parser: Parser): void => {
  if (parser.errstatus > 0) parser.errstatus--;
};

/** Throws tokens away up to and including the next NEWLINE. Models bison's recovery with `error NEWLINE`. */
function resynchronise(parser: Parser, token: Token): void {
  parser.open.length = 0;
  parser.errstatus = 3;
  while (token !== TOKEN.newline) {
    if (token === TOKEN.end) {
      parser.done = true;
      return;
    }
    token = yylex(parser.lexer);
  }
  shift(parser);
  parser.where = 'statement';
}

function syntaxError(parser: Parser, token: Token): void {
  if (parser.errstatus === 0) {
    const message = `syntax error, unexpected ${TOKEN_NAMES[token]}, expecting ${EXPECTING[parser.where]}`;
    yyerror(parser.lexer, parser.lexer.firstLine, message);
  }
  // After a complete assignment the file is reduced: no state is left in which an error could be absorbed.
  if (parser.where === 'assignment') parser.done = true;
  else resynchronise(parser, token);
}

/** Whether `depth` stacked symbols are too many; the parse then ends. */
function exhausted(parser: Parser, depth: number): boolean {
  if (depth < YYMAXDEPTH) return false;
  yyerror(parser.lexer, parser.lexer.firstLine, 'memory exhausted');
  parser.done = true;
  return true;
}

function openList(parser: Parser): void {
  const outer = parser.open[parser.open.length - 1];
  // Below the first `[`: the start state, the statements, the name and the operator.
  const below = outer === undefined ? 4 : outer.depth + (outer.empty ? 1 : 4);
  // The `[` and the possibly empty run of newlines after it.
  if (exhausted(parser, below + 2)) return;
  parser.open.push({ empty: true, depth: below + 1, afterValue: false });
  parser.where = 'list';
}

/** A value of the innermost list is complete. */
function addToList(into: OpenList): void {
  into.empty = false;
  into.afterValue = true;
}

function closeList(parser: Parser): void {
  parser.open.pop();
  const outer = parser.open[parser.open.length - 1];
  if (outer === undefined) store(parser);
  else addToList(outer);
}

/** One token inside a list; false when it does not fit. */
function tokenInList(parser: Parser, token: Token, inner: OpenList): boolean {
  switch (token) {
    case TOKEN.newline:
      return true;
    case TOKEN.close:
      closeList(parser);
      return true;
    case TOKEN.comma:
      if (!inner.afterValue) return false;
      inner.afterValue = false;
      return true;
    case TOKEN.open:
      if (inner.afterValue) return false;
      openList(parser);
      return true;
    case TOKEN.string:
    case TOKEN.number:
      if (inner.afterValue) return false;
      if (exhausted(parser, inner.depth + (inner.empty ? 3 : 6))) return true;
      addToList(inner);
      return true;
    default:
      return false;
  }
}

/** One token outside of lists; false when it does not fit. */
function tokenInStatement(parser: Parser, token: Token): boolean {
  const { lexer } = parser;
  switch (parser.where) {
    case 'statement':
      if (token === TOKEN.end) parser.done = true;
      else if (token === TOKEN.ident) {
        parser.nameStart = lexer.start;
        parser.nameEnd = lexer.end;
        parser.where = 'ident';
      } else if (token !== TOKEN.newline && token !== TOKEN.semicolon) return false;
      return true;
    case 'ident':
      if (token !== TOKEN.assign && token !== TOKEN.append) return false;
      parser.append = token === TOKEN.append;
      parser.where = 'operator';
      return true;
    case 'operator':
      beginValue(parser);
      if (token === TOKEN.open) openList(parser);
      else if (token === TOKEN.string || token === TOKEN.number) store(parser);
      else return false;
      return true;
    default:
      if (token === TOKEN.end) parser.done = true;
      else if (token === TOKEN.newline || token === TOKEN.semicolon) parser.where = 'statement';
      else return false;
      return true;
  }
}

const PYTHON_HINT = [
  'warning: Config file looks like it contains Python code.\n',
  'warning:  Arbitrary Python is no longer supported.\n',
  'warning:  See https://wiki.xen.org/wiki/PythonInXlConfig\n',
];

const ASSERTION =
  "xl: libxlu_cfg.c:607: xlu__cfgl_dequote: Assertion `len>=2 && src[0]==src[len-1]' failed.\n";

/** Reads a config. `source` is its name in reports. Models xlu_cfg_readdata(). */
export function xluCfgReaddata(input: { readonly source: string; readonly text: string }): XluReaddata {
  const lexer = newLexer(input.source, input.text);
  const cfg = newXluConfig(input.source, input.text);
  const parser: Parser = {
    lexer,
    cfg,
    open: [],
    where: 'statement',
    errstatus: 0,
    nameStart: 0,
    nameEnd: 0,
    valueStart: 0,
    line: 0,
    append: false,
    done: false,
  };
  while (!parser.done && lexer.reports.length < MAX_REPORTS) {
    const token = yylex(lexer);
    if (lexer.aborted) return { ok: false, stderr: `${lexer.reports.join('')}${ASSERTION}`, aborted: true };
    const inner = parser.open[parser.open.length - 1];
    const fits = inner === undefined ? tokenInStatement(parser, token) : tokenInList(parser, token, inner);
    if (fits) shift(parser);
    else syntaxError(parser, token);
  }
  if (!lexer.err) return { ok: true, cfg };
  if (lexer.reports.length >= MAX_REPORTS) lexer.reports.push(`${input.source}: too many errors\n`);
  if (lexer.likelyPython) lexer.reports.push(...PYTHON_HINT);
  return { ok: false, stderr: lexer.reports.join(''), aborted: false };
}
