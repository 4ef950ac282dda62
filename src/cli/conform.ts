/** `xlsim conform FILE…`: replays recordings of real Xen's allocator and says where the model differs. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { XenBug } from '../hypervisor/bug.ts';
import { EXPECTED, parseHeader, parseOp } from './conform-format.ts';
import { type Answers, InvalidRecording, replayOp, startReplay } from './conform-replay.ts';

/** Where the command writes. */
export interface ConformIo {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Everything on stdin, for `-`. */
  readonly stdin: () => Buffer;
}

type Outcome =
  | { readonly kind: 'passed'; readonly ops: number }
  | {
      readonly kind: 'failed';
      readonly line: number;
      readonly field: string;
      readonly expected: unknown;
      readonly got: unknown;
    }
  | { readonly kind: 'invalid'; readonly line: number; readonly why: string };

/** Replays each file. Returns 0, 1 if any diverges, 2 if any is not a recording. */
export function conform(paths: readonly string[], io: ConformIo): number {
  let passed = 0;
  let failed = 0;
  let invalid = 0;
  for (const path of paths) {
    const name = printable(path === '-' ? '<stdin>' : path);
    const outcome = conformFile(path, io);
    if (outcome.kind === 'passed') {
      passed++;
      io.out(`ok   ${name} (${outcome.ops} operations)`);
    } else if (outcome.kind === 'failed') {
      failed++;
      io.out(
        `FAIL ${name}:${outcome.line}: ${outcome.field}: expected ${show(outcome.expected)}, got ${show(outcome.got)}`,
      );
    } else {
      invalid++;
      io.err(`${name}${outcome.line > 0 ? `:${outcome.line}` : ''}: ${outcome.why}`);
    }
  }
  io.out(`${passed} passed, ${failed} failed${invalid > 0 ? `, ${invalid} not a recording` : ''}`);
  return invalid > 0 ? 2 : failed > 0 ? 1 : 0;
}

/** Control characters as escapes, so that a file name cannot drive the terminal. */
const printable = (name: string): string =>
  name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return printable(text.length > 200 ? `${text.slice(0, 200)}…` : text);
};

function conformFile(path: string, io: ConformIo): Outcome {
  let text: string;
  try {
    const raw = path === '-' ? io.stdin() : readFileSync(path);
    const bytes = raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw;
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (e) {
    return { kind: 'invalid', line: 0, why: `cannot be read as a recording: ${reason(e)}` };
  }
  if (text === '') return { kind: 'invalid', line: 0, why: 'the file is empty' };
  if (!text.endsWith('\n')) return { kind: 'invalid', line: 0, why: 'the last line is cut off' };
  const lines = text.slice(0, -1).split('\n');
  return replay(lines);
}

const reason = (e: unknown): string => {
  if (!(e instanceof Error)) return String(e);
  const code = 'code' in e && typeof e.code === 'string' ? e.code : '';
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'Z_BUF_ERROR') return 'the compressed file is cut off';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not text';
  return printable(e.message);
};

function replay(lines: readonly string[]): Outcome {
  const first = asJson(lines[0]!);
  const header = first === undefined ? 'the line is not JSON' : parseHeader(first);
  if (typeof header === 'string')
    return { kind: 'invalid', line: 1, why: `not a xen-heap-trace version 1: ${printable(header)}` };
  if (lines.length === 1) return { kind: 'invalid', line: 1, why: 'the recording holds no operation' };
  const { heap, answers } = startReplay(header);
  const start = compare(answers, first as Answers, 1, ['dmaBits', 'virqTh']);
  if (start !== null) return start;
  for (let i = 1; i < lines.length; i++) {
    const line = asJson(lines[i]!);
    if (line === undefined) return { kind: 'invalid', line: i + 1, why: 'the line is not JSON' };
    const op = parseOp(line);
    if (typeof op === 'string') return { kind: 'invalid', line: i + 1, why: printable(op) };
    let got: Answers;
    try {
      got = replayOp(heap, op);
    } catch (e) {
      if (e instanceof InvalidRecording) return { kind: 'invalid', line: i + 1, why: e.message };
      // A model that stops on its own assertion has diverged, or was asked for what no Xen could have done.
      if (e instanceof XenBug)
        return {
          kind: 'failed',
          line: i + 1,
          field: op.op,
          expected: 'an answer',
          got: `assertion: ${e.message}`,
        };
      throw e;
    }
    const differs = compare(got, line as Answers, i + 1, EXPECTED[op.op]);
    if (differs !== null) return differs;
  }
  return { kind: 'passed', ops: lines.length - 1 };
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The first recorded answer that differs. A missing one makes the file no recording. */
function compare(got: Answers, recorded: Answers, line: number, needed: readonly string[]): Outcome | null {
  for (const field of needed)
    if (!(field in recorded)) return { kind: 'invalid', line, why: `the answer "${field}" is missing` };
  for (const [field, value] of Object.entries(got)) {
    if (field === 'runs' && !('runs' in recorded))
      return { kind: 'invalid', line, why: 'the answer "runs" is missing' };
    if (!(field in recorded) && field !== 'preempted') continue;
    if (!equal(value, recorded[field]))
      return { kind: 'failed', line, field, expected: recorded[field], got: value };
  }
  return null;
}

function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => equal(x, b[i]));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((k) => equal((a as Record<string, unknown>)[k], (b as Record<string, unknown>)[k]))
  );
}
