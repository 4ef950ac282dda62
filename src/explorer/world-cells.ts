/**
 * A driven block taken apart into cells: one for each lane and task, for Xen's heap, for each domain, for xenstore, …
 *
 * What may stand in a cell is numbered, by text, in order of first use; 0: nothing is there. A state is the vector of
 * those numbers, so a step that leaves a cell alone copies a word. Each number keeps one value that stands for it, from
 * which the block is put together again; all but Xen's memory, which is no value.
 */
import type { Cpupool } from '../hypervisor/domain-state.ts';
import type { BlockRun, LaneState } from './block.ts';
import { domainText, type Ownership, restText, storeText } from './block-text.ts';
import { type Canon, canonId, canonText, newCanon } from './canonical.ts';
import { type ClassLists, wordsOfClass, writeClass } from './class-take.ts';
import { type DomainCell, type DomainForms, formOfRecords, newDomainForms } from './domain-forms.ts';
import { newPartNames, type PartNames, writeHeapExact } from './heap-exact.ts';
import {
  dustOfClass,
  type HeapSums,
  isSameHeapDomain,
  sumsOfHeap,
  writeHeapClass,
  writeHeapSums,
} from './memory-class.ts';
import {
  keepState,
  makeStateTable,
  roomForState,
  type StateTable,
  viewState,
  widenStates,
} from './state-table.ts';
import type { RunningTask, World } from './world.ts';
import type { XsState } from './xenstored.ts';

/** The cells that are always there; the lanes' follow, then those of other tasks and of domains as they come. */
export const CLOCK = 0;
export const HEAP = 1;
export const MISC = 2;
export const XS = 3;
export const USERDATA = 4;
export const LOCKS = 5;
export const REST = 6;
export const BORN = 7;
export const FIRST_LANE = 8;

/** What may stand in a cell, by number. */
export interface CellTable<T> {
  readonly ids: Map<string, number>;
  readonly values: (T | null)[];
}

/** A lane, and the task of the step it is at. */
export interface LaneCell {
  readonly state: LaneState;
  readonly task: RunningTask | null;
}

export type Rest = Pick<World, 'uuids' | 'recentDomids' | 'xlConf' | 'missingFiles' | 'files'>;

interface Misc {
  readonly lastDomid: number;
  readonly cpupools: readonly Cpupool[];
}

/** See the file's header. Grows. */
export interface Cells {
  readonly block: BlockRun;
  readonly ownership: Ownership;
  readonly canon: Canon;
  /** Words of a state. */
  count: number;
  readonly clock: CellTable<number>;
  /** By class: of the heap that is read next no more is told than its sums. */
  bySums: boolean;
  /** Forms of the heap, as words: writeHeapClass() or writeHeapSums() says which, exactly writeHeapExact(). */
  readonly heapClasses: StateTable;
  readonly heapParts: PartNames;
  /** Forms of the heap in which an invariant does not hold, and which. */
  readonly broken: Map<number, string>;
  readonly misc: CellTable<Misc>;
  readonly xs: CellTable<XsState>;
  readonly userdata: CellTable<World['userdata']>;
  readonly locks: CellTable<World['locks']>;
  readonly rest: CellTable<Rest>;
  readonly born: CellTable<ReadonlyMap<number, number>>;
  readonly lanes: readonly CellTable<LaneCell>[];
  /** By place in the block's `others`: where its cell is, and what was in it. */
  readonly otherAt: number[];
  readonly others: CellTable<RunningTask>[];
  /** By domid. */
  readonly domainAt: Map<number, number>;
  /** By cell. */
  readonly isDomain: boolean[];
  readonly domains: Map<number, CellTable<DomainCell>>;
  /** By class in their place. */
  readonly domainForms: DomainForms;
}

/** Words of a heap's class at first. */
const HEAP_WORDS = 64;
/** More than the longest one so far. */
const HEAP_SPARE = 24;

const newTable = <T>(): CellTable<T> => ({ ids: new Map([['', 0]]), values: [null] });

export function newCells(block: BlockRun, ownership: Ownership): Cells {
  const canon = newCanon();
  return {
    block,
    ownership,
    canon,
    count: FIRST_LANE + block.lanes.length,
    clock: newTable(),
    bySums: false,
    heapClasses: makeStateTable(HEAP_WORDS),
    heapParts: newPartNames(canon),
    broken: new Map(),
    misc: newTable(),
    xs: newTable(),
    userdata: newTable(),
    locks: newTable(),
    rest: newTable(),
    born: newTable(),
    lanes: block.lanes.map(() => newTable<LaneCell>()),
    otherAt: [],
    others: [],
    domainAt: new Map(),
    isDomain: [],
    domains: new Map(),
    domainForms: newDomainForms(canon),
  };
}

export function idOf<T>(table: CellTable<T>, text: string, value: T): number {
  const known = table.ids.get(text);
  if (known !== undefined) return known;
  const id = table.values.length;
  table.ids.set(text, id);
  table.values.push(value);
  return id;
}

/** What stands in a cell that is not empty. */
export const standing = <T>(table: CellTable<T>, id: number): T => table.values[id]!;

/**
 * Writes the state that the block is in, all words of it. `before`: the state it was put together from, in whose cells
 * what is still the same value needs no second look. `broken`: see heapForm().
 */
export function readCells(
  cells: Cells,
  into: Int32Array,
  before: Int32Array | null,
  broken: string | null = null,
): void {
  readWorldCells(cells, into, before);
  readXenCells(cells, into, broken);
}

/** The same, but for Xen, of which only the domains are written, as they were before. */
export function readWorldCells(cells: Cells, into: Int32Array, before: Int32Array | null): void {
  const { block, canon } = cells;
  const { world } = block.run;
  const old = (cell: number): number => before?.[cell] ?? 0;
  const same = <T>(table: CellTable<T>, cell: number, value: T, text: () => string): void => {
    const id = old(cell);
    into[cell] = id !== 0 && table.values[id] === value ? id : idOf(table, text(), value);
  };
  into.fill(0);
  if (before !== null) for (const cell of cells.domainAt.values()) into[cell] = old(cell);
  into[CLOCK] = idOf(cells.clock, String(world.now), world.now);
  same(cells.xs, XS, world.store, () => storeText(canon, world.store));
  same(cells.userdata, USERDATA, world.userdata, () => canonText(canon, world.userdata));
  same(cells.locks, LOCKS, world.locks, () => canonText(canon, world.locks));
  const { uuids, recentDomids, xlConf, missingFiles, files } = world;
  const rest = { uuids, recentDomids, xlConf, missingFiles, files };
  into[REST] = idOf(cells.rest, restText(canon, world), rest);
  same(cells.born, BORN, block.born, () => canonText(canon, block.born));
  readTasks(cells, into, old);
}

/**
 * Calls `read` with words to write all cells to: `into`, or longer ones where that has no room for all. What is read may
 * hold cells that nobody knew of; then it is read again. Returns the words that it was written to last.
 */
export function withRoom(cells: Cells, into: Int32Array, read: (into: Int32Array) => void): Int32Array {
  let words = into;
  do {
    if (words.length < cells.count) words = new Int32Array(2 * cells.count);
    read(words);
  } while (words.length < cells.count);
  return words;
}

/**
 * Writes Xen's part of the state that the block is in: the heap, the domains, what else there is. What `into` says of a
 * domain that is as it was then needs no second look.
 */
export function readXenCells(cells: Cells, into: Int32Array, broken: string | null = null): void {
  const { canon } = cells;
  const { xen } = cells.block.run.world;
  into[HEAP] = heapForm(cells, broken);
  const { lastDomid, cpupools } = xen;
  into[MISC] = idOf(cells.misc, `${lastDomid} ${canonText(canon, cpupools)}`, { lastDomid, cpupools });
  readDomains(cells, into);
}

/**
 * The number of the heap as it is. With a `broken` invariant it is another form: what is told of memory by class is true
 * only as long as all of them hold.
 */
export function heapForm(cells: Cells, broken: string | null): number {
  const { heapClasses, canon } = cells;
  const { width } = heapClasses;
  const mark = broken === null ? 0 : canonId(canon, broken) + 1;
  const words = writeHeap(cells, mark, roomForState(heapClasses), width);
  if (words > width) {
    widenStates(heapClasses, words + HEAP_SPARE);
    writeHeap(cells, mark, roomForState(heapClasses), heapClasses.width);
  }
  const form = keepState(heapClasses) + 1;
  if (broken !== null) cells.broken.set(form, broken);
  return form;
}

function writeHeap(
  { heapClasses, heapParts, ownership, bySums, block }: Cells,
  mark: number,
  words: Int32Array,
  room: number,
): number {
  const { heap } = block.run.world.xen;
  const { at } = heapClasses;
  if (ownership === 'exact') return writeHeapExact(heapParts, heap, mark, words, at, room);
  if (bySums) return writeHeapSums(sumsOfHeap(heap), mark, words, at, room);
  return writeHeapClass(heap, mark, words, at, room);
}

/** The number of a heap of which no more is told than these sums. */
export function formOfSums({ heapClasses }: Cells, sums: HeapSums): number {
  const room = roomForState(heapClasses);
  writeHeapSums(sums, 0, room, heapClasses.at, heapClasses.width);
  return keepState(heapClasses) + 1;
}

/** The number of the heap in a class. */
export function formOfClass({ heapClasses }: Cells, lists: ClassLists): number {
  const words = wordsOfClass(lists);
  if (words > heapClasses.width) widenStates(heapClasses, words + HEAP_SPARE);
  const room = roomForState(heapClasses);
  const { at, width } = heapClasses;
  room.fill(0, writeClass(lists, room, at), at + width);
  return keepState(heapClasses) + 1;
}

/** By order: free pages that lie in smaller blocks, where the heap has this form. It is one by class, not by sums. */
export function dustOfForm({ heapClasses }: Cells, form: number): Float64Array {
  const words = viewState(heapClasses, form - 1, new Int32Array(heapClasses.width));
  return dustOfClass(words, heapClasses.at, heapClasses.width);
}

/** Whether a cell holds a part of Xen. */
export const isXenCell = ({ isDomain }: Cells, cell: number): boolean =>
  cell === HEAP || cell === MISC || isDomain[cell] === true;

function readTasks(cells: Cells, into: Int32Array, old: (cell: number) => number): void {
  const { block, canon } = cells;
  const { tasks } = block.run.world;
  const lanes = new Map<number, number>();
  block.states.forEach((state, l) => {
    if (state.task !== null) lanes.set(state.task, l);
  });
  const own: (RunningTask | null)[] = block.states.map(() => null);
  for (const task of tasks) {
    const lane = lanes.get(task.id);
    if (lane !== undefined) {
      own[lane] = task;
      continue;
    }
    const at = otherCell(cells, task.id);
    const table = cells.others[at]!;
    const cell = cells.otherAt[at]!;
    const id = old(cell);
    into[cell] = id !== 0 && table.values[id] === task ? id : idOf(table, canonText(canon, task), task);
  }
  block.states.forEach((state, l) => {
    const table = cells.lanes[l]!;
    const task = own[l]!;
    const id = old(FIRST_LANE + l);
    const known = id === 0 ? null : standing(table, id);
    if (known !== null && known.state === state && known.task === task) into[FIRST_LANE + l] = id;
    else {
      const cell = { state, task };
      into[FIRST_LANE + l] = idOf(table, laneText(canon, cell), cell);
    }
  });
}

/** What stands in a lane's cell. */
export const laneText = (canon: Canon, { state, task }: LaneCell): string =>
  `${canonText(canon, state)} ${task === null ? '' : canonText(canon, task)}`;

/** The place of a task among the others; it gets a cell when it is first seen. */
function otherCell(cells: Cells, id: number): number {
  const at = cells.block.others.findIndex((other) => other.id === id);
  roomForOther(cells, at);
  return at;
}

/** Cells for the others up to place `at`. */
export function roomForOther(cells: Cells, at: number): void {
  while (cells.others.length <= at) {
    cells.otherAt.push(cells.count++);
    cells.others.push(newTable());
  }
}

function readDomains(cells: Cells, into: Int32Array): void {
  const { xen } = cells.block.run.world;
  for (const [domid, cell] of cells.domainAt) if (!xen.domains.has(domid)) into[cell] = 0;
  for (const [domid, record] of xen.domains) {
    const cell = domainCell(cells, domid);
    const heap = xen.heap.domains.get(domid)!;
    if (cells.ownership === 'class') {
      into[cell] = formOfRecords(cells.domainForms, { record, heap });
      continue;
    }
    const table = cells.domains.get(domid)!;
    const was = table.values[into[cell]!] ?? null;
    if (was !== null && was.record === record && isSameHeapDomain(was.heap, heap)) continue;
    const text = domainText(cells.canon, record, heap);
    const known = table.ids.get(text);
    into[cell] = known ?? idOf(table, text, { record, heap: { ...heap } });
  }
}

/** A domain gets a cell when it is first seen. */
function domainCell(cells: Cells, domid: number): number {
  const known = cells.domainAt.get(domid);
  if (known !== undefined) return known;
  const cell = cells.count++;
  cells.domains.set(domid, newTable());
  cells.isDomain[cell] = true;
  cells.domainAt.set(domid, cell);
  return cell;
}
