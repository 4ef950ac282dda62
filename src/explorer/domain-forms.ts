/**
 * What may stand in a domain's cell by class, as words: its counters, which guest frames are mapped by extents of which
 * order, and one number for all that populates leave alone.
 *
 * So what a populate makes of a domain is worked out on a few words. There are ten thousands of such forms, and most are only
 * gone through: a record is put together for those alone that somebody looks at, with frames that are no host's.
 */
import { domainInfo } from '../hypervisor/domain-info.ts';
import type { Domain, PagingPool } from '../hypervisor/domain-state.ts';
import type { HeapDomain } from '../hypervisor/heap-state.ts';
import { type P2m, p2mFromRuns, p2mWalk } from '../hypervisor/p2m.ts';
import { isPod, type P2mRun, p2mEnd } from '../hypervisor/p2m-run.ts';
import type { P2mTables } from '../hypervisor/p2m-tables.ts';
import { tablesMade } from '../hypervisor/paging-pool.ts';
import { physmapMade } from '../hypervisor/populate.ts';
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import { sizeOfOrder } from '../hypervisor/units.ts';
import { withFields } from '../hypervisor/xen.ts';
import { type Canon, canonId, canonText } from './canonical.ts';
import { domainRest, heapDomainRest } from './memory-class.ts';
import {
  findState,
  keepState,
  makeStateTable,
  roomForState,
  type StateTable,
  wordOfState,
} from './state-table.ts';

/** A domain: its record, and the heap's as it was. */
export interface DomainCell {
  readonly record: Domain;
  readonly heap: Readonly<HeapDomain>;
}

/** What is asked of a domain without a look at its memory. */
export interface DomainSeen extends Pick<HeapDomain, 'totPages' | 'outstandingPages' | 'maxPages'> {
  readonly type: Domain['type'];
  readonly cpupool: number;
  /** Pages of the paging pool that are free. */
  readonly freePages: number;
  readonly isBuilt: boolean;
  readonly isDying: boolean;
  readonly hasStash: boolean;
  /** Neither paused nor shut down nor dying. */
  readonly mayRun: boolean;
}

/** See the file's header. Grows. */
export interface DomainForms {
  readonly canon: Canon;
  /** By domid: words as FORM_… has them. Forms count from 1. */
  readonly forms: Map<number, StateTable>;
  /** Words as MAP_… has them. */
  readonly maps: StateTable;
  /** Guest frames that are mapped, from below, as words: a layout without its highest part, and that part. 0: none. */
  readonly layouts: StateTable;
  /** By number in the forms: records that stand for what is not in the words. */
  readonly rests: Map<number, Domain>;
  readonly heapRests: Map<number, Readonly<HeapDomain>>;
  readonly tables: Map<number, P2mTables>;
  /** Words of forms that Xen tells of: those that have the same are told alike. */
  readonly told: StateTable;
  readonly restOf: WeakMap<Domain, number>;
  readonly layoutOf: WeakMap<object, number>;
}

/** Words of a form. */
const FORM_REST = 0;
const FORM_HEAP_REST = 1;
const FORM_TOT_PAGES = 2;
const FORM_OUTSTANDING = 3;
const FORM_MAP = 4;
const FORM_LAST_NODE = 5;
const FORM_WORDS = 6;

/** The first words of a form: what Xen tells of it. */
const TOLD_WORDS = 4;

/** Words of what is mapped, and of the paging pool that it takes its tables from. */
const MAP_LAYOUT = 0;
const MAP_TABLES = 1;
const MAP_FREE_PAGES = 2;
const MAP_TOTAL_PAGES = 3;
const MAP_P2M_PAGES = 4;
const MAP_MAX_PFN = 5;
const MAP_WORDS = 7;

/** Words of a layout. */
const LAYOUT_BELOW = 0;
const LAYOUT_KIND = 1;
const LAYOUT_FIRST = 2;
const LAYOUT_END = 4;
const LAYOUT_WORDS = 6;

export const newDomainForms = (canon: Canon): DomainForms => ({
  canon,
  forms: new Map(),
  maps: makeStateTable(MAP_WORDS),
  layouts: makeStateTable(LAYOUT_WORDS),
  rests: new Map(),
  heapRests: new Map(),
  tables: new Map(),
  told: makeStateTable(TOLD_WORDS),
  restOf: new WeakMap(),
  layoutOf: new WeakMap(),
});

/** A guest frame has two words, the lower one first; a count of pages has one. */
const RADIX = 2 ** 32;

const pagesIn = (word: number): number => (word < 0 ? word + RADIX : word);

const frameAt = (table: StateTable, id: number, word: number): number =>
  wordOfState(table, id, word + 1) * RADIX + pagesIn(wordOfState(table, id, word));

/** The number of a vector of words. Words are taken modulo 2^32. */
function numberOf(table: StateTable, words: readonly number[]): number {
  putWords(table, words);
  return keepState(table);
}

function putWords(table: StateTable, words: readonly number[]): void {
  const room = roomForState(table);
  for (let i = 0; i < words.length; i++) room[table.at + i] = words[i]!;
}

/** The form of a domain with these records. */
export function formOfRecords(f: DomainForms, { record, heap }: DomainCell): number {
  const heapRest = canonId(f.canon, heapDomainRest(heap));
  if (!f.heapRests.has(heapRest)) f.heapRests.set(heapRest, { ...heap });
  const { totPages, outstandingPages, lastAllocNode } = heap;
  const map = numberOf(f.maps, mapWords(f, layoutOf(f, record.p2m), record));
  const words = [restOf(f, record), heapRest, totPages, outstandingPages, map, lastAllocNode];
  return numberOf(tableOf(f, record.domid), words) + 1;
}

/** What is asked of a domain in a form. */
export function seenInForm(f: DomainForms, domid: number, form: number): DomainSeen {
  const table = f.forms.get(domid)!;
  const word = (at: number): number => wordOfState(table, form - 1, at);
  const heap = f.heapRests.get(word(FORM_HEAP_REST))!;
  return seenOf({
    record: f.rests.get(word(FORM_REST))!,
    freePages: pagesIn(wordOfState(f.maps, word(FORM_MAP), MAP_FREE_PAGES)),
    heap,
    totPages: pagesIn(word(FORM_TOT_PAGES)),
    outstandingPages: pagesIn(word(FORM_OUTSTANDING)),
  });
}

/** The same of one with these records. */
export const seenOfRecords = ({ record, heap }: DomainCell): DomainSeen => {
  const { totPages, outstandingPages } = heap;
  return seenOf({ record, freePages: record.paging.freePages, heap, totPages, outstandingPages });
};

function seenOf({
  record,
  heap,
  ...counters
}: DomainCell & Pick<DomainSeen, 'freePages' | 'totPages' | 'outstandingPages'>): DomainSeen {
  const { controllerPauseCount, isShutDown, type, cpupool } = record;
  const { isDying, maxPages } = heap;
  return {
    type,
    cpupool,
    maxPages,
    isDying,
    isBuilt: heap.creationFinished,
    hasStash: heap.pendingScrub !== null,
    mayRun: controllerPauseCount === 0 && !isShutDown && !isDying,
    freePages: counters.freePages,
    totPages: counters.totPages,
    outstandingPages: counters.outstandingPages,
  };
}

/** Records of a domain in a form. */
export function recordsOfForm(f: DomainForms, domid: number, form: number): DomainCell {
  const table = f.forms.get(domid)!;
  const word = (at: number): number => wordOfState(table, form - 1, at);
  const map = word(FORM_MAP);
  const p2m = p2mFromRuns(runsOf(f, wordOfState(f.maps, map, MAP_LAYOUT)));
  if (p2m !== null) f.layoutOf.set(p2m, wordOfState(f.maps, map, MAP_LAYOUT));
  return {
    record: withFields(f.rests.get(word(FORM_REST))!, {
      p2m,
      tables: f.tables.get(wordOfState(f.maps, map, MAP_TABLES))!,
      paging: pagingOf(f, map),
      maxMappedPfn: frameAt(f.maps, map, MAP_MAX_PFN),
    }),
    heap: heapOfForm(f, table, form),
  };
}

function heapOfForm({ heapRests }: DomainForms, table: StateTable, form: number): HeapDomain {
  const word = (at: number): number => wordOfState(table, form - 1, at);
  return {
    ...heapRests.get(word(FORM_HEAP_REST))!,
    totPages: pagesIn(word(FORM_TOT_PAGES)),
    outstandingPages: pagesIn(word(FORM_OUTSTANDING)),
    lastAllocNode: word(FORM_LAST_NODE),
    savedPages: null,
    saved: null,
  };
}

/** A number for what infoOfForm() says: the same for forms of which it is the same. */
export function infoNumber(f: DomainForms, domid: number, form: number): number {
  const table = f.forms.get(domid)!;
  const words: number[] = [];
  for (let at = 0; at < TOLD_WORDS; at++) words.push(wordOfState(table, form - 1, at));
  return numberOf(f.told, words);
}

/** What Xen tells of a domain in a form; nothing of it depends on which frames are mapped. */
export function infoOfForm(f: DomainForms, domid: number, form: number): GetDomainInfo {
  const table = f.forms.get(domid)!;
  const rest = f.rests.get(wordOfState(table, form - 1, FORM_REST))!;
  return domainInfo(rest, heapOfForm(f, table, form));
}

/** The form of a domain once the heap of node `node` has given it all of `run`. */
export function formGivenRun(f: DomainForms, domid: number, form: number, run: P2mRun, node: number): number {
  const table = f.forms.get(domid)!;
  const word = (at: number): number => wordOfState(table, form - 1, at);
  const pages = run.count * sizeOfOrder(run.order);
  const left = Math.max(0, pagesIn(word(FORM_OUTSTANDING)) - pages);
  const totPages = pagesIn(word(FORM_TOT_PAGES)) + pages;
  const map = mapGiven(f, domid, form, run);
  return numberOf(table, [word(FORM_REST), word(FORM_HEAP_REST), totPages, left, map, node]) + 1;
}

/** What is mapped once `run` is. */
function mapGiven(f: DomainForms, domid: number, form: number, run: P2mRun): number {
  const map = wordOfState(f.forms.get(domid)!, form - 1, FORM_MAP);
  const layout = wordOfState(f.maps, map, MAP_LAYOUT);
  const top = layout === 0 ? 0 : frameAt(f.layouts, layout - 1, LAYOUT_END);
  if (run.gfn < top) {
    // It may replace something: Xen's own function knows.
    const { record } = recordsOfForm(f, domid, form);
    const made = withFields(record, physmapMade(record, run));
    return numberOf(f.maps, mapWords(f, layoutOf(f, made.p2m), made));
  }
  const end = p2mEnd(run);
  const { type } = f.rests.get(wordOfState(f.forms.get(domid)!, form - 1, FORM_REST))!;
  const tables = f.tables.get(wordOfState(f.maps, map, MAP_TABLES))!;
  const was = { type, tables, paging: pagingOf(f, map) };
  const made = tablesMade(was, run.gfn, end - run.gfn, run.order);
  const maxMappedPfn = Math.max(frameAt(f.maps, map, MAP_MAX_PFN), end - 1);
  return numberOf(f.maps, mapWords(f, layoutWith(f, layout, run, end), { ...was, ...made, maxMappedPfn }));
}

function mapWords(
  f: DomainForms,
  layout: number,
  { tables, paging, maxMappedPfn }: Pick<Domain, 'tables' | 'paging' | 'maxMappedPfn'>,
): number[] {
  const { freePages, totalPages, p2mPagesCount } = paging;
  const its = Number(canonText(f.canon, tables).slice(1));
  if (!f.tables.has(its)) f.tables.set(its, tables);
  return [layout, its, freePages, totalPages, p2mPagesCount, maxMappedPfn, Math.floor(maxMappedPfn / RADIX)];
}

function restOf(f: DomainForms, record: Domain): number {
  const known = f.restOf.get(record);
  if (known !== undefined) return known;
  const rest = canonId(f.canon, domainRest(f.canon, record));
  f.restOf.set(record, rest);
  if (!f.rests.has(rest)) f.rests.set(rest, record);
  return rest;
}

/** A pool of so many pages, whichever they are. */
function pagingOf({ maps }: DomainForms, map: number): PagingPool {
  const freePages = pagesIn(wordOfState(maps, map, MAP_FREE_PAGES));
  const p2mPagesCount = pagesIn(wordOfState(maps, map, MAP_P2M_PAGES));
  const some = (count: number): PagingPool['freelist'] =>
    count === 0 ? [] : [{ order: 0, count, lanes: [{ mfn: 0, stride: 1 }] }];
  return {
    freelist: some(freePages),
    freePages,
    totalPages: pagesIn(wordOfState(maps, map, MAP_TOTAL_PAGES)),
    p2mPages: some(p2mPagesCount),
    p2mPagesCount,
  };
}

/** The number of the layout of a map. Neighbours of a kind are one part, however they are cut into runs. */
function layoutOf(f: DomainForms, p2m: P2m): number {
  if (p2m === null) return 0;
  const known = f.layoutOf.get(p2m);
  if (known !== undefined) return known;
  let layout = 0;
  p2mWalk(p2m, 0, (run) => {
    layout = layoutWith(f, layout, run, p2mEnd(run));
    return true;
  });
  f.layoutOf.set(p2m, layout);
  return layout;
}

const kindOf = (run: P2mRun): number => run.order * 2 + (isPod(run) ? 1 : 0);

/** A layout with a run above all of it. */
const layoutWith = (f: DomainForms, layout: number, run: P2mRun, end: number): number =>
  withPart(f.layouts, layout, kindOf(run), run.gfn, end);

function withPart(layouts: StateTable, layout: number, kind: number, gfn: number, end: number): number {
  let below = layout;
  let first = gfn;
  const at = layout - 1;
  if (
    layout > 0 &&
    wordOfState(layouts, at, LAYOUT_KIND) === kind &&
    frameAt(layouts, at, LAYOUT_END) === gfn
  ) {
    below = wordOfState(layouts, at, LAYOUT_BELOW);
    first = frameAt(layouts, at, LAYOUT_FIRST);
  }
  const words = [below, kind, first, Math.floor(first / RADIX), end, Math.floor(end / RADIX)];
  return numberOf(layouts, words) + 1;
}

/** Runs laid out like that. */
function runsOf({ layouts }: DomainForms, layout: number): P2mRun[] {
  const runs: P2mRun[] = [];
  for (let at = layout - 1; at >= 0; at = wordOfState(layouts, at, LAYOUT_BELOW) - 1) {
    const kind = wordOfState(layouts, at, LAYOUT_KIND);
    const gfn = frameAt(layouts, at, LAYOUT_FIRST);
    const order = Math.floor(kind / 2);
    const stride = sizeOfOrder(order);
    const count = (frameAt(layouts, at, LAYOUT_END) - gfn) / stride;
    runs.push({ gfn, order, count, lanes: kind % 2 === 1 ? [] : [{ mfn: gfn, stride }] });
  }
  return runs.reverse();
}

/** A form as a text: the same wherever names stand for the same. */
export function textOfForm(f: DomainForms, domid: number, form: number): string {
  const table = f.forms.get(domid)!;
  const word = (at: number): number => wordOfState(table, form - 1, at);
  const map = word(FORM_MAP);
  const its = (at: number): number => pagesIn(wordOfState(f.maps, map, at));
  const names = `#${word(FORM_REST)} #${word(FORM_HEAP_REST)} #${its(MAP_TABLES)}`;
  const pages = [pagesIn(word(FORM_TOT_PAGES)), pagesIn(word(FORM_OUTSTANDING)), word(FORM_LAST_NODE)];
  pages.push(
    its(MAP_FREE_PAGES),
    its(MAP_TOTAL_PAGES),
    its(MAP_P2M_PAGES),
    frameAt(f.maps, map, MAP_MAX_PFN),
  );
  const parts: number[] = [];
  for (let at = its(MAP_LAYOUT) - 1; at >= 0; at = wordOfState(f.layouts, at, LAYOUT_BELOW) - 1) {
    const { layouts } = f;
    parts.push(frameAt(layouts, at, LAYOUT_END), frameAt(layouts, at, LAYOUT_FIRST));
    parts.push(wordOfState(layouts, at, LAYOUT_KIND));
  }
  return `${names} ${[...pages, ...parts.reverse()].join(' ')}`;
}

/** The form with that text; undefined: there is none yet. */
export function formOfText(f: DomainForms, domid: number, text: string): number | undefined {
  const [rest, heapRest, tables, ...numbers] = text.split(' ').map((part) => Number(part.replace('#', '')));
  const [totPages, outstanding, node, freePages, totalPages, p2mPages, maxPfn, ...parts] = numbers;
  let layout = 0;
  for (let i = 0; i < parts.length; i += 3) {
    layout = withPart(f.layouts, layout, parts[i]!, parts[i + 1]!, parts[i + 2]!);
  }
  const pool = [freePages!, totalPages!, p2mPages!];
  const map = found(f.maps, [layout, tables!, ...pool, maxPfn!, Math.floor(maxPfn! / RADIX)]);
  const table = f.forms.get(domid)!;
  const form = map < 0 ? -1 : found(table, [rest!, heapRest!, totPages!, outstanding!, map, node!]);
  return form < 0 ? undefined : form + 1;
}

function found(table: StateTable, words: readonly number[]): number {
  putWords(table, words);
  return findState(table);
}

function tableOf({ forms }: DomainForms, domid: number): StateTable {
  const known = forms.get(domid);
  if (known !== undefined) return known;
  const table = makeStateTable(FORM_WORDS);
  forms.set(domid, table);
  return table;
}
