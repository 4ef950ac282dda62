/**
 * libxl's userdata: texts by domain and name, replaced and never changed in place.
 *
 * Domains that were made one after the other lie together, so that a change copies the entries of a few of them.
 */

/** By group of domids, then by `domid/name`. Groups without entries are not kept. */
export type Userdata = ReadonlyMap<number, ReadonlyMap<string, string>>;

/** Domids in a group. */
const GROUP = 32;

export const noUserdata: Userdata = new Map();

const groupOf = (domid: number): number => Math.floor(domid / GROUP);

/** The text of a domain under a name; null: there is none. */
export const userdataOf = (userdata: Userdata, domid: number, name: string): string | null =>
  userdata.get(groupOf(domid))?.get(`${domid}/${name}`) ?? null;

/** With a text of a domain under a name, or without it (null). */
export function withUserdata(userdata: Userdata, domid: number, name: string, text: string | null): Userdata {
  const group = new Map(userdata.get(groupOf(domid)));
  if (text === null) group.delete(`${domid}/${name}`);
  else group.set(`${domid}/${name}`, text);
  return withGroup(userdata, groupOf(domid), group);
}

/** Without anything of a domain. */
export function withoutDomain(userdata: Userdata, domid: number): Userdata {
  const group = new Map(userdata.get(groupOf(domid)));
  for (const key of group.keys()) if (key.startsWith(`${domid}/`)) group.delete(key);
  return withGroup(userdata, groupOf(domid), group);
}

function withGroup(userdata: Userdata, key: number, group: ReadonlyMap<string, string>): Userdata {
  const next = new Map(userdata);
  if (group.size === 0) next.delete(key);
  else next.set(key, group);
  return next;
}

/** All of it: `domid/name` and text. */
export const userdataEntries = (userdata: Userdata): (readonly [key: string, text: string])[] =>
  [...userdata.values()].flatMap((group) => [...group]);

/** How many texts there are. */
export function userdataCount(userdata: Userdata): number {
  let count = 0;
  for (const group of userdata.values()) count += group.size;
  return count;
}
