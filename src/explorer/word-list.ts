/** A list of 32-bit words that grows a page at a time: nothing is copied, so a long search does not need twice its memory. */

/** Words of a page. */
const PAGE = 2 ** 16;
/** Words of the first page at first, so that a short list is a small one. */
const FIRST = 64;

export interface WordList {
  readonly pages: Int32Array[];
  length: number;
}

export const makeWordList = (): WordList => ({ pages: [], length: 0 });

export function pushWord(list: WordList, word: number): void {
  const { pages } = list;
  const page = list.length >>> 16;
  const at = list.length & (PAGE - 1);
  if (page === pages.length) pages.push(new Int32Array(page === 0 ? FIRST : PAGE));
  else if (at === pages[page]!.length) pages[page] = grown(pages[page]!);
  pages[page]![at] = word;
  list.length++;
}

function grown(page: Int32Array): Int32Array {
  const larger = new Int32Array(page.length * 2);
  larger.set(page);
  return larger;
}

/** The word at `index`, which is below `length`. */
export function wordAt(list: WordList, index: number): number {
  return list.pages[index >>> 16]![index & (PAGE - 1)]!;
}

/** Overwrites the word at `index`, which is below `length`. */
export function setWord(list: WordList, index: number, word: number): void {
  list.pages[index >>> 16]![index & (PAGE - 1)] = word;
}

/** Takes the last word off a list that has one. */
export function popWord(list: WordList): number {
  list.length--;
  return wordAt(list, list.length);
}

/** Memory of the list. */
export const wordListBytes = ({ pages }: WordList): number =>
  pages.length === 0 ? 0 : ((pages.length - 1) * PAGE + pages.at(-1)!.length) * 4;
