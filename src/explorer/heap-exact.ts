/**
 * The heap with whose each frame is, as words: the same memory in the same order of lists has the same ones.
 *
 * The heap keeps pages in runs, and how pages are cut into runs depends on what happened before. Nobody sees that, so
 * here they are cut anew: lists into the longest stretches of pages that follow each other, and those that are equally
 * long and equally far apart into one. That costs a step for each run, not for each page. A word is the name of a part, and
 * a part that has not changed since it was named (heap-undo.ts knows) keeps its name unseen: so it costs what has changed.
 */
import { beginLook } from '../hypervisor/heap-mark.ts';
import {
  type Heap,
  type HeapDomain,
  type HeapSeen,
  KIND_POD,
  KIND_XEN,
  MIXED,
  NIL,
  NR_ORDERS,
  REGION,
  RUN_BASE,
} from '../hypervisor/heap-state.ts';
import { dirtyRanges } from '../hypervisor/page-dirty.ts';
import { nextOf } from '../hypervisor/page-list.ts';
import {
  metaDirty,
  metaFd,
  metaKind,
  metaOwner,
  regionsByChunk,
  slotMfn,
} from '../hypervisor/page-region.ts';
import { type Canon, canonId, canonText } from './canonical.ts';
import { isLong, namesOfPieces } from './long-text.ts';
import { addBlocks, addSeries, addStretch, ofSet } from './page-series.ts';

/** Names of parts, by the ticket that was left when a part was named. Grows. */
export interface PartNames {
  readonly canon: Canon;
  /** The heap that the tickets are of, and the last one given before the first of these. */
  heap: Heap | null;
  base: number;
  /** By ticket above `base`: the name's number, plus 1. Others give tickets, too: 0. */
  ids: Int32Array;
}

export const newPartNames = (canon: Canon): PartNames => ({
  canon,
  heap: null,
  base: 0,
  ids: new Int32Array(1024),
});

/**
 * Writes the heap into `words`, `room` of them from `at` on, 0 behind the last one: as writeHeapClass(). All words but the
 * mark are numbers of the names' texts plus 1, or 0: what is no list, pages on no list, each zone of each node, each domain.
 */
export function writeHeapExact(
  names: PartNames,
  h: Heap,
  mark: number,
  words: Int32Array,
  at: number,
  room: number,
): number {
  const end = at + room;
  words.fill(0, at, end);
  const look = { names, h, seen: beginLook(h) };
  if (names.heap !== h) {
    names.heap = h;
    names.base = look.seen?.last ?? 0;
    names.ids.fill(0);
  }
  let to = at;
  const put = (word: number): void => {
    if (to < end) words[to] = word;
    to++;
  };
  put(mark);
  put(named(look, restText(names.canon, h)));
  put(looseWord(look));
  for (let zone = 0; zone < h.orderMask.length; zone++)
    put(h.orderMask[zone] === 0 ? 0 : zoneWord(look, zone));
  for (const d of [...h.domains.values()].sort((a, b) => a.domid - b.domid)) put(domainWord(look, d));
  return to - at;
}

/** A heap that is looked at. `seen`: null: what was seen before is not known. */
interface Look {
  readonly names: PartNames;
  readonly h: Heap;
  readonly seen: HeapSeen | null;
}

const named = ({ names }: Look, text: string): number => canonId(names.canon, text) + 1;

/** The name that a part was given when its ticket was left; 0: none by us, or the part has changed. */
const nameOf = ({ names }: Look, ticket: number): number => names.ids[ticket - names.base] ?? 0;

/** Leaves a ticket for a part that has got a name, in its column. */
function leave({ names, seen }: Look, column: Int32Array, index: number, word: number): number {
  const ticket = ++seen!.last;
  column[index] = ticket;
  const place = ticket - names.base;
  if (place >= names.ids.length) {
    const larger = new Int32Array(2 * place);
    larger.set(names.ids);
    names.ids = larger;
  }
  names.ids[place] = word;
  return word;
}

/** What is no list. */
function restText(canon: Canon, h: Heap): string {
  const { boot, started, totalAvailPages, outstandingClaims, dmaBits, needScrub, special, inFlight } = h;
  const { virqTh, virqHigh, virqThOrder, virqThOrig, virqCount } = h;
  const flags = [...special].sort((a, b) => a[0] - b[0]).join();
  const held = inFlight.length === 0 ? '' : canonText(canon, inFlight);
  const virq = `${virqTh},${virqHigh},${virqThOrder},${virqThOrig},${virqCount}`;
  const pages = `${totalAvailPages},${outstandingClaims},${dmaBits},${needScrub.join()}`;
  return `${canonText(canon, boot)} ${started.join()} ${pages} ${virq} ${flags} ${held}`;
}

/** The free lists of a zone. */
function zoneWord(look: Look, zone: number): number {
  const { h, seen } = look;
  const known = seen === null ? 0 : nameOf(look, seen.zones[zone]!);
  if (known !== 0) return known;
  let text = '';
  for (let orders = h.orderMask[zone]!; orders !== 0; orders &= orders - 1) {
    const order = 31 - Math.clz32(orders & -orders);
    text += `${order}:#${listWord(look, zone * NR_ORDERS + order, freeText) - 1},`;
  }
  const word = named(look, text);
  return seen === null ? word : leave(look, seen.zones, zone, word);
}

type ListText = (canon: Canon, h: Heap, list: number) => string;

/** A list. */
function listWord(look: Look, list: number, textOf: ListText): number {
  const { h, names, seen } = look;
  const known = seen === null ? 0 : nameOf(look, seen.lists[list]!);
  if (known !== 0) return known;
  const word = named(look, textOf(names.canon, h, list));
  // A list that nothing has ever been on may lie beyond the column.
  return seen === null || list >= seen.lists.length ? word : leave(look, seen.lists, list, word);
}

/** A domain's part and its lists. */
function domainWord(look: Look, d: HeapDomain): number {
  const { seen, names } = look;
  const isSame = (list: number): boolean => seen!.lists[list] !== 0;
  if (seen !== null && d.pageList.every(isSame) && d.extraList.every(isSame)) {
    const known = nameOf(look, seen.domains[d.domid]!);
    if (known !== 0) return known;
  }
  const lists = [...d.pageList, ...d.extraList].map((list) => `#${listWord(look, list, ownedText) - 1}`);
  const { totPages, extraPages, maxPages, outstandingPages, lastAllocNode, nodeAffinity } = d;
  const pages = `${totPages},${extraPages},${maxPages},${outstandingPages}`;
  const nodes = `${lastAllocNode};${nodeAffinity?.join() ?? ''}`;
  const flags = `${d.creationFinished ? 'f' : ''}${d.isDying ? 'd' : ''}${canonText(names.canon, d.pendingScrub)}`;
  const word = named(look, `d${d.domid} ${pages} ${nodes} ${flags} ${lists.join()}`);
  return seen === null || d.domid >= seen.domains.length ? word : leave(look, seen.domains, d.domid, word);
}

/** Pages that are somebody's and on no list: Xen's own, and those that wait for entries populated on demand. */
function looseWord(look: Look): number {
  const { h, seen } = look;
  const chunks = h.chunkHead.length;
  const known = seen === null ? 0 : nameOf(look, seen.chunks[chunks]!);
  if (known !== 0) return known;
  const regions = regionsByChunk(h);
  let text = '';
  for (let chunk = 0; chunk < chunks; chunk++) {
    let word = seen === null ? 0 : nameOf(look, seen.chunks[chunk]!);
    if (word === 0) {
      word = named(look, looseText(h, chunk, regions[chunk] ?? []));
      if (seen !== null) leave(look, seen.chunks, chunk, word);
    }
    text += `#${word - 1},`;
  }
  const word = named(look, text);
  return seen === null ? word : leave(look, seen.chunks, chunks, word);
}

/** Those of one chunk, by whose they are: in order of their frames. */
function looseText(h: Heap, chunk: number, regions: readonly number[]): string {
  const found = new Map<string, number[]>();
  const flatOf = (kind: number, owner: number): number[] => {
    const whose = kind === KIND_XEN ? 'xen' : `d${owner}`;
    const flat = found.get(whose) ?? [];
    found.set(whose, flat);
    return flat;
  };
  for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!) {
    const kind = h.runKind[id]! & 7;
    if (kind >= KIND_POD)
      flatOf(kind, h.runVal[id]!).push(h.runFirst[id]!, h.runCount[id]!, h.runStride[id]!, h.runSize[id]!);
  }
  for (const region of regions)
    for (let i = 0; i < REGION; i++) {
      const meta = h.pgMeta[region * REGION + i]!;
      if (metaKind(meta) >= KIND_POD)
        flatOf(metaKind(meta), metaOwner(meta)).push(h.regionMfn[region]! + i, 1, 1, 1);
    }
  return [...found]
    .map(([whose, flat]) => `${whose}:${ofSet(flat)}`)
    .sort()
    .join(';');
}

/** Free buddies, of one size: flat `first, count, stride, firstDirty, kind of dirty flags`, then what of them is dirty in parts. */
function freeText(canon: Canon, h: Heap, list: number): string {
  const out: number[] = [];
  const dirty: number[] = [];
  const size = 2 ** (list % NR_ORDERS);
  for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node)) {
    const id = RUN_BASE - node;
    const isPage = node >= 0;
    const first = isPage ? slotMfn(h, node) : h.runFirst[id]!;
    const count = isPage ? 1 : h.runCount[id]!;
    const stride = isPage ? 0 : h.runStride[id]!;
    const fd = isPage ? metaFd(h.pgMeta[node]!) : h.runVal[id]!;
    const kind = isPage ? metaDirty(h.pgMeta[node]!) : h.runKind[id]! >>> 3;
    addSeries(out, 5, first, count, stride, fd, kind);
    for (let i = 0; kind === MIXED && i < count; i++)
      for (const [from, to] of dirtyRanges(h, first + i * stride, size, kind))
        dirty.push(first + i * stride + from, to - from);
  }
  const buddies = seriesText(canon, out, 5);
  return dirty.length === 0 ? buddies : `${buddies} ${seriesText(canon, dirty, 2)}`;
}

/** Pages of a domain's list, cut anew: flat `first page, how many stretches, how far apart, pages of each`. */
function ownedText(canon: Canon, h: Heap, list: number): string {
  const out: number[] = [];
  for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node)) {
    const id = RUN_BASE - node;
    if (node >= 0) addStretch(out, slotMfn(h, node), 1);
    else addBlocks(out, h.runFirst[id]!, h.runCount[id]!, h.runStride[id]!, h.runSize[id]!);
  }
  return seriesText(canon, out, 4);
}

/** Flat series of `width` numbers, told by the first of them. A long list that changes in one place costs its walk, and no more names. */
function seriesText(canon: Canon, flat: readonly number[], width: number): string {
  const length = flat.length / width;
  if (!isLong(length)) return flat.join();
  return namesOfPieces(
    length,
    (i) => flat[i * width]!,
    (from, to) => flat.slice(from * width, to * width).join(),
    (text) => `#${canonId(canon, text)}`,
  );
}

/** The words that writeHeapExact() wrote, but for those that are 0 at the end, as a text of names. */
export function exactWordsText(words: Int32Array, at: number, room: number): string {
  let end = at + room;
  while (end > at + 1 && words[end - 1] === 0) end--;
  const nameAt = (word: number, i: number): string =>
    word === 0 ? '-' : `${i === 0 ? 't' : '#'}${word - 1}`;
  return Array.from(words.subarray(at, end), nameAt).join(' ');
}

/** The words of such a text. */
export const exactWordsOf = (text: string): number[] =>
  text.split(' ').map((name) => (name === '-' ? 0 : Number(name.slice(1)) + 1));
