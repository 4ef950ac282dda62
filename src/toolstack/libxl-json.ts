/**
 * The JSON libxl prints of its types: dry runs, `list -l`, and the config it keeps for each domain.
 *
 * Models the generated TYPE_gen_json() functions and tools/libs/light/libxl_json.c on yajl 2. Strings hold one byte
 * per character and go out as they are. No member is printed for a field at its initial value; a struct always is.
 */
import { unreachable } from '../hypervisor/bug.ts';
import { kib } from '../hypervisor/units.ts';
import { type ByteText, flushText, newByteText, putEscaped, putText } from './byte-text.ts';
import { type CpuidPolicyList, type Descriptor, type Idl, init, type Uint64 } from './libxl-idl.ts';

type Unknowns = Record<string, unknown>;

const INDENT = '    ';

/** What yajl writes for a byte, by its code; undefined where it stays raw: / and everything from 0x7f on do. */
const ESCAPES: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, c) => {
  const short = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\' }[c];
  if (short !== undefined) return `\\${short}`;
  return c < 32 ? `\\u00${c.toString(16).toUpperCase().padStart(2, '0')}` : undefined;
});

/** Writes a JSON string as yajl does. Models yajl_string_encode(). */
const putString = (out: ByteText, text: string): void => putEscaped(out, text, ESCAPES);

/** A JSON string as yajl writes it. Models yajl_string_encode(). */
export const jsonString = (text: string): string => whole((out) => putString(out, text));

/** What `put` writes, as one text. */
function whole(put: (out: ByteText) => void): string {
  const pieces: string[] = [];
  const out = newByteText((piece) => pieces.push(piece));
  put(out);
  flushText(out);
  return pieces.join('');
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

/** Writes what is between brackets, each member on a line; an empty container holds an empty line. */
function putContainer<M>(
  out: ByteText,
  brackets: string,
  indent: string,
  members: readonly M[],
  put: (member: M, indent: string) => void,
): void {
  const inner = `${indent}${INDENT}`;
  putText(out, `${brackets[0]}\n`);
  for (const [i, member] of members.entries()) {
    putText(out, i === 0 ? inner : `,\n${inner}`);
    put(member, inner);
  }
  putText(out, `\n${indent}${brackets[1]}`);
}

/** Parts of a struct whose text is known, indented as it is to be. */
type ReadyParts = ReadonlyMap<unknown, string>;

function putStruct(
  out: ByteText,
  desc: Descriptor & { kind: 'struct' },
  value: Unknowns,
  indent: string,
  ready: ReadyParts | null = null,
): void {
  const shown = desc.fields.filter(({ property, type }) => {
    const field = value[property];
    if (isOmitted(type, field)) return false;
    return type.kind !== 'union' || type.variants.has((field as { tag: string }).tag);
  });
  putContainer(out, '{}', indent, shown, ({ property, json, type }, inner) => {
    if (type.kind === 'union') {
      const { tag, info } = value[property] as { tag: string; info: unknown };
      putText(out, `"${json}.${tag}": `);
      generate(out, type.variants.get(tag)!, info, inner);
    } else {
      putText(out, `"${json}": `);
      const known = ready?.get(value[property]);
      if (known === undefined) generate(out, type, value[property], inner);
      else putText(out, known);
    }
  });
}

/** A member whose value is ready. */
type Member = readonly [name: string, put: (indent: string) => void];

const putMembers = (out: ByteText, members: readonly Member[], indent: string): void =>
  putContainer(out, '{}', indent, members, ([name, put], inner) => {
    putText(out, `"${name}": `);
    put(inner);
  });

/** Models libxl_cpuid_policy_list_gen_json(), libxl_cpuid.c. */
function putCpuidPolicyList(out: ByteText, list: CpuidPolicyList, indent: string): void {
  const number = (name: string, value: number): Member => [name, () => putText(out, String(value))];
  const policy = (name: string, text: string): Member => [name, () => putString(out, text)];
  const leaves = (inner: string): void =>
    putContainer(out, '[]', inner, list.cpuid, (leaf, deep) => {
      const members = [number('leaf', leaf.leaf)];
      if (leaf.subleaf !== null) members.push(number('subleaf', leaf.subleaf));
      for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
        const text = leaf[register];
        if (text !== null) members.push(policy(register, text));
      }
      putMembers(out, members, deep);
    });
  const msrs = (inner: string): void =>
    putContainer(out, '[]', inner, list.msr, (msr, deep) =>
      putMembers(out, [number('index', msr.index), policy('policy', msr.policy)], deep),
    );
  putMembers(
    out,
    [
      ['cpuid', leaves],
      ['msr', msrs],
    ],
    indent,
  );
}

function generate(out: ByteText, desc: Descriptor, value: unknown, indent: string): void {
  switch (desc.kind) {
    case 'number':
      putText(out, String(value));
      break;
    case 'uint64':
    case 'memkb':
      putText(out, uint64Text((value ?? -1) as Uint64));
      break;
    case 'bool':
      putText(out, value === true ? 'true' : 'false');
      break;
    case 'defbool':
      putText(out, value === null ? '"<default>"' : value === true ? '"True"' : '"False"');
      break;
    case 'string':
      if (value === null) putText(out, 'null');
      else putString(out, value as string);
      break;
    case 'enum':
      // A value the IDL has no name for.
      putText(out, value === '' ? 'null' : `"${value}"`);
      break;
    case 'bitmap':
      putContainer(out, '[]', indent, value as readonly number[], (bit) => putText(out, String(bit)));
      break;
    case 'array':
      putContainer(out, '[]', indent, value as readonly unknown[], (element, inner) =>
        generate(out, desc.of, element, inner),
      );
      break;
    case 'struct':
      putStruct(out, desc, value as Unknowns, indent);
      break;
    case 'union':
      putText(out, 'null');
      break;
    case 'cpuid':
      putCpuidPolicyList(out, value as CpuidPolicyList, indent);
      break;
    default:
      unreachable(desc);
  }
}

/** Writes the JSON text of a value, without a final newline. */
export function putJson<T>(out: ByteText, type: Idl<T>, value: NoInfer<T> | object): void {
  generate(out, type.desc, value, '');
}

/**
 * The JSON text of a value, without a final newline. `depth` is how many containers already surround it: lines after
 * the first are indented by as much.
 */
export const genJson = <T>(type: Idl<T>, value: NoInfer<T> | object, depth = 0): string =>
  whole((out) => generate(out, type.desc, value, INDENT.repeat(depth)));

/** The JSON text of a struct of which some parts are ready. */
export const genJsonWith = <T>(type: Idl<T>, value: NoInfer<T> | object, ready: ReadyParts): string =>
  whole((out) => putStruct(out, type.desc as Descriptor & { kind: 'struct' }, value as Unknowns, '', ready));

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

/** Integers that a double does not hold become strings before JSON.parse sees them. */
const quoteBigIntegers = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}/g, (token) =>
    token[0] === '"' || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
  );

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
