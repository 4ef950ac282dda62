/** The one object that --json prints, and the JSON Schema that says what is in it. Memory in pages of 4 KiB throughout. */
import type { HostReport } from './host-report.ts';
import { fromBytes } from './screen.ts';

/** The object as one line of text. `result` is what the command itself printed or found. */
export function jsonObject(
  command: string,
  exit: number,
  messages: readonly string[],
  host: HostReport | null,
  result: unknown,
): string {
  return `${JSON.stringify({
    schema: 'xlsim/1',
    command,
    exit,
    messages,
    time_ns: host?.timeNs ?? null,
    host: host === null ? null : hostObject(host),
    domains: host === null ? [] : host.domains.map(domainObject),
    result,
  })}\n`;
}

const hostObject = (host: HostReport): object => ({
  total_pages: host.totalPages,
  free_pages: host.freePages,
  outstanding_pages: host.outstandingPages,
  nodes: host.nodes.map(({ node, freePages, spannedPages }) => ({
    node,
    free_pages: freePages,
    spanned_pages: spannedPages,
  })),
});

const domainObject = (d: HostReport['domains'][number]): object => ({
  domid: d.domid,
  name: d.name === null ? null : fromBytes(d.name),
  uuid: d.uuid,
  state: d.state,
  tot_pages: d.totPages,
  target_pages: d.targetPages,
  max_pages: d.maxPages,
  outstanding_pages: d.outstandingPages,
  pod_cache_pages: d.podCachePages,
  pod_entries: d.podEntries,
  extents: d.extents,
  nodes: d.nodes,
});

const pages = { type: 'integer', minimum: 0, description: 'pages of 4 KiB' } as const;
const pagesOrNull = { type: ['integer', 'null'], minimum: 0, description: 'pages of 4 KiB' } as const;
const object = (properties: Record<string, unknown>, extra: object = {}): object => ({
  type: 'object',
  required: Object.keys(properties),
  additionalProperties: false,
  properties,
  ...extra,
});

/** JSON Schema (draft-07) of what --json prints. */
export function outputSchema(): object {
  const node = object({ node: { type: 'integer', minimum: 0 }, free_pages: pages, spanned_pages: pages });
  const domain = object({
    domid: { type: 'integer', minimum: 0, maximum: 32751 },
    name: { type: ['string', 'null'] },
    uuid: { type: 'string' },
    state: {
      type: 'string',
      pattern: '^[r-][b-][p-][s-][-rscwS?][d-]$',
      description: "xl list's six letters",
    },
    tot_pages: pages,
    target_pages: pagesOrNull,
    max_pages: { ...pagesOrNull, description: 'pages of 4 KiB; null: no limit' },
    outstanding_pages: pages,
    pod_cache_pages: { ...pages, description: 'pages held back for populate-on-demand' },
    pod_entries: { ...pages, description: 'pages promised and not yet given' },
    extents: object({ '1G': pages, '2M': pages, '4K': pages }, { description: 'mappings by size' }),
    nodes: { type: 'array', items: pages, description: 'pages on each node, by node id' },
  });
  const host = object({
    total_pages: pages,
    free_pages: pages,
    outstanding_pages: pages,
    nodes: { type: 'array', items: node },
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'xlsim/1',
    title: 'What xlsim --json prints',
    ...object({
      schema: { const: 'xlsim/1' },
      command: { type: 'string' },
      exit: { type: 'integer', minimum: 0, maximum: 255 },
      messages: { type: 'array', items: { type: 'string' } },
      time_ns: { type: ['integer', 'null'], minimum: 0, description: "the host's virtual clock" },
      host: { anyOf: [host, { type: 'null' }] },
      domains: { type: 'array', items: domain },
      result: { description: 'what the command itself found or printed; null when nothing' },
    }),
  };
}
