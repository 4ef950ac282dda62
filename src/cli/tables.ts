/** The two tables after a command that changes the host. */
import { aligned, type Column, layOut } from './columns.ts';
import type { DomainReport, HostReport } from './host-report.ts';
import type { Paint } from './screen.ts';
import { shownName } from './shortage.ts';
import { mibText } from './size.ts';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Memory by domain, then claims; each under a heading that names its unit. */
export function renderTables(report: HostReport, paint: Paint): string {
  return `${memoryTable(report, paint)}\n${claimsTable(report, paint)}`;
}

/** A column of a table: its cells, and what stands below them. */
interface Filled extends Column {
  readonly cells: readonly (number | string)[];
  readonly total: number | string;
}

function fill(filled: readonly Filled[], paint: Paint): string {
  const texts = filled.map(({ cells, total }) => aligned([...cells, total]));
  const rows = (filled[0]?.cells ?? []).map((_, i) => texts.map((column) => column[i] ?? ''));
  return layOut(
    filled,
    rows,
    texts.map((column) => column[column.length - 1] ?? ''),
    paint,
  );
}

const words = (heading: string, cells: readonly string[], total = ''): Filled => ({
  heading,
  align: 'left',
  cells,
  total,
});

/** Numbers, with their sum below; what is no number stands as it is. */
const numbers = (heading: string, cells: readonly (number | string)[], total?: number | string): Filled => ({
  heading,
  align: 'right',
  cells,
  total: total ?? sum(cells.map((cell) => (typeof cell === 'number' ? cell : 0))),
});

const MIB = 256;

function memoryTable({ domains, nodes }: HostReport, paint: Paint): string {
  const hasPod = domains.some((d) => d.podCachePages > 0 || d.podEntries > 0);
  const each = <T>(of: (d: DomainReport) => T): T[] => domains.map(of);
  return fill(
    [
      words(
        'Memory/MiB',
        each((d) => shownName(d.name)),
        'total',
      ),
      numbers(
        'ID',
        each((d) => d.domid),
        '',
      ),
      words(
        'State',
        each((d) => d.state),
      ),
      numbers(
        'Populated',
        each((d) => d.totPages / MIB),
      ),
      numbers(
        'Target',
        each((d) => (d.targetPages === null ? '-' : d.targetPages / MIB)),
      ),
      numbers(
        'Max',
        each((d) => (d.maxPages === null ? 'none' : d.maxPages / MIB)),
        '',
      ),
      ...(hasPod
        ? [
            numbers(
              'PoD',
              each((d) => d.podCachePages / MIB),
            ),
          ]
        : []),
      ...(['1G', '2M', '4K'] as const).map((size) =>
        numbers(
          size,
          each((d) => d.extents[size]),
        ),
      ),
      ...(nodes.length > 1
        ? nodes.map(({ node }) =>
            numbers(
              `Node${node}`,
              each((d) => (d.nodes[node] ?? 0) / MIB),
            ),
          )
        : []),
    ],
    paint,
  );
}

function claimsTable(report: HostReport, paint: Paint): string {
  const claimants = report.domains.filter((d) => d.outstandingPages > 0);
  const each = <T>(of: (d: DomainReport) => T): T[] => claimants.map(of);
  const table = fill(
    [
      words(
        'Claims/MiB',
        each((d) => shownName(d.name)),
        'total',
      ),
      numbers(
        'ID',
        each((d) => d.domid),
        '',
      ),
      numbers(
        'Claimed',
        each((d) => (d.totPages + d.outstandingPages) / MIB),
      ),
      numbers(
        'Outstanding',
        each((d) => d.outstandingPages / MIB),
        report.outstandingPages / MIB,
      ),
      words(
        'Nodes',
        each(() => 'any'),
      ),
    ],
    paint,
  );
  return table + hostLines(report, report.nodes.length > 1);
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
