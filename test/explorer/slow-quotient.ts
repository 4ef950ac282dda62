/**
 * All orders of a block on a host that makes every step, with every frame in its place; and what is left of them when
 * states that are one by class are taken for one. Nothing clever: recursion over marks.
 */
import { blockEnds, blockTurns, openBlock, takeBlockTurn } from '../../src/explorer/block.ts';
import { settleForm } from '../../src/explorer/block-text.ts';
import { putValues, takeValues } from '../../src/explorer/block-values.ts';
import type { TurnGrain } from '../../src/explorer/turn-order.ts';
import { type Cells, newCells, readCells } from '../../src/explorer/world-cells.ts';
import { markXen, rollbackXen } from '../../src/hypervisor/xen-mark.ts';
import { blockOf } from './space-fixture.ts';

export interface Quotient {
  /** States with every frame in its place, and by class. */
  readonly exact: number;
  readonly classes: number;
  /** By end as text: the probability to end so. */
  readonly shares: ReadonlyMap<string, number>;
  /** Steps of the longest order. */
  readonly longest: number;
}

type Future = Pick<Quotient, 'shares' | 'longest'>;

const textOf = (cells: Cells): string => {
  const words = new Int32Array(cells.count + 64);
  readCells(cells, words, null);
  return words.join().replace(/(,0)+$/, '');
};

/** The states and ends of a scenario's first parallel block. It has no circles. */
export function slowQuotient(text: string, grain: TurnGrain = 'hypercall'): Quotient {
  // What a builder is told of frames would tell states apart that the heap does not.
  const block = openBlock(blockOf(text).play, blockOf(text).block, {
    grain,
    timed: false,
    forgetFrames: true,
  });
  const { world } = block.run;
  const began = world.now;
  const [exact, byClass] = [newCells(block, 'exact'), newCells(block, 'class')];
  const known = new Map<string, Future>();
  const classes = new Set<string>();
  const walk = (): Future => {
    settleForm(block, began);
    const name = textOf(exact);
    classes.add(textOf(byClass));
    const before = known.get(name);
    if (before !== undefined) return before;
    const found = follow();
    known.set(name, found);
    return found;
  };
  const follow = (): Future => {
    const turns = blockTurns(block);
    if (turns.length === 0)
      return { shares: new Map([[JSON.stringify(blockEnds(block, 'stuck')), 1]]), longest: 0 };
    const mark = markXen(world.xen);
    const values = takeValues(block);
    const shares = new Map<string, number>();
    let longest = 0;
    for (const turn of turns) {
      takeBlockTurn(block, turn);
      const future = walk();
      for (const [end, share] of future.shares)
        shares.set(end, (shares.get(end) ?? 0) + share / turns.length);
      longest = Math.max(longest, future.longest + 1);
      rollbackXen(world.xen, mark);
      putValues(block, values);
    }
    return { shares, longest };
  };
  return { ...walk(), exact: known.size, classes: classes.size };
}
