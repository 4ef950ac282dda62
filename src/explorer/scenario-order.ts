/** The `order` of a parallel block in a scenario file, checked against the block it stands at. */
import type { PinnedOrder } from './scenario.ts';
import type { Problem } from './scenario-problem.ts';
import type { StepInput } from './scenario-schema.ts';
import type { YamlTree } from './scenario-yaml.ts';
import { grainOf, MAX_CHOICES } from './turn-order.ts';

type Path = readonly (string | number)[];

/** What is read with. */
interface OrderReader {
  readonly tree: YamlTree;
  readonly report: (problem: Problem) => void;
}

/** The order of the block at `path`; null: it has none, or stands where none can. */
export function readOrder({ tree, report }: OrderReader, step: StepInput, path: Path): PinnedOrder | null {
  const { order, parallel } = step;
  if (order === undefined || parallel === undefined) return null;
  const here: Path = [...path, 'order'];
  const complain = (at: Path, message: string): void =>
    report({ ...tree.placeOf([...here, ...at]), message });
  const isInner = path.filter((key) => key === 'steps' || key === 'parallel').length > 1;
  if (isInner)
    complain([], '"order" is for blocks among the scenario\'s own steps, not for those inside of others');
  if (parallel.some(isParallel)) {
    complain(
      [],
      'a block with a parallel block inside of it cannot have an order: write the steps of the inner one beside the others',
    );
  }
  const lanes = parallel.reduce((sum, lane) => sum + (typeof lane === 'string' ? 1 : (lane.times ?? 1)), 0);
  let total = 0;
  for (const [i, { task, times }] of order.choices.entries()) {
    total += times;
    if (/^\d/.test(task) && Number.parseInt(task, 10) >= lanes) {
      const range = lanes === 1 ? 'its only step is "0"' : `its steps are "0" to "${lanes - 1}"`;
      complain(['choices', i, 'task'], `"${task}" is of a step that the block does not have: ${range}`);
    }
  }
  if (total > MAX_CHOICES)
    complain(['choices'], `an order holds ${MAX_CHOICES} choices at most; these are ${total}`);
  const places = order.choices.map((_, i) => tree.placeOf([...here, 'choices', i]));
  const { version, grain, choices } = order;
  return { ...tree.placeOf(here), version, grain: grainOf(grain), choices, places };
}

const isParallel = (step: StepInput | string): boolean =>
  typeof step !== 'string' && (step.parallel !== undefined || (step.steps ?? []).some(isParallel));
