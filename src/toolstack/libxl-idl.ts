/**
 * Descriptors of libxl's data types: from one description follow the TypeScript type, the initial value, the JSON
 * libxl prints and the way back.
 *
 * Models tools/libs/light/idl.py and libxltypes.py. A field's JSON name is its camelCase name with underscores.
 */
import type { KiB } from '../hypervisor/units.ts';

/**
 * An unsigned 64-bit field: a number up to 2^53 - 1, its decimal text above, so that configs stay plain data.
 * Xen: uint64.
 */
export type Uint64 = number | string;

/** How a type is stored, printed and read. */
export type Descriptor =
  | { readonly kind: 'number'; readonly init: number }
  | { readonly kind: 'uint64'; readonly init: Uint64 }
  | { readonly kind: 'memkb' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'defbool' }
  | { readonly kind: 'string' }
  | { readonly kind: 'enum'; readonly names: readonly string[]; readonly init: string }
  | { readonly kind: 'bitmap' }
  | { readonly kind: 'array'; readonly of: Descriptor }
  | { readonly kind: 'struct'; readonly fields: readonly Field[]; readonly blank: Blank }
  | { readonly kind: 'union'; readonly variants: ReadonlyMap<string, Descriptor> }
  | { readonly kind: 'cpuid' };

/**
 * A struct's initial value, for a copy to begin with: a copy of an object read from JSON is fast to make, to read and to
 * copy again, one put together field by field is a dictionary to the engine. What may be changed in place is not shared.
 */
type Blank = Readonly<Record<string, unknown>>;

interface Field {
  /** The property of the typed value, e.g. `maxMemkb`. */
  readonly property: string;
  /** The IDL's name, e.g. `max_memkb`. */
  readonly json: string;
  readonly type: Descriptor;
}

/** A descriptor that knows the type of the values it describes. */
export interface Idl<T> {
  readonly desc: Descriptor;
  /** Never present: carries the type only. */
  readonly __value?: T;
}

/** The typed value a descriptor describes. */
export type Value<I> = I extends Idl<infer T> ? T : never;

export type DeepReadonly<T> = T extends number | string | boolean | null
  ? T
  : T extends readonly (infer E)[]
    ? readonly DeepReadonly<E>[]
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

/** One CPUID leaf, or an MSR, a guest sees changed. Registers are 32 characters, bit 31 first. */
export interface CpuidLeaf {
  leaf: number;
  subleaf: number | null;
  eax: string | null;
  ebx: string | null;
  ecx: string | null;
  edx: string | null;
}

/** Xen: struct libxl__cpuid_policy_list. */
export interface CpuidPolicyList {
  cpuid: CpuidLeaf[];
  msr: { index: number; policy: string }[];
}

const idl = <T>(desc: Descriptor): Idl<T> => ({ desc });

/** An int or a uint8 … uint32. Left out of the JSON when equal to its initial value. */
export const integer = (init = 0): Idl<number> => idl({ kind: 'number', init });
export const uint64 = (init: Uint64 = 0): Idl<Uint64> => idl({ kind: 'uint64', init });
/**
 * Memory in KiB; null is "let libxl decide". A value of 2^63 and more is kept as the negative number with the same
 * 64 bits, which is exact for every size a config can give. Xen: MemKB, LIBXL_MEMKB_DEFAULT.
 */
export const memkb: Idl<KiB | null> = idl({ kind: 'memkb' });
export const bool: Idl<boolean> = idl({ kind: 'bool' });
/** Xen: libxl_defbool; null is "let libxl decide". */
export const defbool: Idl<boolean | null> = idl({ kind: 'defbool' });
/** A string, null where C has a null pointer. Uuids and macs are strings too, null when all zero. */
export const string: Idl<string | null> = idl({ kind: 'string' });
/** Set bit numbers, ascending. Xen: libxl_bitmap. */
export const bitmap: Idl<number[]> = idl({ kind: 'bitmap' });
/** Xen: libxl_cpuid_policy_list. */
export const cpuidPolicyList: Idl<CpuidPolicyList> = idl({ kind: 'cpuid' });

/** An enumeration by its names; `init` is left out of the JSON. The name '' stands for a value without a name. */
export function enumeration<const N extends readonly string[]>(names: N, init: N[number]): Idl<N[number]> {
  return idl({ kind: 'enum', names, init });
}

export function array<T>(of: Idl<T>): Idl<T[]> {
  return idl({ kind: 'array', of: of.desc });
}

/** Xen: libxl_string_list. */
export const stringList: Idl<string[]> = idl({ kind: 'array', of: { kind: 'string' } });

type StructValue<F> = { -readonly [K in keyof F]: Value<F[K]> };

/** `maxMemkb` → `max_memkb`. */
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** A struct; the order of `fields` is the order of the JSON. */
export function struct<F extends { readonly [key: string]: Idl<unknown> }>(fields: F): Idl<StructValue<F>> {
  const list = Object.entries(fields).map(([property, type]) => ({
    property,
    json: snakeCase(property),
    type: type.desc,
  }));
  const initial = list.map(({ property, type }) => [property, initialValue(type)]);
  const blank: Blank = JSON.parse(JSON.stringify(Object.fromEntries(initial)));
  return idl({ kind: 'struct', fields: list, blank });
}

/** Which variant of a keyed union is there, and its data; null when the key has no valid value. */
type UnionValue<V> = { [K in keyof V]: { tag: K; info: Value<V[K]> } }[keyof V] | null;

/** A keyed union. Printed as a member named `key.variant`. Xen: KeyedUnion. */
export function keyedUnion<V extends { readonly [key: string]: Idl<unknown> }>(
  variants: V,
): Idl<UnionValue<V>> {
  return idl({
    kind: 'union',
    variants: new Map(Object.entries(variants).map(([key, type]) => [key, type.desc])),
  });
}

/** The initial value of a type. Models the generated libxl_TYPE_init() functions. */
function initialValue(desc: Descriptor): unknown {
  switch (desc.kind) {
    case 'number':
    case 'uint64':
    case 'enum':
      return desc.init;
    case 'bool':
      return false;
    case 'memkb':
    case 'defbool':
    case 'string':
    case 'union':
      return null;
    case 'bitmap':
    case 'array':
      return [];
    case 'cpuid':
      return { cpuid: [], msr: [] };
    case 'struct': {
      const value: Record<string, unknown> = { ...desc.blank };
      for (const { property, type } of desc.fields)
        if (typeof value[property] === 'object' && value[property] !== null)
          value[property] = initialValue(type);
      return value;
    }
  }
}

/** A fresh value with every field at its initial value. */
export function init<T>(type: Idl<T>): T {
  return initialValue(type.desc) as T;
}
