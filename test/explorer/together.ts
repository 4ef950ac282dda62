/** Several mates in one thread, which take turns by chance: what threads do, without threads. */
import { continueSearch, type SearchOrder, startSearch } from '../../src/explorer/exhaustive.ts';
import { type ExploreHow, type Subject, spaceOf } from '../../src/explorer/explore-how.ts';
import { newRowClaims } from '../../src/explorer/row-claims.ts';
import { continueMate, hearWord, type Mate, type MateLetter, newMate } from '../../src/explorer/row-mate.ts';
import { lanesOfRows } from '../../src/explorer/row-walk.ts';
import { drawBelow, sampleStream } from '../../src/explorer/sample-stream.ts';
import { newSharedBirths } from '../../src/explorer/shared-births.ts';
import { type GraphPart, partOf, type WholeGraph, wholeGraph } from '../../src/explorer/whole-graph.ts';

type Ownership = 'class' | 'exact';

/** The graph that one search finds. */
export function walkedAlone(
  subject: Subject,
  how: ExploreHow,
  ownership: Ownership,
  order: SearchOrder,
): WholeGraph {
  const space = spaceOf(subject, how, ownership);
  const search = startSearch(space, order);
  while (!continueSearch(search, 10_000));
  return wholeGraph([partOf(space, search, [])], space.how);
}

export interface Together {
  readonly whole: WholeGraph;
  readonly parts: readonly GraphPart[];
  readonly letters: readonly MateLetter[];
}

/** The graph that `n` mates find; `lose`: letters that get lost; `met`: steps that the first one has made before, depth first. */
export function walkedTogether(
  subject: Subject,
  how: ExploreHow,
  ownership: Ownership,
  n: number,
  seed: number,
  lose: (letter: MateLetter) => boolean = () => false,
  met = 0,
): Together {
  const stream = sampleStream(seed, n);
  const first = spaceOf(subject, how, ownership);
  const lanes = lanesOfRows(first, first.walk.block.lanes.length);
  const before = startSearch(first, 'dfs');
  if (met > 0) continueSearch(before, met);
  const births = newSharedBirths(first.walk.block.ids.keys());
  const shared = { lanes, claims: newRowClaims(), births };
  const mates: Mate[] = [];
  const inbox: MateLetter[] = [];
  const letters: MateLetter[] = [];
  const states: string[] = [];
  for (let i = 0; i < n; i++) {
    const space = i === 0 ? first : spaceOf(subject, how, ownership);
    mates.push(newMate(space, i, shared, i === 0 ? before : undefined));
    states.push('busy');
  }
  for (let quiet = 0; quiet < 100; ) {
    const i = drawBelow(stream, n);
    const mate = mates[i]!;
    const own = inbox.findIndex(({ to }) => to === i);
    if (own >= 0) {
      const [{ from, word }] = inbox.splice(own, 1) as [MateLetter];
      hearWord(mate, from, word);
    } else states[i] = continueMate(mate, 1 + drawBelow(stream, 200));
    for (const letter of mate.out.splice(0)) {
      const to = letter.to < 0 ? mates.map((_, k) => k).filter((k) => k !== i) : [letter.to];
      for (const k of to) letters.push({ ...letter, to: k });
      for (const k of to) if (!lose(letter)) inbox.push({ ...letter, to: k });
    }
    quiet = inbox.length === 0 && states.every((state) => state !== 'busy') ? quiet + 1 : 0;
  }
  const parts = mates.map(({ walk, met }) => partOf(walk.space, walk.search, met));
  return { whole: wholeGraph(parts, mates[0]!.walk.space.how), parts, letters };
}
