/**
 * A regular expression as a program, and all ways through it at once (K. Thompson, "Regular Expression Search Algorithm",
 * CACM 11, 1968): per code unit of the text each instruction is looked at once at most.
 */
import type { RegexNode } from './regex-syntax.ts';

/** Instructions one after the other. */
type Instruction =
  /** Goes on with the next one behind a code unit that it takes. */
  | { readonly do: 'take'; readonly unit: Unit }
  /** Goes on with the next one at such a place only. */
  | { readonly do: 'stand'; readonly at: '^' | '$' | 'b' | 'B' }
  /** Goes on at each of both. */
  | { readonly do: 'fork'; readonly to: number; readonly or: number }
  | { readonly do: 'jump'; readonly to: number }
  | { readonly do: 'match' };

/** Which code units it takes: one, or those that an expression of one character matches, by what was asked. */
interface Unit {
  readonly code: number;
  readonly regex: RegExp;
  readonly takes: Map<number, boolean>;
}

/** See the file's header. */
export type RegexProgram = readonly Instruction[];

/** Instructions of the largest one. */
const MOST = 10_000;

/** Null: with all its repeats written out it is too large. */
export function emitRegex(node: RegexNode): RegexProgram | null {
  const program: Instruction[] = [];
  if (!emit(program, node, new Map())) return null;
  program.push({ do: 'match' });
  return program;
}

/** Adds instructions for a part. False: there are too many. */
function emit(program: Instruction[], node: RegexNode, units: Map<string, Unit>): boolean {
  if (program.length > MOST) return false;
  switch (node.kind) {
    case 'unit':
      program.push({ do: 'take', unit: unitOf(node.source, units) });
      return true;
    case 'place':
      program.push({ do: 'stand', at: node.at });
      return true;
    case 'all':
      return node.parts.every((part) => emit(program, part, units));
    case 'any':
      return emitAny(program, node.parts, units);
    case 'repeat':
      return emitRepeat(program, node, units);
  }
}

function unitOf(source: string, units: Map<string, Unit>): Unit {
  const known = units.get(source);
  if (known !== undefined) return known;
  const isPlain = source.length === 1 && source !== '.';
  const unit = {
    code: isPlain ? source.charCodeAt(0) : -1,
    regex: isPlain ? /$^/ : new RegExp(`^${source}$`),
    takes: new Map<number, boolean>(),
  };
  units.set(source, unit);
  return unit;
}

function emitAny(program: Instruction[], parts: readonly RegexNode[], units: Map<string, Unit>): boolean {
  const ends: { to: number }[] = [];
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const fork = { do: 'fork' as const, to: program.length + 1, or: 0 };
    if (!isLast) program.push(fork);
    if (!emit(program, part, units)) return false;
    if (isLast) break;
    const end = { do: 'jump' as const, to: 0 };
    program.push(end);
    ends.push(end);
    fork.or = program.length;
  }
  for (const end of ends) end.to = program.length;
  return true;
}

function emitRepeat(
  program: Instruction[],
  { part, min, max }: RegexNode & { readonly kind: 'repeat' },
  units: Map<string, Unit>,
): boolean {
  for (let i = 0; i < min; i++) {
    const before = program.length;
    if (!emit(program, part, units)) return false;
    // Nothing, as often as it may be, is nothing.
    if (program.length === before) return true;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const start = program.length;
    const fork = { do: 'fork' as const, to: start + 1, or: 0 };
    program.push(fork);
    if (!emit(program, part, units)) return false;
    program.push({ do: 'jump', to: start });
    fork.or = program.length;
    return true;
  }
  const forks: { or: number }[] = [];
  for (let i = min; i < max; i++) {
    const fork = { do: 'fork' as const, to: program.length + 1, or: 0 };
    program.push(fork);
    forks.push(fork);
    const before = program.length;
    if (!emit(program, part, units)) return false;
    if (program.length === before) break;
  }
  for (const fork of forks) fork.or = program.length;
  return true;
}

/** Whether it matches anywhere in `text`. */
export function matchesRegex(program: RegexProgram, text: string): boolean {
  const seen = new Int32Array(program.length).fill(-1);
  let here: number[] = [];
  let next: number[] = [];
  for (let at = 0; at <= text.length; at++) {
    // A match may begin anywhere.
    here.push(0);
    const takes = waysAt(program, here, text, at, seen);
    if (takes === null) return true;
    const code = text.charCodeAt(at);
    next.length = 0;
    if (at < text.length) for (const i of takes) if (isTaken(program[i]!, code)) next.push(i + 1);
    [here, next] = [next, here];
  }
  return false;
}

/** Instructions that take what comes next, among all that those in `from` lead to at this place. Null: one is a match. */
function waysAt(
  program: RegexProgram,
  from: number[],
  text: string,
  at: number,
  seen: Int32Array,
): readonly number[] | null {
  const takes: number[] = [];
  for (let i = from.pop(); i !== undefined; i = from.pop()) {
    if (seen[i] === at) continue;
    seen[i] = at;
    const step = program[i]!;
    if (step.do === 'match') return null;
    if (step.do === 'take') takes.push(i);
    else if (step.do === 'jump') from.push(step.to);
    else if (step.do === 'fork') from.push(step.to, step.or);
    else if (standsAt(text, at, step.at)) from.push(i + 1);
  }
  return takes;
}

function isTaken(step: Instruction, code: number): boolean {
  if (step.do !== 'take') return false;
  const { unit } = step;
  if (unit.code >= 0) return unit.code === code;
  const known = unit.takes.get(code);
  if (known !== undefined) return known;
  const isMatch = unit.regex.test(String.fromCharCode(code));
  unit.takes.set(code, isMatch);
  return isMatch;
}

const LINE_END = /^[\n\r\u2028\u2029]?$/;
const WORD = /^\w$/;

function standsAt(text: string, at: number, where: '^' | '$' | 'b' | 'B'): boolean {
  if (where === '^') return LINE_END.test(text.charAt(at - 1));
  if (where === '$') return LINE_END.test(text.charAt(at));
  const isEdge = WORD.test(text.charAt(at - 1)) !== WORD.test(text.charAt(at));
  return isEdge === (where === 'b');
}
