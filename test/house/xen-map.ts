/**
 * Builds docs/xen-map.md from the comments in src: `Models free_heap_pages(), xen/common/page_alloc.c` and `Xen: MAX_ORDER`.
 * So the map cannot say what the code does not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface XenMapRow {
  /** Xen's (or libxl's, or xl's) own name, untouched. */
  readonly xen: string;
  /** The file that has it there, if the comment says so. */
  readonly where: string;
  /** The name in camelCase, if the file has it. */
  readonly identifier: string;
  readonly file: string;
}

/** Comments of a file as flowing text. */
function comments(text: string): string[] {
  const blocks = [...text.matchAll(/\/\*\*?([\s\S]*?)\*\//g)].map(([, body]) =>
    body!.replace(/\s*\n\s*\*?\s*/g, ' '),
  );
  const lines = [...text.matchAll(/(?:^|\s)\/\/ ([^\n]*)/g)].map(([, body]) => body!);
  return [...blocks, ...lines];
}

/** What a `Models …` sentence names: functions written with (), and the file they stand in. */
const MODELS = /Models (.*?)(?:\.(?:\s|$)|:\s|;|$)/g;
const FUNCTION = /\b([A-Za-z_][A-Za-z0-9_]*)\(\)/g;
const SOURCE = /\b([A-Za-z0-9_/{},-]+\.(?:c|h|l|y|idl))\b/;
const XEN = /\bXen: (?:struct )?([A-Za-z_][A-Za-z0-9_]*(?:_\*|->[a-z_]+)?)(?![A-Za-z0-9_ ]*\.[ch])/g;

const camelCase = (name: string): string =>
  name.replace(/^_+/, '').replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function identifierIn(text: string, xen: string): string {
  const has = (word: string): boolean =>
    new RegExp(`(^|[^A-Za-z0-9_'])${word}($|[^A-Za-z0-9_'])`, 'm').test(text);
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/[^\n]*/g, '');
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(xen)) return '';
  const camel = camelCase(xen);
  if (new RegExp(`\\b${camel}\\b`).test(code)) return camel;
  return has(xen) && new RegExp(`\\b${xen}\\b`).test(code) ? xen : '';
}

function rowsOf(file: string): XenMapRow[] {
  const text = readFileSync(file, 'utf8');
  const rows: XenMapRow[] = [];
  const add = (xen: string, where: string): void => {
    rows.push({ xen, where, identifier: identifierIn(text, xen), file });
  };
  for (const comment of comments(text)) {
    for (const [, sentence] of comment.matchAll(MODELS)) {
      const where = SOURCE.exec(sentence!)?.[1] ?? '';
      for (const [, name] of sentence!.matchAll(FUNCTION)) add(name!, where);
    }
    // A word without underscore or capitals is prose that follows "Xen:".
    for (const [, name] of comment.matchAll(XEN)) if (/_|[A-Z]/.test(name!)) add(name!, '');
  }
  return rows;
}

/** Every Xen name that a comment under src says is modelled there, sorted by name. */
export function xenMapRows(): XenMapRow[] {
  const files = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  const unique = new Map<string, XenMapRow>();
  for (const row of files.flatMap(rowsOf)) {
    const key = `${row.xen.toLowerCase()} ${row.xen} ${row.file}`;
    const known = unique.get(key);
    if (known === undefined || (known.where === '' && row.where !== '')) unique.set(key, row);
  }
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** The whole text of docs/xen-map.md. */
export function xenMapText(): string {
  const lines = xenMapRows().map(
    ({ xen, where, identifier, file }) =>
      `| \`${xen}\` | ${where === '' ? '' : `\`${where}\``} | ${identifier === '' ? '' : `\`${identifier}\``} | [${file}](../${file}) |`,
  );
  return [
    '# From a Xen name to its place here',
    '',
    'Made from the comments in the code by `npm run docs:xen-map`; a test fails when it is out of date.',
    'A name without an identifier is modelled by the file as a whole, or under the words its comment gives.',
    '',
    '| Xen, libxl or xl | where there | here | file |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
