/** Sets of whole numbers as disjoint ascending intervals [first, end). Values: a change makes a new set. */
export type Intervals = readonly (readonly [number, number])[];

/** The set with [first, end) in it, and how many numbers are new. */
export function cover(
  set: Intervals,
  first: number,
  end: number,
): { readonly set: Intervals; readonly added: number } {
  // Most of what is mapped is covered already.
  for (const [s, e] of set) if (s <= first && end <= e) return { set, added: 0 };
  let from = first;
  let to = end;
  let inside = 0;
  const below: (readonly [number, number])[] = [];
  const above: (readonly [number, number])[] = [];
  for (const interval of set) {
    const [s, e] = interval;
    if (e < first) below.push(interval);
    else if (s > end) above.push(interval);
    else {
      inside += Math.max(0, Math.min(e, end) - Math.max(s, first));
      from = Math.min(from, s);
      to = Math.max(to, e);
    }
  }
  const added = end - first - inside;
  return added === 0 ? { set, added } : { set: [...below, [from, to], ...above], added };
}

/** The set without [first, end). */
export function uncover(set: Intervals, first: number, end: number): Intervals {
  if (!set.some(([s, e]) => s < end && e > first)) return set;
  const out: (readonly [number, number])[] = [];
  for (const interval of set) {
    const [s, e] = interval;
    if (e <= first || s >= end) out.push(interval);
    else {
      if (s < first) out.push([s, first]);
      if (e > end) out.push([end, e]);
    }
  }
  return out;
}

/** How many of [first, end) are in the set. */
export function covered(set: Intervals, first: number, end: number): number {
  let n = 0;
  for (const [s, e] of set) n += Math.max(0, Math.min(e, end) - Math.max(s, first));
  return n;
}
