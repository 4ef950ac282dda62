/** `xlsim claim DOM SIZE`: XENMEM_claim_pages by hand, with its refusals explained. */
import { ENOMEM } from '../hypervisor/errno.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import { domId, type Pages } from '../hypervisor/units.ts';
import { type Cli, complain, say } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { type DomainReport, type HostReport, reportHost } from './host-report.ts';
import { jsonObject } from './json-output.ts';
import { changed, sessionToChange } from './open-host.ts';
import { paint } from './paint.ts';
import { toBytes, visible, visibleLine, wantsColour } from './screen.ts';
import { shellLine } from './shell-words.ts';
import { explainShortage, shownName } from './shortage.ts';
import { parseSize, sizeText } from './size.ts';
import { renderTables } from './tables.ts';

const MISUSE = 2;
const REFUSED = 1;
/** Virtual time a claim takes. */
const CLAIM_NS = 5_000;

/** The domain a user means: digits are an id, anything else a name, as xl has it. */
function findDomain(report: HostReport, word: string): DomainReport | null {
  const isId = /^\d+$/.test(word);
  return report.domains.find((d) => (isId ? d.domid === Number(word) : d.name === toBytes(word))) ?? null;
}

/** Runs the command; the exit code: 0, 1 when Xen refuses, 2 when the words are wrong. */
export function claimCommand(cli: Cli, options: GlobalOptions, word: string, sizeWord: string): number {
  const size = parseSize(sizeWord);
  if (!size.ok) {
    complain(cli, size.message);
    return MISUSE;
  }
  const { world } = sessionToChange(cli, options);
  const before = reportHost(world);
  const domain = findDomain(before, word);
  if (domain === null) {
    complain(cli, `${visibleLine(word.slice(0, 200))} is an invalid domain identifier`);
    return REFUSED;
  }
  const args = { domid: domId(domain.domid), nrExtents: size.pages };
  const { rc } = hypercall(world.xen, { caller: 0, node: 0 }, { name: 'XENMEM_claim_pages', args });
  const messages = rc === 0 ? [] : refusal(before, domain, size.pages, rc);
  if (rc === 0) {
    world.now += CLAIM_NS;
    changed(cli, shellLine(['xlsim', 'claim', word, sizeWord]));
  }
  const exit = rc === 0 ? 0 : REFUSED;
  const report = reportHost(world);
  if (options.json) {
    say(cli, 'stdout', toBytes(jsonObject(`claim ${word} ${sizeWord}`, exit, messages, report, { rc })));
    return exit;
  }
  for (const line of messages) say(cli, 'stderr', toBytes(`${visible(line)}\n`));
  if (options.tables === 'never') return exit;
  const colour = wantsColour(cli.terminal.isTerminal('stdout'), cli.env);
  say(cli, 'stdout', toBytes(renderTables(report, paint(colour))), true);
  return exit;
}

/** Why Xen said no, in the order of its own checks. */
function refusal(report: HostReport, domain: DomainReport, asked: Pages, rc: number): string[] {
  const who = `${shownName(domain.name)} (${domain.domid})`;
  if (rc === -ENOMEM) {
    const missing = asked - domain.totPages;
    return [
      `xlsim: claim refused: ENOMEM: ${who} would need ${sizeText(missing)} more than it has`,
      ...explainShortage(report, missing).trimEnd().split('\n'),
    ];
  }
  const reason = invalid(domain, asked);
  return [`xlsim: claim refused: ${reason === null ? `error ${-rc}` : `EINVAL: ${who} ${reason}`}`];
}

function invalid(domain: DomainReport, asked: Pages): string | null {
  if (domain.outstandingPages > 0) {
    return `has a claim of ${sizeText(domain.outstandingPages)} already; a claim is cancelled (0) before another is made`;
  }
  if (asked <= domain.totPages) {
    return `has ${sizeText(domain.totPages)} already; a claim names the total it is to have, so it must be larger`;
  }
  if (domain.maxPages !== null && asked > domain.maxPages) {
    return `may have ${sizeText(domain.maxPages)} at most; raise that first (xl mem-max)`;
  }
  return 'is in no state to claim memory';
}
