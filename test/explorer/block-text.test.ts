/** States that differ in what only has a name are one. */
import { describe, expect, it } from 'vitest';
import { openBlock } from '../../src/explorer/block.ts';
import { settleForm, storeText } from '../../src/explorer/block-text.ts';
import { newCanon } from '../../src/explorer/canonical.ts';
import { serveXs } from '../../src/explorer/xenstored.ts';
import { blockOf, twoBuilders } from './space-fixture.ts';

const start = { op: 'transaction_start' } as const;
const end = (tx: number) => ({ op: 'transaction_end', tx, abort: true }) as const;

describe('the form of a state', () => {
  it('does not tell how many transactions of xenstore are over', () => {
    const stores = [[], [start, end(2)], [start, end(2), start, end(3)]].map((calls) => {
      const { play, block: step } = blockOf(twoBuilders(1));
      const block = openBlock(play, step, { grain: 'hypercall', timed: false });
      const { world } = block.run;
      for (const call of [start, ...calls]) world.store = serveXs(world.store, call).state;
      settleForm(block, world.now);
      return world.store;
    });
    const canon = newCanon();
    expect(new Set(stores.map((store) => storeText(canon, store))).size).toBe(1);
    // So the next one is called alike, too.
    expect(stores.map((store) => serveXs(store, start).reply)).toEqual(stores.map(() => ({ rc: 0, tx: 2 })));
  });
});
