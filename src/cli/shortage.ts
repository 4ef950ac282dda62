/** The sentences about who holds the memory, and names as a person may see them. */
import type { DomainReport, HostReport } from './host-report.ts';
import { clipped, fromBytes, visibleLine } from './screen.ts';
import { sizeText } from './size.ts';

const NAME_CHARACTERS = 40;

/** A domain's name as a person may see it. */
export function shownName(name: string | null): string {
  if (name === null) return '(no name)';
  // A name may be very long; what is cut away is not worth decoding.
  return clipped(visibleLine(fromBytes(name.slice(0, 8 * NAME_CHARACTERS))), NAME_CHARACTERS);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

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
