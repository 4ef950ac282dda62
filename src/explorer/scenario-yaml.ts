/**
 * YAML into plain data, with the place of every key and value; hostile documents are answered, not suffered.
 *
 * The tree is built here and not by the library, so that aliases are counted, cycles are found and depth ends.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLError,
} from 'yaml';
import type { Checked, Place, Problem } from './scenario-problem.ts';

/** A document as plain data. */
export interface YamlTree {
  readonly data: unknown;
  /** Keys that a mapping has twice: the last one is in the data. */
  readonly duplicates: readonly Problem[];
  /** Where the value at a path is; a path that is not there has the place of its nearest parent. */
  readonly placeOf: (path: readonly (string | number)[]) => Place;
  /** Where the key that ends a path is. */
  readonly keyPlaceOf: (path: readonly (string | number)[]) => Place;
}

/** Longest text that is read at all: a scenario is written by hand. */
export const MAX_SCENARIO_CHARS = 4 * 1024 * 1024;
/** Values in a document once its aliases are written out. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 64;

interface Building {
  readonly doc: Document.Parsed;
  readonly lines: LineCounter;
  readonly values: Map<string, number>;
  readonly keys: Map<string, number>;
  readonly open: Set<Node>;
  count: number;
}

/** Thrown while the tree is built and caught below: the offset of what cannot be read, and why. */
class Unreadable extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const pathKey = (path: readonly (string | number)[]): string => JSON.stringify(path.map(String));

/** Reads one YAML document. */
export function parseYaml(text: string): Checked<YamlTree> {
  if (text.length > MAX_SCENARIO_CHARS) {
    return failed({ line: 1, column: 1, message: `is larger than ${MAX_SCENARIO_CHARS / 1024 / 1024} MiB` });
  }
  const deep = tooDeepAt(text);
  if (deep !== null) return failed({ ...deep, message: 'is nested too deeply to be read' });
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, logLevel: 'silent' } as const;
  const [doc, second] = [...parseAllDocuments(text, options)] as readonly (Document.Parsed | undefined)[];
  if (doc === undefined) return failed({ line: 1, column: 1, message: 'is empty: a scenario has steps' });
  const place = (offset: number): Place => placeAt(lines, offset);
  const [broken, double] = [doc.errors.filter(isBreach), doc.errors.filter((error) => !isBreach(error))];
  if (broken.length > 0) {
    return { ok: false, problems: doc.errors.slice(0, 20).map((error) => yamlProblem(error, place)) };
  }
  if (second !== undefined) {
    const at = place(second.range[0]);
    return failed({ ...at, message: 'a scenario file holds one document; a second one starts here' });
  }
  return buildTree(
    doc,
    lines,
    double.map((error) => yamlProblem(error, place)),
  );
}

/**
 * Where brackets, dashes or indentation open more levels than the library's recursion can bear; it would end the
 * process. Counts brackets in text as well, which only hostile text has so many of.
 */
function tooDeepAt(text: string): Place | null {
  const limit = 500;
  let open = 0;
  for (const [i, line] of text.split('\n').entries()) {
    const lead = /^[\s\-?:]*/.exec(line)?.[0].length ?? 0;
    if (lead > limit) return { line: i + 1, column: limit };
    for (const [column, c] of [...line].entries()) {
      if (c === '[' || c === '{') open++;
      else if ((c === ']' || c === '}') && open > 0) open--;
      if (open > limit) return { line: i + 1, column: column + 1 };
    }
  }
  return null;
}

function buildTree(
  doc: Document.Parsed,
  lines: LineCounter,
  duplicates: readonly Problem[],
): Checked<YamlTree> {
  const building: Building = { doc, lines, values: new Map(), keys: new Map(), open: new Set(), count: 0 };
  try {
    const data = build(building, doc.contents, [], 0);
    const lookUp = (map: Map<string, number>, path: readonly (string | number)[]): Place => {
      for (let n = path.length; n >= 0; n--) {
        const offset = (n === path.length ? map : building.values).get(pathKey(path.slice(0, n)));
        if (offset !== undefined) return placeAt(lines, offset);
      }
      return { line: 1, column: 1 };
    };
    const placeOf = (path: readonly (string | number)[]) => lookUp(building.values, path);
    const keyPlaceOf = (path: readonly (string | number)[]) => lookUp(building.keys, path);
    return { ok: true, value: { data, duplicates, placeOf, keyPlaceOf } };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return failed({ ...placeAt(lines, error.offset), message: error.message });
  }
}

function build(b: Building, node: unknown, path: readonly (string | number)[], depth: number): unknown {
  if (node === null || node === undefined) return null;
  const at = (node as Node).range?.[0] ?? 0;
  if (!b.values.has(pathKey(path))) b.values.set(pathKey(path), at);
  if (++b.count > MAX_VALUES) {
    throw new Unreadable(at, `has more than ${MAX_VALUES} values once its aliases are written out`);
  }
  if (depth > MAX_DEPTH) throw new Unreadable(at, `is nested more than ${MAX_DEPTH} deep`);
  if (isScalar(node)) return node.value;
  if (isAlias(node)) return buildAlias(b, node.source, at, path, depth, node.resolve(b.doc));
  const self = node as Node;
  b.open.add(self);
  const value = isSeq(node)
    ? node.items.map((item, i) => build(b, item, [...path, i], depth + 1))
    : buildMap(b, node, at, path, depth);
  b.open.delete(self);
  return value;
}

function buildAlias(
  b: Building,
  source: string,
  at: number,
  path: readonly (string | number)[],
  depth: number,
  target: Node | undefined,
): unknown {
  if (target === undefined) throw new Unreadable(at, `*${source} names an anchor that is not there`);
  if (b.open.has(target)) throw new Unreadable(at, `*${source} contains itself`);
  return build(b, target, path, depth + 1);
}

function buildMap(
  b: Building,
  node: unknown,
  at: number,
  path: readonly (string | number)[],
  depth: number,
): unknown {
  if (!isMap(node)) throw new Unreadable(at, 'is not a value, a list or a mapping');
  const entries: [string, unknown][] = [];
  for (const pair of node.items) {
    if (!isScalar(pair.key)) throw new Unreadable(at, 'a key must be a plain word');
    const key = String(pair.key.value);
    const where = [...path, key];
    b.keys.set(pathKey(where), pair.key.range?.[0] ?? at);
    entries.push([key, build(b, pair.value, where, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

const SAID_BETTER: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab cannot indent: YAML wants spaces',
  DUPLICATE_KEY: 'this key was given before: a mapping names each key once',
};

/** An error after which nobody knows what the rest of the text says. */
const isBreach = (error: YAMLError): boolean => error.code !== 'DUPLICATE_KEY';

function yamlProblem(error: YAMLError, place: (offset: number) => Place): Problem {
  // `free: > 8G` begins a folded text for YAML, and a line that is no text follows.
  const isBound = /^Not a YAML token: |^Block scalar header|block scalar indicator >/.test(error.message);
  const hint = isBound ? ' (a bound stands in quotes: "> 8G")' : '';
  const message = SAID_BETTER[error.code] ?? `YAML: ${error.message}${hint}`;
  return { ...place(error.pos[0]), message };
}

const failed = (problem: Problem): { ok: false; problems: readonly Problem[] } => ({
  ok: false,
  problems: [problem],
});
