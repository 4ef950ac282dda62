/**
 * The graph of a walk, put together from what one thread or several found, in numbers that depend on the block alone:
 * tasks in the order of their paths, ends in the order of their texts. So what is computed on it, to the last bit, does
 * not depend on how many threads there were, nor on the order in which any of them went.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import type { Search } from './exhaustive.ts';
import { pathKey } from './path-order.ts';
import type { Space } from './space.ts';
import { makeStateTable } from './state-table.ts';
import { makeWordList, pushWord, setWord, type WordList, wordAt } from './word-list.ts';
import type { WalkedSpace, WorldEnd, WorldSpace } from './world-space.ts';

/** What one thread found; plain data. States by the numbers they have there. */
export interface GraphPart {
  /** See Search. */
  readonly first: Int32Array;
  readonly edges: Int32Array;
  readonly ends: Int32Array;
  readonly outcomes: readonly WorldEnd[];
  readonly paths: readonly string[];
  readonly names: readonly string[];
  /** See Search. */
  readonly circles: readonly (readonly number[])[];
  readonly circleSteps: number;
  /** Of states that another thread told of: that thread, its number, and the number here. */
  readonly met: Int32Array;
  /** See WorldSpace. */
  readonly ownershipMatters: boolean;
  readonly isAbstract: boolean;
  readonly bySums: boolean;
  readonly isLater: boolean;
}

/** A search that is over, of a space that can only be asked what things are called. */
export interface WholeGraph {
  readonly search: Search;
  readonly space: Pick<
    WorldSpace,
    'endOf' | 'taskName' | 'taskPath' | 'tasks' | 'ownershipMatters' | 'isAbstract' | 'bySums' | 'how'
  >;
}

/** The part of a thread. */
export function partOf(space: WalkedSpace, search: Search, met: readonly number[]): GraphPart {
  const ends = toArray(search.ends);
  const count = ends.reduce((most, outcome) => Math.max(most, outcome + 1), 0);
  const tasks = Array.from({ length: space.tasks }, (_, task) => task);
  return {
    first: toArray(search.first),
    edges: toArray(search.edges),
    ends,
    outcomes: Array.from({ length: count }, (_, outcome) => space.endOf(outcome)),
    paths: tasks.map(space.taskPath),
    names: tasks.map(space.taskName),
    circles: search.circles,
    circleSteps: search.circleSteps,
    met: Int32Array.from(met),
    ownershipMatters: space.ownershipMatters,
    isAbstract: space.isAbstract,
    bySums: space.bySums,
    isLater: space.walk.isLater,
  };
}

function toArray(list: WordList): Int32Array {
  const array = new Int32Array(list.length);
  let at = 0;
  for (const page of list.pages) {
    array.set(page.subarray(0, Math.min(page.length, list.length - at)), at);
    at += page.length;
  }
  return array;
}

/** Names that several threads gave, in an order of their own. */
interface Names<T> {
  readonly all: readonly T[];
  /** By part and number there. */
  readonly here: readonly (readonly number[])[];
}

function inOrder<T>(parts: readonly (readonly T[])[], keyOf: (one: T) => string): Names<T> {
  const byKey = new Map<string, T>();
  for (const one of parts.flat()) if (!byKey.has(keyOf(one))) byKey.set(keyOf(one), one);
  const keys = [...byKey.keys()].sort();
  const place = new Map(keys.map((key, i) => [key, i]));
  return {
    all: keys.map((key) => byKey.get(key)!),
    here: parts.map((part) => part.map((one) => place.get(keyOf(one))!)),
  };
}

/** The whole of the parts: thread 0's first, which has the start. */
export function wholeGraph(parts: readonly GraphPart[], how: WorldSpace['how']): WholeGraph {
  const tasks = inOrder(
    parts.map(({ paths, names }) => paths.map((path, i) => ({ path, name: names[i]! }))),
    ({ path }) => pathKey(path),
  );
  const outcomes = inOrder(
    parts.map((part) => part.outcomes),
    (end) => JSON.stringify(end),
  );
  const ids = numberStates(parts);
  const search = emptySearch(Math.max(1, tasks.all.length));
  for (let i = 0; i < ids.count; i++) pushWord(search.first, -1);
  for (const [p, part] of parts.entries()) {
    addPart(search, part, ids.here[p]!, tasks.here[p]!, outcomes.here[p]!);
    search.circles = [
      ...search.circles,
      ...part.circles.map((circle) => circle.map((id) => ids.here[p]![id]!)),
    ];
    search.circleSteps += part.circleSteps;
    search.transitions += part.circleSteps;
  }
  search.table.count = ids.count;
  return {
    search,
    space: {
      how,
      tasks: tasks.all.length,
      endOf: (outcome) => outcomes.all[outcome]!,
      taskName: (task) => tasks.all[task]!.name,
      taskPath: (task) => tasks.all[task]!.path,
      ownershipMatters: parts.some(({ ownershipMatters }) => ownershipMatters),
      isAbstract: parts.some(({ isAbstract }) => isAbstract),
      bySums: parts.some(({ bySums }) => bySums),
    },
  };
}

/** By part: the numbers of its states in the whole. What another thread walked has the number it has there. */
function numberStates(parts: readonly GraphPart[]): { here: Int32Array[]; count: number } {
  let count = 0;
  const here = parts.map(({ first }) => {
    const numbers = new Int32Array(first.length).fill(-1);
    for (let id = 0; id < first.length; id++) if (first[id] !== -1) numbers[id] = count++;
    return numbers;
  });
  // All know the start, and thread 0 walked on from it.
  for (const numbers of here) numbers[0] = here[0]![0]!;
  for (const [p, { met }] of parts.entries()) {
    for (let i = 0; i < met.length; i += 3) {
      const own = met[i + 2]!;
      if (here[p]![own] === -1) here[p]![own] = count++;
      here[met[i]!]![met[i + 1]!] = here[p]![own]!;
    }
  }
  // What nobody walked, where the walk was stopped.
  for (const numbers of here)
    for (let id = 0; id < numbers.length; id++) if (numbers[id] === -1) numbers[id] = count++;
  return { here, count };
}

function addPart(
  search: Search,
  { first, edges, ends }: GraphPart,
  ids: Int32Array,
  tasks: readonly number[],
  outcomes: readonly number[],
): void {
  const { edges: whole } = search;
  for (let id = 0; id < first.length; id++) {
    const from = first[id]!;
    if (from === -1) continue;
    search.expanded++;
    if (from < 0) {
      setWord(search.first, ids[id]!, -2 - search.ends.length);
      pushWord(search.ends, outcomes[ends[-2 - from]!]!);
      continue;
    }
    const begins = whole.length;
    setWord(search.first, ids[id]!, begins);
    for (let at = from, isLast = false; !isLast; at += 2) {
      isLast = edges[at]! % 2 === 1;
      putStep(whole, begins, tasks[edges[at]! >>> 1]!, ids[edges[at + 1]!]!);
    }
    const last = whole.length - 2;
    setWord(whole, last, wordAt(whole, last) + 1);
    search.transitions += (whole.length - begins) / 2;
  }
}

/** Adds a step to those of a state that begin at `begins`: by task, ascending, mostly behind the last one. */
function putStep(whole: WordList, begins: number, task: number, child: number): void {
  pushWord(whole, task * 2);
  pushWord(whole, child);
  for (let at = whole.length - 2; at > begins && wordAt(whole, at - 2) > task * 2; at -= 2) {
    setWord(whole, at, wordAt(whole, at - 2));
    setWord(whole, at + 1, wordAt(whole, at - 1));
    setWord(whole, at - 2, task * 2);
    setWord(whole, at - 1, child);
  }
}

const cannot = (): never => {
  ASSERT(false, 'a graph that was put together makes no steps');
};

function emptySearch(tasks: number): Search {
  const space: Space = { width: 1, tasks, start: cannot, enabled: cannot, step: cannot, outcome: cannot };
  return {
    space,
    order: 'bfs',
    table: makeStateTable(1),
    first: makeWordList(),
    edges: makeWordList(),
    ends: makeWordList(),
    circles: [],
    circleSteps: 0,
    stack: makeWordList(),
    most: 0,
    isFull: false,
    cursor: 0,
    expanded: 0,
    transitions: 0,
    tasks: new Int32Array(1),
    scratch: new Int32Array(1),
  };
}
