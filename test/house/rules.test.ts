/**
 * The rules of the house that no linter knows (docs/architecture.md): sizes, names, purity.
 * Imports between layers are checked by `npm run check:layers`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

interface Source {
  readonly file: string;
  readonly text: string;
}

function sourcesUnder(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
}

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;

const lineCount = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

function tooLongFiles(sources: readonly Source[]): string[] {
  return sources
    .filter(({ text }) => lineCount(text) > MAX_FILE_LINES)
    .map(({ file, text }) => `${file}: ${lineCount(text)} lines`);
}

function tooLongFunctions(sources: readonly Source[]): string[] {
  const found: string[] = [];
  for (const { file, text } of sources) {
    const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
        const from = parsed.getLineAndCharacterOfPosition(node.getStart()).line;
        const to = parsed.getLineAndCharacterOfPosition(node.getEnd()).line;
        const lines = to - from + 1;
        if (lines > MAX_FUNCTION_LINES) found.push(`${file}:${from + 1}: ${lines} lines`);
      }
      ts.forEachChild(node, visit);
    };
    visit(parsed);
  }
  return found;
}

/** Code with comments and string contents blanked, so that a rule about code does not trip over prose. */
function codeOnly(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/[^\n]*/g, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

const IMPURE: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bMath\.random\b/, instead: 'take a prng from the caller' },
  { pattern: /\bnew Date\b|\bDate\.(now|parse|UTC)\b/, instead: 'take the virtual time from the step' },
  { pattern: /\bprocess\./, instead: 'only cli sees the process' },
  { pattern: /\bconsole\./, instead: 'ask with a stdout or stderr request' },
  {
    pattern: /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
    instead: 'sleep on the virtual clock',
  },
  { pattern: /\bawait\b|\basync\b|\bPromise\b/, instead: 'a promise cannot be copied: use a task' },
  { pattern: /^(export )?let /m, instead: 'module-level state is shared by two hosts in one process' },
];

function impurities(sources: readonly Source[]): string[] {
  const found: string[] = [];
  for (const { file, text } of sources) {
    const lines = codeOnly(text).split('\n');
    lines.forEach((line, i) => {
      for (const { pattern, instead } of IMPURE) {
        if (pattern.test(line)) found.push(`${file}:${i + 1}: ${line.trim()} (${instead})`);
      }
    });
  }
  return found;
}

function reExports(sources: readonly Source[]): string[] {
  return sources
    .filter(({ text }) => /^export\s+(\*|\{[^}]*\})\s+from\s/m.test(codeOnly(text)))
    .map(({ file }) => file);
}

/**
 * Generators, which cannot be copied: none below the explorer; there none but work that goes in slices (sliced.ts), of which
 * nobody takes a copy.
 */
function generators(sources: readonly Source[]): string[] {
  const found: string[] = [];
  for (const { file, text } of sources) {
    const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    const visit = (node: ts.Node): void => {
      if ('asteriskToken' in node && node.asteriskToken !== undefined && ts.isFunctionLike(node)) {
        const isSliced = node.type?.getText().startsWith('Sliced<') === true;
        const line = parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1;
        if (!isSliced || !file.startsWith('src/explorer/')) found.push(`${file}:${line}: use a task`);
      }
      ts.forEachChild(node, visit);
    };
    visit(parsed);
  }
  return found;
}

const VAGUE = /\/(index|utils?|helpers?|types|misc|common|shared)\.ts$/;

const all = sourcesUnder('src');
const pure = all.filter(({ file }) => /^src\/(hypervisor|toolstack|explorer)\//.test(file));

describe('the house', () => {
  it('keeps every file at 400 lines or fewer', () => {
    expect(tooLongFiles(all)).toEqual([]);
  });

  it('keeps every function at 70 lines or fewer', () => {
    expect(tooLongFunctions(all)).toEqual([]);
  });

  it('keeps clocks, chance, promises and the process out of the pure layers', () => {
    expect(impurities(pure)).toEqual([]);
  });

  it('keeps generators out of what is copied', () => {
    expect(generators(pure)).toEqual([]);
  });

  it('has no re-exports: a thing is imported from the file that owns it', () => {
    expect(reExports(all)).toEqual([]);
  });

  it('has no files named after nothing', () => {
    expect(all.filter(({ file }) => VAGUE.test(file)).map(({ file }) => file)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const bad = (text: string): Source[] => [{ file: 'src/hypervisor/bad.ts', text }];

  it('find a file of 401 lines', () => {
    expect(tooLongFiles(bad('\n'.repeat(401)))).toHaveLength(1);
    expect(tooLongFiles(bad('\n'.repeat(400)))).toHaveLength(0);
  });

  it('find a function of 71 lines', () => {
    expect(tooLongFunctions(bad(`function f() {${'\n'.repeat(70)}}`))).toHaveLength(1);
    expect(tooLongFunctions(bad(`const f = () => {${'\n'.repeat(69)}};`))).toHaveLength(0);
  });

  it('find each impurity in code, and none in comments or strings', () => {
    expect(impurities(bad('const x = Math.random();'))).toHaveLength(1);
    expect(impurities(bad('const t = Date.now();'))).toHaveLength(1);
    expect(impurities(bad('let counter = 0;'))).toHaveLength(1);
    expect(impurities(bad("// Math.random\nconst s = 'await Date.now()';"))).toEqual([]);
  });

  it('find a generator that is none of slices, and any where tasks live', () => {
    const found = (text: string, folder = 'explorer') =>
      generators([{ file: `src/${folder}/bad.ts`, text }]).length;
    const sliced = 'function* f(): Sliced<void> { yield 1; }';
    expect([found(sliced), found(sliced, 'toolstack'), found(sliced, 'hypervisor')]).toEqual([0, 1, 1]);
    expect(found('function* f() { yield 1; }')).toBe(1);
    expect(found('const f = function* (): Generator<number> {};')).toBe(1);
    expect(found('const o = { *f() {} };')).toBe(1);
    expect(found('// function* f() {}')).toBe(0);
  });

  it('find a re-export', () => {
    expect(reExports(bad("export { a } from './a.ts';"))).toHaveLength(1);
    expect(reExports(bad("import { a } from './a.ts';\nexport const b = a;"))).toHaveLength(0);
  });
});
