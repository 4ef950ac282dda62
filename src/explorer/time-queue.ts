/** Tasks by the time at which they go on: a heap, at equal times the lowest id first. */

/** Entries are never taken out of the middle: whoever looks at the first decides whether it still holds. */
export interface TimeQueue {
  readonly ats: number[];
  readonly ids: number[];
}

export const newTimeQueue = (): TimeQueue => ({ ats: [], ids: [] });

const comesFirst = (at: number, id: number, otherAt: number, otherId: number): boolean =>
  at < otherAt || (at === otherAt && id < otherId);

/** Puts an entry in. */
export function enqueue({ ats, ids }: TimeQueue, at: number, id: number): void {
  let place = ats.length;
  ats.push(at);
  ids.push(id);
  while (place > 0) {
    const parent = Math.floor((place - 1) / 2);
    if (!comesFirst(at, id, ats[parent]!, ids[parent]!)) break;
    ats[place] = ats[parent]!;
    ids[place] = ids[parent]!;
    place = parent;
  }
  ats[place] = at;
  ids[place] = id;
}

/** Takes the first entry out. There is one. */
export function dequeue({ ats, ids }: TimeQueue): void {
  const at = ats.pop()!;
  const id = ids.pop()!;
  const count = ats.length;
  if (count === 0) return;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= count) break;
    if (child + 1 < count && comesFirst(ats[child + 1]!, ids[child + 1]!, ats[child]!, ids[child]!)) child++;
    if (!comesFirst(ats[child]!, ids[child]!, at, id)) break;
    ats[place] = ats[child]!;
    ids[place] = ids[child]!;
    place = child;
  }
  ats[place] = at;
  ids[place] = id;
}
