/**
 * Xen releases as data: which memory rules a host follows.
 *
 * A profile is named after a release ("4.17", "4.19.5"); a name without point release means .0. Every selector cites
 * the change that introduced it, so that a published bug can be shown under the release that had it.
 */
import type { ClaimRules } from './heap-state.ts';

/** A release of Xen as far as memory is concerned. */
export interface XenProfile {
  /** As the user named it. */
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly point: number;
  /** Changed by 17294e69c4 (4.6), 37663f36df (4.14), 3472783c26 (4.21), 2379ca04fe and 75d29d9b5e (4.22, backported). */
  readonly claimRules: ClaimRules;
  /** xl.conf's claim_mode when it is not set: 0 in 4.3, 1 since f3e5942b1f. */
  readonly claimModeDefault: 0 | 1;
  /** What an HVM claim names: the pages still to be populated (4.3), or the whole target (46b5f0fd1f). */
  readonly hvmClaim: 'additional' | 'total';
  /** Which freemem() xl runs: with slack (to 4.5), three retries (c26f92b8fc), or 30 seconds of credit (e58370df76). */
  readonly freemem: 'slack' | 'retries' | 'credit';
  /** libxc takes ENOSYS from the claim for success. Ended by 7672602df6. */
  readonly claimEnosysHidden: boolean;
  /** When a transaction of xenstore fails: see xs-transaction.ts. Changed by "xenstore: rework of transaction handling" (4.9). */
  readonly xenstoreConflicts: 'any change' | 'node changed';
}

/** The last point release of each minor release that a profile may name. */
const LAST_POINT: Readonly<Record<number, number>> = {
  3: 4,
  4: 4,
  5: 5,
  6: 6,
  7: 6,
  8: 5,
  9: 4,
  10: 4,
  11: 4,
  12: 4,
  13: 5,
  14: 6,
  15: 5,
  16: 7,
  17: 7,
  18: 5,
  19: 5,
  20: 3,
  21: 1,
  22: 0,
};
const FIRST_MINOR = 3;
const LAST_MINOR = 22;

/** The first point release of older minor releases that carries the claim fixes made for 4.22. */
const CLAIM_FIXES_BACKPORTED: Readonly<Record<number, number>> = { 19: 5, 20: 3, 21: 1 };

/** Rule sets that were proposed but are not a release of Xen. */
const CLAIM_SETS = /^claims-v\d+$/;

export type ProfileResult =
  | { readonly ok: true; readonly profile: XenProfile }
  | { readonly ok: false; readonly message: string };

/** The profile called `name`, or a sentence that says why there is none and which there are. */
export function xenProfile(name: string): ProfileResult {
  if (CLAIM_SETS.test(name)) {
    return {
      ok: false,
      message: `Xen profile "${name}" is not modelled: NUMA claim sets are not in any release`,
    };
  }
  const parts = /^4\.(\d{1,2})(?:\.(\d{1,2}))?$/.exec(name);
  const minor = Number(parts?.[1] ?? -1);
  const point = Number(parts?.[2] ?? 0);
  const last = LAST_POINT[minor];
  if (last === undefined || point > last) {
    return { ok: false, message: `unknown Xen profile "${name}"; known are ${profileNames()}` };
  }
  return { ok: true, profile: makeProfile(name, minor, point) };
}

/** The known profiles in one line, e.g. "4.3 … 4.3.4, 4.4 … 4.4.4". */
function profileNames(): string {
  const names: string[] = [];
  for (let minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
    const last = LAST_POINT[minor] ?? 0;
    names.push(last === 0 ? `4.${minor}` : `4.${minor} to 4.${minor}.${last}`);
  }
  return names.join(', ');
}

function makeProfile(name: string, minor: number, point: number): XenProfile {
  const fixed = minor >= 22 || point >= (CLAIM_FIXES_BACKPORTED[minor] ?? Infinity);
  return {
    name,
    major: 4,
    minor,
    point,
    claimRules: {
      consumeAt: fixed ? 'alloc' : 'assign',
      // Once consumption has left domain_adjust_tot_pages() (the backports too), freeing cannot raise a claim.
      freeReplenishes: minor <= 20 && !fixed,
      refuseDying: fixed,
      noRefcountGatedAsAnonymous: minor >= 6,
      totMinusExtra: minor >= 14,
    },
    claimModeDefault: minor >= 4 ? 1 : 0,
    hvmClaim: minor >= 4 ? 'total' : 'additional',
    freemem: minor >= 17 ? 'credit' : minor >= 6 ? 'retries' : 'slack',
    claimEnosysHidden: minor < 22,
    xenstoreConflicts: minor >= 9 ? 'node changed' : 'any change',
  };
}
