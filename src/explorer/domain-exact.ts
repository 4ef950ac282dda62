/** A domain's record with whose each frame is, as text. */
import type { Domain } from '../hypervisor/domain-state.ts';
import type { P2m } from '../hypervisor/p2m.ts';
import { type Canon, canonId, canonText } from './canonical.ts';

/** Equal records have the same, others another. Records are made of one another, so keys keep their order. */
export function domainExact(canon: Canon, d: Domain): string {
  let text = '';
  for (const key in d)
    text += `${key === 'p2m' ? p2mText(canon, d.p2m) : canonText(canon, d[key as keyof Domain])};`;
  return text;
}

/**
 * A map's. Equal maps are equal trees, and one that is made of another shares what did not change, so it costs the way
 * from the root to that.
 */
function p2mText(canon: Canon, p2m: P2m): string {
  if (p2m === null) return '';
  const known = canon.known.get(p2m);
  if (known !== undefined) return known;
  const { gfn, order, count, lanes } = p2m.run;
  let text = `${gfn},${order},${count}`;
  for (const { mfn, stride } of lanes) text += `,${mfn},${stride}`;
  const made = `#${canonId(canon, `${text};${p2mText(canon, p2m.left)};${p2mText(canon, p2m.right)}`)}`;
  canon.known.set(p2m, made);
  return made;
}
