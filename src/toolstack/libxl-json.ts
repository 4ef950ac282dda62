/**
 * The JSON libxl prints of its types: dry runs, `list -l`, and the config it keeps for each domain.
 *
 * Models the generated TYPE_gen_json() functions and tools/libs/light/libxl_json.c on yajl 2. Strings hold one byte
 * per character and go out as they are. No member is printed for a field at its initial value; a struct always is.
 */
import { unreachable } from '../hypervisor/bug.ts';
import { kib } from '../hypervisor/units.ts';
import { type CpuidPolicyList, type Descriptor, type Idl, init, type Uint64 } from './libxl-idl.ts';

type Unknowns = Record<string, unknown>;

const INDENT = '    ';

/** Bytes that yajl escapes; / and everything from 0x7f on stay raw. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes to escape
const ESCAPED = /["\\\u0000-\u001f]/g;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** A JSON string as yajl writes it. Models yajl_string_encode(). */
export function jsonString(text: string): string {
  return `"${text.replace(
    ESCAPED,
    (c) => SHORT_ESCAPES[c] ?? `\\u00${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )}"`;
}

/** A 64-bit field as its unsigned decimal text. */
const uint64Text = (value: Uint64): string =>
  typeof value === 'string' ? value : BigInt.asUintN(64, BigInt(value)).toString();

/** Whether a value is left out of the struct it belongs to. Models the condition idl.py's json_init() makes. */
function isOmitted(desc: Descriptor, value: unknown): boolean {
  switch (desc.kind) {
    case 'number':
    case 'uint64':
    case 'enum':
      return value === desc.init;
    case 'bool':
      return value === false;
    case 'memkb':
    case 'defbool':
    case 'string':
    case 'union':
      return value === null;
    case 'bitmap':
    case 'array':
      return (value as readonly unknown[]).length === 0;
    case 'struct':
      return false;
    case 'cpuid': {
      const list = value as CpuidPolicyList;
      return list.cpuid.length === 0 && list.msr.length === 0;
    }
    default:
      return unreachable(desc);
  }
}

/** Writes `members` between brackets, one on a line; an empty container holds an empty line. */
function container(open: string, close: string, members: readonly string[], indent: string): string {
  const inner = members.length === 0 ? '' : `${indent}${INDENT}${members.join(`,\n${indent}${INDENT}`)}`;
  return `${open}\n${inner}\n${indent}${close}`;
}

function structMembers(desc: Descriptor & { kind: 'struct' }, value: Unknowns, indent: string): string[] {
  const members: string[] = [];
  for (const { property, json, type } of desc.fields) {
    const field = value[property];
    if (isOmitted(type, field)) continue;
    if (type.kind === 'union') {
      const { tag, info } = field as { tag: string; info: unknown };
      const variant = type.variants.get(tag);
      if (variant !== undefined) members.push(`"${json}.${tag}": ${generate(variant, info, indent)}`);
    } else {
      members.push(`"${json}": ${generate(type, field, indent)}`);
    }
  }
  return members;
}

/** Models libxl_cpuid_policy_list_gen_json(), libxl_cpuid.c. */
function cpuidPolicyList(list: CpuidPolicyList, indent: string): string {
  const deep = `${indent}${INDENT}${INDENT}`;
  const leaves = list.cpuid.map((leaf) => {
    const members = [`"leaf": ${leaf.leaf}`];
    if (leaf.subleaf !== null) members.push(`"subleaf": ${leaf.subleaf}`);
    for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
      const policy = leaf[register];
      if (policy !== null) members.push(`"${register}": ${jsonString(policy)}`);
    }
    return container('{', '}', members, deep);
  });
  const msrs = list.msr.map(({ index, policy }) =>
    container('{', '}', [`"index": ${index}`, `"policy": ${jsonString(policy)}`], deep),
  );
  const inner = `${indent}${INDENT}`;
  return container(
    '{',
    '}',
    [`"cpuid": ${container('[', ']', leaves, inner)}`, `"msr": ${container('[', ']', msrs, inner)}`],
    indent,
  );
}

function generate(desc: Descriptor, value: unknown, indent: string): string {
  switch (desc.kind) {
    case 'number':
      return String(value);
    case 'uint64':
    case 'memkb':
      return uint64Text((value ?? -1) as Uint64);
    case 'bool':
      return value === true ? 'true' : 'false';
    case 'defbool':
      return value === null ? '"<default>"' : value === true ? '"True"' : '"False"';
    case 'string':
      return value === null ? 'null' : jsonString(value as string);
    case 'enum':
      // A value the IDL has no name for.
      return value === '' ? 'null' : `"${value}"`;
    case 'bitmap': {
      const members = (value as readonly number[]).map(String);
      return container('[', ']', members, indent);
    }
    case 'array': {
      const members = (value as readonly unknown[]).map((e) => generate(desc.of, e, `${indent}${INDENT}`));
      return container('[', ']', members, indent);
    }
    case 'struct':
      return container('{', '}', structMembers(desc, value as Unknowns, `${indent}${INDENT}`), indent);
    case 'union':
      return 'null';
    case 'cpuid':
      return cpuidPolicyList(value as CpuidPolicyList, indent);
    default:
      return unreachable(desc);
  }
}

/**
 * The JSON text of a value, without a final newline. `depth` is how many containers already surround it: lines after
 * the first are indented by as much.
 */
export function genJson<T>(type: Idl<T>, value: NoInfer<T> | object, depth = 0): string {
  return generate(type.desc, value, INDENT.repeat(depth));
}

/** Reads one value; `null` where the JSON does not fit the type. */
function parse(desc: Descriptor, json: unknown): { readonly value: unknown } | null {
  switch (desc.kind) {
    case 'number':
      return typeof json === 'number' ? { value: json } : null;
    case 'uint64':
      return typeof json === 'number' || typeof json === 'string' ? { value: json } : null;
    case 'memkb':
      return typeof json === 'number' || typeof json === 'string'
        ? { value: kib(Number(BigInt.asIntN(64, BigInt(json)))) }
        : null;
    case 'bool':
      return typeof json === 'boolean' ? { value: json } : null;
    case 'defbool':
      if (json === '<default>') return { value: null };
      return json === 'True' || json === 'False' ? { value: json === 'True' } : null;
    case 'string':
      return typeof json === 'string' || json === null ? { value: json } : null;
    case 'enum':
      if (json === null) return { value: '' };
      return typeof json === 'string' && desc.names.includes(json) ? { value: json } : null;
    case 'bitmap':
      return parseArray({ kind: 'number', init: 0 }, json);
    case 'array':
      return parseArray(desc.of, json);
    case 'struct':
      return parseStruct(desc, json);
    case 'cpuid':
      return parseCpuidPolicyList(json);
    case 'union':
      return null;
    default:
      return unreachable(desc);
  }
}

function parseArray(of: Descriptor, json: unknown): { readonly value: unknown } | null {
  if (!Array.isArray(json)) return null;
  const value: unknown[] = [];
  for (const element of json) {
    const parsed = parse(of, element);
    if (parsed === null) return null;
    value.push(parsed.value);
  }
  return { value };
}

const isObject = (json: unknown): json is Unknowns =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

function parseStruct(
  desc: Descriptor & { kind: 'struct' },
  json: unknown,
): { readonly value: unknown } | null {
  if (!isObject(json)) return null;
  const value = init({ desc }) as Unknowns;
  for (const { property, json: name, type } of desc.fields) {
    if (type.kind === 'union') {
      for (const [tag, variant] of type.variants) {
        const member = json[`${name}.${tag}`];
        if (member === undefined) continue;
        const info = parse(variant, member);
        if (info === null) return null;
        value[property] = { tag, info: info.value };
      }
    } else if (Object.hasOwn(json, name)) {
      const parsed = parse(type, json[name]);
      if (parsed === null) return null;
      value[property] = parsed.value;
    }
  }
  return { value };
}

/** Models libxl__cpuid_policy_list_parse_json(), libxl_cpuid.c. */
function parseCpuidPolicyList(json: unknown): { readonly value: CpuidPolicyList } | null {
  if (!isObject(json) || !Array.isArray(json.cpuid)) return null;
  const register = (v: unknown): string | null => (typeof v === 'string' ? v : null);
  const list: CpuidPolicyList = { cpuid: [], msr: [] };
  for (const leaf of json.cpuid) {
    if (!isObject(leaf) || typeof leaf.leaf !== 'number') return null;
    list.cpuid.push({
      leaf: leaf.leaf,
      subleaf: typeof leaf.subleaf === 'number' ? leaf.subleaf : null,
      eax: register(leaf.eax),
      ebx: register(leaf.ebx),
      ecx: register(leaf.ecx),
      edx: register(leaf.edx),
    });
  }
  for (const msr of Array.isArray(json.msr) ? json.msr : []) {
    if (!isObject(msr) || typeof msr.index !== 'number' || typeof msr.policy !== 'string') return null;
    list.msr.push({ index: msr.index, policy: msr.policy });
  }
  return { value: list };
}

/** Integers of more digits than a double holds become strings before JSON.parse sees them. */
const quoteBigIntegers = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}/g, (token) => (token[0] === '"' ? token : `"${token}"`));

/** Reads what genJson() wrote; null when the text is not JSON of this type. Models libxl__object_from_json(). */
export function fromJson<T>(type: Idl<T>, text: string): T | null {
  let json: unknown;
  try {
    json = JSON.parse(quoteBigIntegers(text));
  } catch {
    return null;
  }
  const parsed = parse(type.desc, json);
  return parsed === null ? null : (parsed.value as T);
}
