/** The two tables after a command that changes the host, and the sentences about who holds the memory. */
import { type Column, layOut } from './columns.ts';
import type { DomainReport, HostReport } from './host-report.ts';
import { clipped, fromBytes, type Paint, visibleLine } from './screen.ts';
import { mibText, sizeText } from './size.ts';

const NAME_COLUMNS = 40;

/** A domain's name as a person may see it. */
export function shownName(name: string | null): string {
  if (name === null) return '(no name)';
  // A name may be very long; what is cut away is not worth decoding.
  return clipped(visibleLine(fromBytes(name.slice(0, 4 * NAME_COLUMNS))), NAME_COLUMNS);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Memory by domain, then claims; each under a heading that names its unit. */
export function renderTables(report: HostReport, paint: Paint): string {
  return `${memoryTable(report, paint)}\n${claimsTable(report, paint)}`;
}

function memoryTable({ domains, nodes }: HostReport, paint: Paint): string {
  const columns: Column[] = [
    { heading: 'Memory/MiB', align: 'left' },
    { heading: 'ID', align: 'right' },
    { heading: 'State', align: 'left' },
    { heading: 'Populated', align: 'right' },
    { heading: 'Target', align: 'right' },
    { heading: 'Max', align: 'right' },
    { heading: '1G', align: 'right' },
    { heading: '2M', align: 'right' },
    { heading: '4K', align: 'right' },
    ...(nodes.length > 1
      ? nodes.map(({ node }): Column => ({ heading: `Node${node}`, align: 'right' }))
      : []),
  ];
  const rows = domains.map((d) => [
    shownName(d.name),
    String(d.domid),
    d.state,
    mibText(d.totPages),
    d.targetPages === null ? '-' : mibText(d.targetPages),
    d.maxPages === null ? 'none' : mibText(d.maxPages),
    ...extentCells(d),
    ...(nodes.length > 1 ? nodes.map(({ node }) => mibText(d.nodes[node] ?? 0)) : []),
  ]);
  const total = [
    'total',
    '',
    '',
    mibText(sum(domains.map((d) => d.totPages))),
    mibText(sum(domains.map((d) => d.targetPages ?? 0))),
    '',
    ...(['1G', '2M', '4K'] as const).map((size) => String(sum(domains.map((d) => d.extents[size])))),
    ...(nodes.length > 1
      ? nodes.map(({ node }) => mibText(sum(domains.map((d) => d.nodes[node] ?? 0))))
      : []),
  ];
  return layOut(columns, rows, total, paint);
}

const extentCells = (d: DomainReport): string[] => [
  String(d.extents['1G']),
  String(d.extents['2M']),
  String(d.extents['4K']),
];

function claimsTable(report: HostReport, paint: Paint): string {
  const { domains, nodes } = report;
  const claimants = domains.filter((d) => d.outstandingPages > 0);
  const columns: Column[] = [
    { heading: 'Claims/MiB', align: 'left' },
    { heading: 'ID', align: 'right' },
    { heading: 'Claimed', align: 'right' },
    { heading: 'Outstanding', align: 'right' },
    { heading: 'Nodes', align: 'left' },
  ];
  const rows = claimants.map((d) => [
    shownName(d.name),
    String(d.domid),
    mibText(d.totPages + d.outstandingPages),
    mibText(d.outstandingPages),
    'any',
  ]);
  const total = [
    'total',
    '',
    mibText(sum(claimants.map((d) => d.totPages + d.outstandingPages))),
    mibText(report.outstandingPages),
    '',
  ];
  return layOut(columns, rows, total, paint) + hostLines(report, nodes.length > 1);
}

function hostLines(report: HostReport, byNode: boolean): string {
  const { totalPages, freePages, outstandingPages } = report;
  const line =
    `host: ${mibText(totalPages)} MiB, ${mibText(freePages)} free, ` +
    `${mibText(outstandingPages)} claimed, ${mibText(freePages - outstandingPages)} unclaimed\n`;
  if (!byNode) return line;
  const nodes = report.nodes.map(({ node, freePages: free }) => `node${node} ${mibText(free)}`);
  return `${line}free by node: ${nodes.join(', ')}\n`;
}

/** How many holders are named before the rest is summed up. */
const HOLDERS = 8;

/** Who holds the memory, for a command that did not get what it asked for. `asked` in pages, or null if unknown. */
export function explainShortage(report: HostReport, asked: number | null): string {
  const { freePages, outstandingPages } = report;
  const want = asked === null ? '' : `${sizeText(asked)} asked for, `;
  const lines = [
    `xlsim: not enough memory: ${want}${sizeText(freePages)} free, ` +
      `${sizeText(outstandingPages)} of it claimed, ${sizeText(freePages - outstandingPages)} unclaimed`,
  ];
  const claimed = report.domains.filter((d) => d.outstandingPages > 0);
  if (claimed.length > 0) lines.push(`xlsim: claimed by ${holders(claimed, (d) => d.outstandingPages)}`);
  lines.push(`xlsim: owned by ${holders(report.domains, (d) => d.totPages)}`);
  return `${lines.join('\n')}\n`;
}

function holders(domains: readonly DomainReport[], pagesOf: (d: DomainReport) => number): string {
  const sorted = [...domains].sort((a, b) => pagesOf(b) - pagesOf(a) || a.domid - b.domid);
  const named = sorted
    .slice(0, HOLDERS)
    .map((d) => `${shownName(d.name)} (${d.domid}): ${sizeText(pagesOf(d))}`);
  const rest = sorted.slice(HOLDERS);
  if (rest.length > 0) named.push(`${rest.length} others: ${sizeText(sum(rest.map(pagesOf)))}`);
  return named.length === 0 ? 'nobody' : named.join(', ');
}
