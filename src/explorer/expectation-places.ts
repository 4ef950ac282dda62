/** Where in the file each expectation of a step stands, by the name that reports give it: `domains.web.mem`. */
import type { Place } from './scenario-problem.ts';
import type { YamlTree } from './scenario-yaml.ts';

/** Every value at and below `path`, the expectations of a step. */
export function expectationPlaces(
  tree: YamlTree,
  expect: unknown,
  path: readonly (string | number)[],
): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const note = (value: unknown, name: string, at: readonly (string | number)[]): void => {
    places.set(name, tree.placeOf(at));
    if (typeof value !== 'object' || value === null) return;
    const isList = Array.isArray(value);
    for (const [key, inner] of Object.entries(value)) {
      const below = isList ? `${name}[${key}]` : name === '' ? key : `${name}.${key}`;
      note(inner, below, [...at, isList ? Number(key) : key]);
    }
  };
  note(expect, '', path);
  return places;
}

/** The place of an expectation, or of what it is part of; undefined: the file says nothing of it. */
export function placeOfExpectation(
  places: ReadonlyMap<string, Place> | undefined,
  name: string,
): Place | undefined {
  for (let at = name; at !== ''; at = at.replace(/(?:^|\.)[^.[]*$|\[[^[]*$/, '')) {
    const place = places?.get(at);
    if (place !== undefined) return place;
  }
  return undefined;
}
