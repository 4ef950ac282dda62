/** Every recording of real Xen's allocator replays with every answer equal, and what is no recording never passes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { conform } from '../../src/cli/conform.ts';

const RECORDINGS = join(import.meta.dirname, 'heap');
const dir = mkdtempSync(join(tmpdir(), 'xlsim-conform-'));
afterAll(() => rmSync(dir, { recursive: true }));

interface Run {
  readonly code: number;
  readonly out: string[];
  readonly err: string[];
}

function run(paths: readonly string[], stdin = ''): Run {
  const out: string[] = [];
  const err: string[] = [];
  const code = conform(paths, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    stdin: () => Buffer.from(stdin),
  });
  return { code, out, err };
}

/** The lines of a small recording: a host of three pages in all. */
const small = (): string[] =>
  gunzipSync(readFileSync(join(RECORDINGS, 'h01-init-one-page-off.jsonl.gz')))
    .toString()
    .trimEnd()
    .split('\n');

function file(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

describe('xlsim conform', () => {
  const names = readdirSync(RECORDINGS).filter((name) => name.endsWith('.jsonl.gz'));

  it('has the recordings', () => {
    expect(names.length).toBe(104);
  });

  it.each(names)('%s', (name) => {
    const { code, out, err } = run([join(RECORDINGS, name)]);
    expect({ code, err, last: out.at(-1) }).toEqual({ code: 0, err: [], last: '1 passed, 0 failed' });
  });

  it('reads plain text and standard input as well', () => {
    const text = `${small().join('\n')}\n`;
    expect(run([file('plain.jsonl', text)]).code).toBe(0);
    expect(run(['-'], text).out[0]).toContain('<stdin>');
  });

  it('names line, field, expected and got of the first divergence and exits 1', () => {
    const lines = small();
    lines[1] = lines[1]!.replace(/"totalAvail":(\d+)/, '"totalAvail":77');
    const { code, out } = run([file('changed.jsonl', `${lines.join('\n')}\n`)]);
    expect(code).toBe(1);
    expect(out[0]).toMatch(/changed\.jsonl:2: totalAvail: expected 77, got 3$/);
    expect(out[1]).toBe('0 passed, 1 failed');
  });

  const broken: readonly (readonly [string, () => string | Buffer, RegExp])[] = [
    ['an empty file', () => '', /the file is empty/],
    ['a file cut off inside a line', () => small().join('\n').slice(0, -5), /the last line is cut off/],
    ['a header alone', () => `${small()[0]}\n`, /no operation/],
    ['a broken line', () => `${small()[0]}\n{"op":\n`, /:2: the line is not JSON/],
    ['an unknown operation', () => `${small()[0]}\n{"op":"dance"}\n`, /:2: op/],
    ['another format', () => '{"format":"other","version":1}\n{}\n', /:1: not a xen-heap-trace/],
    [
      'a newer version',
      () => `${small()[0]!.replace('"version":1', '"version":2')}\n{}\n`,
      /:1: not a xen-heap-trace/,
    ],
    [
      'an operation without its answer',
      () => `${small()[0]}\n{"op":"claim","id":1,"pages":0}\n`,
      /there is no domain 1/,
    ],
    ['binary data', () => Buffer.from([0, 255, 254, 1]), /it is not text/],
    ['a compressed file cut off', () => gzipSync(`${small().join('\n')}\n`).subarray(0, 60), /cut off/],
  ];
  it.each(broken)('refuses %s with exit 2', (_what, content, message) => {
    const { code, out, err } = run([file('bad.jsonl', content())]);
    expect(code).toBe(2);
    expect(err).toHaveLength(1);
    expect(err[0]).toMatch(message);
    expect(out.at(-1)).toBe('0 passed, 0 failed, 1 not a recording');
  });

  it('refuses a check without its digest, so that a weakened recording cannot pass', () => {
    const lines = small();
    lines[1] = lines[1]!.replace(/,"freeListSha256":"[0-9a-f]+"/, '');
    expect(run([file('weak.jsonl', `${lines.join('\n')}\n`)]).code).toBe(2);
  });

  it('says of a missing file that there is none, with control characters escaped', () => {
    const { code, err } = run([join(dir, 'no\u001b[31mfile')]);
    expect(code).toBe(2);
    expect(err[0]).toContain('no\\x1b[31mfile: cannot be read as a recording: no such file');
  });
});
