/** What a schema finds wrong with a YAML document, in words that say what was meant. */
import * as v from 'valibot';
import { didYouMean } from './did-you-mean.ts';
import type { Problem } from './scenario-problem.ts';
import type { YamlTree } from './scenario-yaml.ts';

type Path = readonly (string | number)[];
type Issue = v.BaseIssue<unknown>;

/** A problem of shape: something that is there and should not be, is not there, or is of another kind. */
export interface Slip extends Problem {
  readonly kind: 'unknown' | 'missing' | 'wrong';
  /** Of the key that is unknown or missing, or of the value that is wrong. */
  readonly path: Path;
  /** The key that an unknown one was probably meant to be. */
  readonly meant: string | null;
}

/**
 * What one look at `data` finds, in no order; of the unknown keys of one mapping only the first. `data` is the
 * document's, or what is left of it; `tree` knows the places.
 */
export function slipsOf(schema: v.GenericSchema, data: unknown, tree: YamlTree): Slip[] {
  const lists = listSlips(schema, data, tree, []);
  if (lists.length > 0) return lists;
  const result = v.safeParse(schema, data);
  return result.success ? [] : result.issues.flatMap((issue) => describe(schema, tree, issue, []));
}

/** Lists where a mapping is wanted: for the library a list is a mapping, too. */
function listSlips(schema: v.GenericSchema, data: unknown, tree: YamlTree, path: Path): Slip[] {
  if (typeof data !== 'object' || data === null) return [];
  if (Array.isArray(data)) {
    const wanted = formsAt(schema, path);
    const isWrong = wanted.some(isMapping) && !wanted.some((form) => form.item !== undefined);
    if (isWrong) {
      const message = `${nameOf(path)} must be a mapping of keys to values; it is ${shown(data)}`;
      return [{ ...tree.placeOf(path), kind: 'wrong', path, meant: null, message }];
    }
  }
  const keys = Array.isArray(data) ? data.keys() : Object.keys(data);
  return [...keys].flatMap((key) =>
    listSlips(schema, (data as Record<string | number, unknown>)[key], tree, [...path, key]),
  );
}

const isMapping = (form: AnySchema): boolean => form.entries !== undefined || form.type === 'record';

const pathOf = (issue: Issue): Path => (issue.path ?? []).map((item) => item.key as string | number);

function describe(schema: v.GenericSchema, tree: YamlTree, issue: Issue, above: Path): Slip[] {
  const path = [...above, ...pathOf(issue)];
  if (issue.type === 'union' && issue.issues !== undefined) {
    // Of several forms the one that fits furthest is the one that was meant.
    const inner = issue.issues as readonly Issue[];
    const deepest = inner.filter((i) => pathOf(i).length > 0);
    if (deepest.length > 0) return deepest.flatMap((i) => describe(schema, tree, i, path));
    // Schemas with words of their own (sizes, bounds) know better than the list of types.
    const worded = inner.find((i) => i.kind === 'validation');
    if (worded !== undefined) return describe(schema, tree, worded, path);
  }
  const key = String(path[path.length - 1] ?? '');
  if (issue.expected === 'never') {
    const known = keysAt(schema, path.slice(0, -1));
    const meant = didYouMean(key, known);
    const hint = meant !== null ? `did you mean "${meant}"?` : `known here: ${known.join(', ')}`;
    const message = `unknown key "${key}": ${hint}`;
    return [{ ...tree.keyPlaceOf(path), kind: 'unknown', path, meant, message }];
  }
  if (issue.received === 'undefined' && issue.kind === 'schema') {
    const message = `"${key}" is missing${parentOf(path)}`;
    return [{ ...tree.placeOf(path.slice(0, -1)), kind: 'missing', path, meant: null, message }];
  }
  return [{ ...tree.placeOf(path), kind: 'wrong', path, meant: null, message: sentence(path, issue) }];
}

const parentOf = (path: Path): string => (path.length < 2 ? '' : ` in ${nameOf(path.slice(0, -1))}`);

/** steps[2].expect.host, counted as people count. */
const nameOf = (path: Path): string =>
  path.reduce<string>(
    (text, key) =>
      /^\d+$/.test(String(key)) ? `${text}[${Number(key) + 1}]` : `${text}${text === '' ? '' : '.'}${key}`,
    '',
  );

function sentence(path: Path, issue: Issue): string {
  const subject = path.length === 0 ? 'the file' : nameOf(path);
  if (!issue.message.startsWith('Invalid')) return `${subject} ${issue.message}; it is ${shown(issue.input)}`;
  return `${subject} must be ${expectedWords(issue)}; it is ${shown(issue.input)}`;
}

function expectedWords(issue: Issue): string {
  const kinds: Readonly<Record<string, string>> = {
    Object: 'a mapping of keys to values',
    Array: 'a list',
    string: 'text',
    number: 'a number',
    boolean: 'true or false',
  };
  const parts = (issue.expected ?? '').replace(/[()]/g, '').split(' | ');
  const words = [...new Set(parts.map((part) => kinds[part] ?? part.replaceAll('"', '')))];
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

interface AnySchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly options?: readonly (AnySchema | string)[];
  readonly wrapped?: AnySchema;
  readonly item?: AnySchema;
  readonly value?: AnySchema;
  readonly getter?: (input: unknown) => AnySchema;
}

/** The schema without optional() and lazy() around it; the forms of a union one by one. */
function forms(schema: AnySchema): readonly AnySchema[] {
  if (schema.wrapped !== undefined) return forms(schema.wrapped);
  if (schema.getter !== undefined) return forms(schema.getter(undefined));
  if (schema.type === 'union')
    return (schema.options ?? []).flatMap((o) => (typeof o === 'string' ? [] : forms(o)));
  return [schema];
}

/** What may stand at `path`, form by form. */
function formsAt(schema: v.GenericSchema, path: Path): readonly AnySchema[] {
  let here = forms(schema as unknown as AnySchema);
  for (const key of path) {
    here = here.flatMap((form) => {
      const next =
        form.item ?? form.entries?.[String(key)] ?? (form.type === 'record' ? form.value : undefined);
      return next === undefined ? [] : forms(next);
    });
  }
  return here;
}

/** The keys that a mapping at `path` may have. */
const keysAt = (schema: v.GenericSchema, path: Path): string[] => [
  ...new Set(formsAt(schema, path).flatMap((form) => Object.keys(form.entries ?? {}))),
];
