/** Files that a scenario names: configs that it reads, outputs that it compares with or writes. */
import type { Scenario, Stage, Step } from './scenario.ts';
import type { Place } from './scenario-problem.ts';

/** A file as it is named, and where. */
export interface NamedFile extends Place {
  readonly path: string;
  /** `config`: read as xl reads it; `output`: what a step must print. */
  readonly use: 'config' | 'output';
}

/** All of them; of twins those that the scenario itself does not name. */
export function namedFiles(scenario: Scenario): NamedFile[] {
  const own = filesOf(scenario.stage);
  const known = new Set(own.map(({ path }) => path));
  const others = scenario.twins.flatMap((twin) => filesOf(twin.stage));
  return [...own, ...others.filter(({ path }) => !known.has(path))];
}

const filesOf = ({ guests, steps }: Stage): NamedFile[] => [
  ...[...guests.values()].flatMap(({ cfg, line, column }) =>
    cfg === null ? [] : [{ path: cfg, use: 'config' as const, line, column }],
  ),
  ...withInner(steps).flatMap(({ output, line, column }) =>
    output === null ? [] : [{ path: output, use: 'output' as const, line, column }],
  ),
];

/** Steps and those inside of them. */
const withInner = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => [step, ...('steps' in step.action ? withInner(step.action.steps) : [])]);
