/**
 * Builds docs/xen-map.md from the comments above exported declarations: `Models free_heap_pages(), xen/common/page_alloc.c`
 * and `Xen: MAX_ORDER`. So the map cannot say what the code does not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface XenMapRow {
  /** Xen's (or libxl's, or xl's) own name, untouched. */
  readonly xen: string;
  /** Where Xen has it, if the comment says so. */
  readonly where: string;
  readonly identifier: string;
  readonly file: string;
}

const MODELS = /Models\s+([A-Za-z_][A-Za-z0-9_]*)(?:\(\))?(?:,\s+([A-Za-z0-9_./-]+\.[a-z]+))?/g;
const XEN = /\bXen:\s+(?:struct\s+)?([A-Za-z_][A-Za-z0-9_]*(?:[.*][A-Za-z0-9_]*)?)(?:\(\))?/g;

function namesOf(node: ts.Node): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map((d) => d.name.getText());
  const named = node as ts.Node & { name?: ts.Node };
  return named.name === undefined ? [] : [named.name.getText()];
}

function commentAbove(node: ts.Node, text: string): string {
  return (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
    .slice(-1)
    .map((range) => text.slice(range.pos, range.end).replace(/\s*\n\s*\*?\s*/g, ' '))
    .join('');
}

function rowsOf(file: string): XenMapRow[] {
  const text = readFileSync(file, 'utf8');
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const rows: XenMapRow[] = [];
  for (const node of parsed.statements) {
    const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
    if (!modifiers.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) continue;
    const comment = commentAbove(node, text);
    for (const identifier of namesOf(node)) {
      for (const [, xen, where] of comment.matchAll(MODELS))
        rows.push({ xen: xen!, where: where ?? '', identifier, file });
      for (const [, xen] of comment.matchAll(XEN)) rows.push({ xen: xen!, where: '', identifier, file });
    }
  }
  return rows;
}

/** Every Xen name that an exported declaration under src says it models, sorted by name. */
export function xenMapRows(): XenMapRow[] {
  const files = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  const rows = files.flatMap(rowsOf);
  const key = (row: XenMapRow): string => `${row.xen.toLowerCase()} ${row.file} ${row.identifier}`;
  const unique = new Map(rows.map((row) => [key(row), row]));
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** The whole text of docs/xen-map.md. */
export function xenMapText(): string {
  const lines = xenMapRows().map(
    ({ xen, where, identifier, file }) =>
      `| \`${xen}\` | ${where === '' ? '' : `\`${where}\``} | \`${identifier}\` | [${file}](../${file}) |`,
  );
  return [
    '# From a Xen name to its place here',
    '',
    'Made from the comments in the code by `npm run docs:xen-map`; a test fails when it is out of date.',
    '',
    '| Xen, libxl or xl | where there | here | file |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
