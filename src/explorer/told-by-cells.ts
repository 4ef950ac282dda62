/** Looks at domains, answered from their cells: all that Xen tells of a domain follows from its records. */
import type { Gave, LookNode } from './call-memo.ts';
import { domainTold, toldNumber } from './domain-cells.ts';
import { DOMAINS } from './step-memo.ts';
import { keyOf, type WorldWalk } from './world-walk.ts';

/** What a look at domains is told, by the forms in their cells; these say all that it depends on. */
export function toldByCells(w: WorldWalk, look: LookNode, from: number): Gave {
  const { states } = w.trail;
  const { domainAt } = w.cells;
  const { firstDomain, maxDomains, gave, alike } = look;
  let first = Number.POSITIVE_INFINITY;
  let last = -1;
  for (const [domid, cell] of domainAt) {
    if (domid < firstDomain || states[from + cell] === 0) continue;
    if (domid < first) first = domid;
    if (domid > last) last = domid;
  }
  if (last < 0 || (first < last && maxDomains > 1)) return toldOfSeveral(w, look, from);
  const form = states[from + domainAt.get(first)!]!;
  gave[first] ??= [];
  const known = gave[first]![form];
  if (known !== undefined) return known;
  alike[first] ??= [];
  const number = toldNumber(w.cells, first, form);
  alike[first]![number] ??= toldAnew(w, look, from);
  gave[first]![form] = alike[first]![number]!;
  return gave[first]![form]!;
}

function toldOfSeveral(w: WorldWalk, look: LookNode, from: number): Gave {
  const key = keyOf(w, [DOMAINS - look.firstDomain], from, -1);
  let told = look.several.get(key);
  if (told === undefined) {
    told = toldAnew(w, look, from);
    look.several.set(key, told);
  }
  return told;
}

function toldAnew({ cells, trail, replies }: WorldWalk, look: LookNode, from: number): Gave {
  const lives = [...cells.domainAt].filter(
    ([domid, cell]) => domid >= look.firstDomain && trail.states[from + cell] !== 0,
  );
  const infos = lives
    .sort(([a], [b]) => a - b)
    .slice(0, look.maxDomains)
    .map(([domid, cell]) => domainTold(cells, domid, trail.states[from + cell]!));
  // To look for one that says the same would cost more than it saves.
  const reply = replies.push({ rc: infos.length, infos }) - 1;
  return { reply, cells: NOTHING, values: NOTHING };
}

const NOTHING: readonly never[] = [];
