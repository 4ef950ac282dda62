/** Which file a name leads to: links lead to others, and two names may be of one file. */
import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Links that lead to links; what goes on longer is a circle, which nobody can write to. */
const MOST_LINKS = 40;

/** The path of the file that a write to `path`, which is absolute, would make or change, without links in it. */
export function fileBehind(path: string): string {
  let at = path;
  for (let i = 0; i < MOST_LINKS; i++) {
    try {
      return realpathSync(at);
    } catch {
      // It is not there, or it is a link to what is not.
    }
    const folder = dirname(at);
    const named = folder === at ? at : join(fileBehind(folder), basename(at));
    const to = linkOf(named);
    if (to === null) return named;
    at = resolve(dirname(named), to);
  }
  return at;
}

function linkOf(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}

/**
 * The same text for all names of a file that is there or would be made, hard links among them. Devices and pipes have one for
 * each name: what goes into one of those twice is not lost.
 */
export function fileKey(path: string): string {
  const behind = fileBehind(path);
  try {
    const found = statSync(behind, { bigint: true });
    if (found.isFile()) return `${found.dev}:${found.ino}`;
    return found.isDirectory() ? behind : path;
  } catch {
    return behind;
  }
}
