/**
 * A YAML document read as far as its shape allows: what is wrong is told once and taken out, and the rest is there for
 * whoever looks at its values, so that one run tells of everything.
 */
import * as v from 'valibot';
import type { Checked, Problem } from './scenario-problem.ts';
import type { YamlTree } from './scenario-yaml.ts';
import { type Slip, slipsOf } from './schema-problems.ts';

type Path = readonly (string | number)[];

/** Problems told of one file; more of them are one mistake many times over. */
const MAX_PROBLEMS = 100;
/** Looks at one document: each takes something out, so that only a stand-in that does not fit could go on for ever. */
const MAX_LOOKS = 200;

/** What could be read. */
export interface ShapeReading<T> {
  /** What is left once everything wrong is taken out; null: nothing that has the form. */
  readonly value: T | null;
  /** In no order. */
  readonly problems: readonly Problem[];
  /** Whether the value at a path is all that the file says there: neither taken out itself nor robbed of a key. */
  readonly isWhole: (path: Path) => boolean;
}

/** What takes the place of a value that cannot be missed; undefined: it can, or what it is part of cannot stand without. */
export type StandIn = (path: Path) => unknown;

const keyOf = (path: Path): string => JSON.stringify(path.map(String));

/** Checks a document against `schema` and takes out what does not fit. */
export function readShape<T>(
  schema: v.GenericSchema<T>,
  tree: YamlTree,
  standIn: StandIn = () => undefined,
): ShapeReading<T> {
  const hurt = new Set<string>();
  const problems: Problem[] = [];
  const isWhole = (path: Path): boolean => !hurt.has(keyOf(path));
  let data = tree.data;
  // Each look tells of one unknown key in a mapping, and what is taken out may leave others incomplete.
  for (let look = 0; look < MAX_LOOKS && problems.length < MAX_PROBLEMS; look++) {
    const slips = slipsOf(schema, data, tree);
    if (slips.length === 0) return { value: v.parse(schema, data), problems, isWhole };
    const meant = new Set(slips.flatMap(meantBy));
    const isMeant = ({ kind, path }: Slip): boolean => kind === 'missing' && meant.has(keyOf(path));
    problems.push(...slips.filter((slip) => isWhole(slip.path) && !isMeant(slip)));
    for (const slip of slips) {
      const left = without(data, slip, hurt, standIn);
      if (left === undefined) return { value: null, problems, isWhole };
      data = left;
    }
  }
  return { value: null, problems, isWhole };
}

/** The key that an unknown one stands for: it is missing for no other reason. */
const meantBy = ({ kind, path, meant }: Slip): string[] =>
  kind === 'unknown' && meant !== null ? [keyOf([...path.slice(0, -1), meant])] : [];

/** Checks a document of which all is wanted or nothing; problems come in the order of the text. */
export function checkAgainst<T>(schema: v.GenericSchema<T>, tree: YamlTree): Checked<T> {
  const { value, problems } = readShape(schema, tree);
  if (value !== null && problems.length === 0) return { ok: true, value };
  return { ok: false, problems: inOrder(problems) };
}

/** In the order of the text, each once, and no more than anybody reads. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const order = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const told = new Set<string>();
  const once = order.filter(({ line, column, message }) => {
    const text = `${line}:${column}: ${message}`;
    if (told.has(text)) return false;
    told.add(text);
    return true;
  });
  const more = once.slice(MAX_PROBLEMS);
  if (more.length === 0) return once;
  return [...once.slice(0, MAX_PROBLEMS), { ...more[0]!, message: `and ${more.length} more, from here on` }];
}

/** `data` without what a slip is about; undefined: nothing is left. Notes in `hurt` what that robs. */
function without(data: unknown, slip: Slip, hurt: Set<string>, standIn: StandIn): unknown {
  const above = slip.path.slice(0, -1);
  if (slip.kind === 'unknown') {
    hurt.add(keyOf(above));
    hurt.add(keyOf(slip.path));
    for (const key of meantBy(slip)) hurt.add(key);
    return replaced(data, slip.path, undefined);
  }
  const isMissing = slip.kind === 'missing';
  // What was taken out with something else is taken care of.
  if (valueAt(data, isMissing ? above : slip.path) === undefined) return data;
  for (let path = slip.path; ; path = path.slice(0, -1)) {
    const parent = path.slice(0, -1);
    hurt.add(keyOf(path));
    hurt.add(keyOf(parent));
    const stand = standIn(path);
    if (stand !== undefined) return replaced(data, path, stand);
    if (path.length === 0) return undefined;
    // A list without one of its items, or a mapping without a key that it must have, is not what was written.
    if (valueAt(data, path) !== undefined && !Array.isArray(valueAt(data, parent)))
      return replaced(data, path, undefined);
  }
}

const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) => (value === null ? undefined : (value as Record<string, unknown> | undefined)?.[key]),
    data,
  );

/** A copy of `data` with another value at `path`; undefined takes the key away. */
function replaced(data: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(data))
    return data.map((item, i) => (i === Number(key) ? replaced(item, rest, value) : item));
  if (typeof data !== 'object' || data === null) return data;
  const inner = replaced((data as Record<string, unknown>)[key], rest, value);
  const others = Object.entries(data).filter(([name]) => name !== String(key));
  return Object.fromEntries(inner === undefined ? others : [...others, [String(key), inner]]);
}
