/**
 * What a twin says must fail, against the steps that it has: a place that is none never fails, and the report could only
 * say that it holds.
 */
import { didYouMean } from './did-you-mean.ts';
import type { Step } from './scenario.ts';

/** Names of steps shown where none of them is near. */
const SHOWN = 8;

/** Why nothing can fail at `where`, which is `step: expectation` or a step; null: something can. */
export function strayPlace(where: string, steps: readonly Step[]): string | null {
  const labels = [...new Set(labelsOf(steps))];
  if (labels.some((label) => isPlaceOf(label, where))) return null;
  // Numbers stand at the beginning of names that are none of their own.
  const meant = labels.find((label) => label.startsWith(`${where} (`)) ?? didYouMean(where, labels);
  const more = labels.length > SHOWN ? ', …' : '';
  const hint =
    meant === null ? `its steps are ${labels.slice(0, SHOWN).join(', ')}${more}` : `did you mean "${meant}"?`;
  return `no step is called "${where}": ${hint}`;
}

/** Steps and those inside of them. */
const labelsOf = (steps: readonly Step[]): string[] =>
  steps.flatMap(({ label, action }) => [label, ...('steps' in action ? labelsOf(action.steps) : [])]);

function isPlaceOf(label: string, where: string): boolean {
  const name = label
    .split('{i}')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('(?:\\d+|\\{i\\})');
  return new RegExp(`^${name}(?:: .+)?$`, 's').test(where);
}
