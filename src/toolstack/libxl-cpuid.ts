/**
 * CPUID policies a config asks for. Models libxl_cpuid_parse_config() and libxl_cpuid_parse_config_xend(),
 * tools/libs/light/libxl_cpuid.c, and their caller in tools/xl/xl_parse.c.
 */

import { type CpuidField, type CpuidRegister, cpuidField, msrBit } from './libxl-cpuid-names.ts';
import type { CpuidLeaf, CpuidPolicyList } from './libxl-idl.ts';
import { asUint32, strtoul } from './strtol.ts';

const UNCHANGED = 'x'.repeat(32);

/** What is wrong with a word, by libxl's number for it. */
const FLAG_ERRORS: Readonly<Record<number, string>> = {
  1: 'missing "=" in key=value',
  2: 'unknown CPUID flag name',
  3: 'illegal CPUID value (must be: [0|1|x|k|s])',
};
const LINE_ERRORS: Readonly<Record<number, string>> = {
  1: 'illegal leaf number',
  2: 'illegal subleaf number',
  3: 'missing colon',
  4: 'invalid register name (must be e[abcd]x)',
  5: 'policy string must be exactly 32 characters long',
};

/** A policy list being made, with its leaves by number. */
interface PolicyDraft {
  readonly list: CpuidPolicyList;
  readonly leaves: Map<string, CpuidLeaf>;
}

const draftOf = (list: CpuidPolicyList): PolicyDraft => ({
  list,
  leaves: new Map(list.cpuid.map((entry) => [`${entry.leaf},${entry.subleaf}`, entry])),
});

/** The entry of a leaf, made at its first mention. Models cpuid_find_match(). */
function findMatch(draft: PolicyDraft, leaf: number, subleaf: number | null): CpuidLeaf {
  const key = `${leaf},${subleaf}`;
  let entry = draft.leaves.get(key);
  if (entry === undefined) {
    entry = { leaf, subleaf, eax: null, ebx: null, ecx: null, edx: null };
    draft.list.cpuid.push(entry);
    draft.leaves.set(key, entry);
  }
  return entry;
}

/** Writes `bits`, highest first, so that the last one lands on `bit`. */
function setBits(entry: CpuidLeaf, register: CpuidRegister, bit: number, bits: string): void {
  const old = entry[register] ?? UNCHANGED;
  const end = 32 - bit;
  entry[register] = old.slice(0, end - bits.length) + bits + old.slice(end);
}

const binary = (value: number, length: number): string =>
  (value % 2 ** length).toString(2).padStart(length, '0');

/** A field's value: a number's low bits, or one letter for all of them; null when it is neither. */
function fieldBits(value: string, length: number): string | null {
  const number = strtoul(value, 0);
  if (number.end > 0) {
    const bits = binary(asUint32(number.value), length);
    // In C the mask of bit 31 is negative: it finds every bit from there on.
    return length === 32 && number.value >= 2n ** 31n ? `1${bits.slice(1)}` : bits;
  }
  const letter = value[0];
  if (letter !== 'x' && letter !== 'k' && letter !== 's') return null;
  return letter.repeat(length);
}

function setField(draft: PolicyDraft, field: CpuidField, value: string): number {
  const entry = findMatch(draft, field.leaf, field.subleaf);
  const bits = fieldBits(value, field.length);
  if (bits === null) return 3;
  setBits(entry, field.register, field.bit, bits);
  return 0;
}

/**
 * family and model are spread over leaf 1's eax. A letter counts as number 0 for the choice of what a family's
 * extended bits become; those of a large one are a sum whose highest bit is left as it was.
 */
function setFamilyOrModel(draft: PolicyDraft, name: 'family' | 'model', value: string): number {
  const entry = findMatch(draft, 1, null);
  const bits = fieldBits(value, 8);
  if (bits === null) return 3;
  if (name === 'model') {
    setBits(entry, 'eax', 16, bits.slice(0, 4));
    setBits(entry, 'eax', 4, bits.slice(4));
    return 0;
  }
  const number = strtoul(value, 0);
  const family = number.end > 0 ? number.value : 0n;
  if (family < 16n) {
    setBits(entry, 'eax', 8, bits.slice(4));
    setBits(entry, 'eax', 20, '00000000');
  } else {
    setBits(entry, 'eax', 8, '1111');
    setBits(entry, 'eax', 20, bits.slice(0, 1) + binary(asUint32(family - 15n), 7));
  }
  return 0;
}

function setMsrBit(list: CpuidPolicyList, msr: number, bit: number, value: string): number {
  let entry = list.msr.find((e) => e.index === msr);
  if (entry === undefined) {
    entry = { index: msr, policy: 'x'.repeat(64) };
    list.msr.push(entry);
  }
  if (!/^[01xks]$/.test(value)) return 3;
  const at = 63 - bit;
  entry.policy = entry.policy.slice(0, at) + (value === 's' ? 'k' : value) + entry.policy.slice(at + 1);
  return 0;
}

/** Applies one `name=value`; 0, or the number of the error. Models libxl_cpuid_parse_config(). */
function parseFlag(draft: PolicyDraft, word: string): number {
  const at = word.indexOf('=');
  if (at < 0) return 1;
  const name = word.slice(0, at);
  const value = word.slice(at + 1);
  if (name === 'family' || name === 'model') return setFamilyOrModel(draft, name, value);
  const field = cpuidField(name);
  if (field !== null) return setField(draft, field, value);
  const msr = msrBit(name);
  return msr === null ? 2 : setMsrBit(draft.list, msr.msr, msr.bit, value);
}

/** libxl's own syntax: `host,name=value,…`. `say` gets what xl prints; bad words are passed over. */
export function parseCpuidString(list: CpuidPolicyList, text: string, say: (text: string) => void): void {
  const draft = draftOf(list);
  let first = true;
  for (const [word] of text.matchAll(/[^,]+/g)) {
    if (!first) {
      const error = parseFlag(draft, word);
      if (error === 0) continue;
      say(`while parsing CPUID flag: "${word}":\n  error #${error}: ${FLAG_ERRORS[error]}\n`);
    } else if (word !== 'host') {
      say(`while parsing CPUID string: "${text}":\n  error: first word must be "host"\n`);
      return;
    }
    first = false;
  }
}

/** Applies one line of xend's syntax; 0, or the number of the error. */
function parseXendLine(draft: PolicyDraft, line: string): number {
  const leaf = strtoul(line, 0);
  if (leaf.end === 0) return 1;
  let at = leaf.end;
  let subleaf: number | null = null;
  if (line[at] === ',') {
    const sub = strtoul(line, 0, at + 1);
    if (sub.end === 0) return 2;
    // All ones is libxl's mark of a leaf without subleaves.
    subleaf = asUint32(sub.value) === 0xffffffff ? null : asUint32(sub.value);
    at = sub.end;
  }
  if (line[at] !== ':') return 3;
  const entry = findMatch(draft, asUint32(leaf.value), subleaf);
  at++;
  while (at < line.length) {
    const register = /e([abcd])x[^=]*=/y;
    register.lastIndex = at;
    const found = register.exec(line);
    if (found === null) return 4;
    const comma = line.indexOf(',', register.lastIndex);
    const policy = line.slice(register.lastIndex, comma < 0 ? line.length : comma);
    if (policy.length !== 32) return 5;
    entry[`e${found[1]}x` as CpuidRegister] = policy;
    at = register.lastIndex + 32 + 1;
    while (line[at] === ' ' || line[at] === '\n') at++;
  }
  return 0;
}

/** xend's syntax: a list of `LEAF[,SUBLEAF]:reg=POLICY,…`. `say` gets what xl prints; bad lines are passed over. */
export function parseCpuidList(
  list: CpuidPolicyList,
  lines: readonly string[],
  say: (text: string) => void,
): void {
  const draft = draftOf(list);
  for (const line of lines) {
    const error = parseXendLine(draft, line);
    if (error !== 0) {
      say(`while parsing CPUID line: "${line}":\n  error #${error}: ${LINE_ERRORS[error]}\n`);
    }
  }
}
