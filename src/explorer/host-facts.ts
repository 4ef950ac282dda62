/** A host and its domains as expectations and tables see them, in pages. */

export interface DomainFacts {
  readonly domid: number;
  /** Null while it has none. */
  readonly name: string | null;
  /** xl's six letters. */
  readonly state: string;
  readonly totPages: number;
  readonly targetPages: number | null;
  /** Null: no limit. */
  readonly maxPages: number | null;
  readonly outstandingPages: number;
  /** Mappings by size: how many, not how many pages. */
  readonly extents: { readonly '1G': number; readonly '2M': number; readonly '4K': number };
  /** Pages on each node, by node id. */
  readonly nodes: readonly number[];
}

export interface HostFacts {
  readonly totalPages: number;
  readonly freePages: number;
  readonly outstandingPages: number;
  readonly nodes: readonly { readonly node: number; readonly freePages: number }[];
  readonly domains: readonly DomainFacts[];
}
