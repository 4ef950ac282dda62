/**
 * What may be asked of xenstore, and its answers, as plain data. Who answers is explorer/xenstored.ts, or a scene in tests.
 *
 * Only what xl, libxl and the guests' drivers need: no permissions, no quotas. The end of a transaction fails with
 * EAGAIN when anybody else changed what it has looked at (before 4.9: anything).
 */

/** One request to xenstore. `tx` is a transaction id from `transaction_start`, absent outside of one. */
export type XsCall =
  | { readonly op: 'read'; readonly path: string; readonly tx?: number; readonly ahead?: XsAhead }
  | { readonly op: 'write'; readonly path: string; readonly value: string; readonly tx?: number }
  | { readonly op: 'mkdir'; readonly path: string; readonly tx?: number }
  | { readonly op: 'rm'; readonly path: string; readonly tx?: number }
  | { readonly op: 'directory'; readonly path: string; readonly tx?: number }
  | { readonly op: 'transaction_start' }
  | { readonly op: 'transaction_end'; readonly tx: number; readonly abort: boolean }
  | { readonly op: 'introduce'; readonly domid: number }
  | { readonly op: 'release'; readonly domid: number };

/**
 * The reads that follow: the names of these domains, from that place on. Who answers may answer some of them at once,
 * where nobody could come between; or none.
 */
interface XsAhead {
  readonly domids: readonly number[];
  readonly from: number;
  /** Only the first place is wanted where this name is. */
  readonly sought?: string;
}

/** Names that were read ahead for one that is sought: how many, and which of them was it first; null: none. */
export interface XsSought {
  readonly count: number;
  readonly place: number | null;
}

/** rc 0, or a negative errno (ENOENT, EAGAIN). `value` for read, `entries` for directory, `tx` for transaction_start, `ahead`: what was read ahead, null where nothing is; `passed` in its place where a name is sought. */
export interface XsReply {
  readonly rc: number;
  readonly value?: string;
  readonly entries?: readonly string[];
  readonly tx?: number;
  readonly ahead?: readonly (string | null)[];
  readonly passed?: XsSought;
}
