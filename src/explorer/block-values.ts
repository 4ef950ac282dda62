/** Everything of a driven block that is a value: all but Xen. Taking it and putting it back costs nothing. */
import type { BlockRun, LaneState } from './block.ts';
import type { World } from './world.ts';

/** See the file's header. */
export interface BlockValues {
  readonly world: Omit<World, 'xen' | 'seed'>;
  readonly states: readonly LaneState[];
  readonly born: ReadonlyMap<number, number>;
}

export function takeValues({ run: { world }, states, born }: BlockValuesOf): BlockValues {
  const { xen: _xen, seed: _seed, ...values } = world;
  return { world: values, states, born };
}

type BlockValuesOf = Pick<BlockRun, 'run' | 'states' | 'born'>;

export function putValues(block: BlockRun, values: BlockValues): void {
  Object.assign(block.run.world, values.world);
  block.states = values.states;
  block.born = values.born;
}
