/**
 * Domains that a scenario expects something of, against those it could bring about.
 *
 * `domains: { bgi2: absent }` holds for every word that nobody is called; a slip in a name would make it true for ever.
 */
import { didYouMean } from './did-you-mean.ts';
import type { Problem } from './scenario-problem.ts';
import type { ScenarioInput, StepInput } from './scenario-schema.ts';
import type { YamlTree } from './scenario-yaml.ts';

type Path = readonly (string | number)[];

/** Names of domains that scenarios do not choose. */
const ALWAYS = /^(Domain-0|\d+|fragments(-\d+)?)$/;
/** What stands around a name on a command line. */
const SEPARATORS = /[\s"'=,[\]]+/;
/** What the file says of guests and steps, right or wrong: what is wrong may still name somebody. */
interface Written {
  readonly guests: readonly unknown[];
  readonly steps: unknown;
}

/** More counted names than this are no slip of anybody's pen. */
const MANY = 1000;
/** What xl adds to a name while a domain is on its way. */
const ON_ITS_WAY = /--(incoming|migratedaway)$/;

/**
 * Every name under `domains` and `running` that no guest and no step of the scenario brings up. None where a config or
 * an image lies in another file, which may name anybody.
 */
export function strayNames(
  tree: YamlTree,
  input: ScenarioInput,
  written: Written,
  stepsPath: Path,
): Problem[] {
  const guests = written.guests.flatMap((mapping) => (isMapping(mapping) ? Object.entries(mapping) : []));
  const texts = guests.flatMap(([name, settings]) => [name, ...textsIn(settings)]);
  texts.push(...textsIn(written.steps, 'expect'));
  const namesFiles = guests.some(([, settings]) => isMapping(settings) && settings.cfg !== undefined);
  if (namesFiles || texts.some((text) => /^\s*xl\b.*(\/|\.cfg\b)/.test(text))) return [];
  const words = new Set(texts.flatMap((text) => [text, ...text.split(SEPARATORS)]));
  const counted = countedNames(words);
  if (counted.length > MANY) return [];
  const known = [...new Set(guests.map(([name]) => name))];
  return expectedNames(input.steps, stepsPath).flatMap(({ name, place }) => {
    const plain = name.replace(ON_ITS_WAY, '');
    if (ALWAYS.test(plain) || words.has(plain) || counted.some((pattern) => pattern.test(plain))) return [];
    const meant = didYouMean(plain, known);
    const guestsHere = known.length === 0 ? 'it has no guests' : `its guests are ${known.join(', ')}`;
    const hint = meant === null ? guestsHere : `did you mean "${meant}"?`;
    return [{ ...place(tree), message: `nothing in this scenario is called "${name}": ${hint}` }];
  });
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every text in a value, keys of mappings not counted, nor what stands under the key `but`. */
function textsIn(value: unknown, but?: string): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === but ? [] : textsIn(inner, but)));
}

/** Words that a count makes names of: `vm{i}` is vm1, vm2 and so on. */
const countedNames = (words: ReadonlySet<string>): RegExp[] =>
  [...words]
    .filter((word) => word.includes('{i}'))
    .map(
      (word) =>
        new RegExp(
          `^${word
            .split(/(?:\{i\})+/)
            .map(literally)
            .join('\\d+')}$`,
        ),
    );

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

interface ExpectedName {
  readonly name: string;
  readonly place: (tree: YamlTree) => { readonly line: number; readonly column: number };
}

function expectedNames(steps: readonly (StepInput | string)[], path: Path): ExpectedName[] {
  return steps.flatMap((step, i) => {
    if (typeof step === 'string') return [];
    const here = [...path, i];
    const at = [...here, 'expect'];
    const domains = Object.keys(step.expect?.domains ?? {}).map((name) => ({
      name,
      place: (tree: YamlTree) => tree.keyPlaceOf([...at, 'domains', name]),
    }));
    const running = (step.expect?.running ?? []).map((name, n) => ({
      name,
      place: (tree: YamlTree) => tree.placeOf([...at, 'running', n]),
    }));
    return [
      ...domains,
      ...running,
      ...expectedNames(step.parallel ?? [], [...here, 'parallel']),
      ...expectedNames(step.steps ?? [], [...here, 'steps']),
    ];
  });
}
