/** `xlsim map`: physical memory as rows of letters, one for whoever holds most of a block. */

import type { World } from '../explorer/world.ts';
import { ownerOf } from '../hypervisor/heap-report.ts';
import { type Cli, complain, say } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { reportHost } from './host-report.ts';
import { save, sessionToRead } from './open-host.ts';
import { toBytes } from './screen.ts';
import { shownName } from './shortage.ts';
import { mibText, sizeText } from './size.ts';

const MISUSE = 2;
const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWYZ';
const MARKS = { free: '.', xen: 'X', anon: '%', offlined: '!', none: ' ' } as const;
/** Frames looked at in a block. */
const SAMPLES = 16;

type Owner = ReturnType<typeof ownerOf>;

/** Draws every node; the exit code. */
export function mapCommand(
  cli: Cli,
  options: GlobalOptions,
  given: { readonly width: string; readonly lines: string },
): number {
  const width = Number(given.width);
  const lines = Number(given.lines);
  if (
    !(
      Number.isInteger(width) &&
      width >= 8 &&
      width <= 512 &&
      Number.isInteger(lines) &&
      lines >= 1 &&
      lines <= 512
    )
  ) {
    complain(cli, '--width is 8 to 512, --lines 1 to 512');
    return MISUSE;
  }
  save(cli);
  const { world } = sessionToRead(cli, options);
  const letters = new Map<number, string>();
  const nodes = world.xen.layout.nodes.map((node) => drawNode(world, node, width, lines, letters));
  say(cli, 'stdout', toBytes(nodes.join('\n') + legend(world, letters)));
  return 0;
}

type Node = World['xen']['layout']['nodes'][number];

function drawNode(
  world: World,
  node: Node,
  width: number,
  lines: number,
  letters: Map<number, string>,
): string {
  const [first, end] = node.span;
  const block = Math.max(SAMPLES, 2 ** Math.ceil(Math.log2(Math.max(1, (end - first) / (width * lines)))));
  const pageCount = node.ranges.reduce((all, [from, to]) => all + to - from, 0);
  const out = [`node ${node.node}: ${mibText(pageCount)} MiB of RAM, a character is ${sizeText(block)}`];
  const start = Math.floor(first / block) * block;
  for (let row = start; row < end; row += block * width) {
    let text = '';
    for (let at = row; at < Math.min(end, row + block * width); at += block) {
      text += mark(majority(world, Math.max(at, first), Math.min(at + block, end)), letters);
    }
    out.push(`${row.toString(16).padStart(9)} |${text.padEnd(width)}|`);
  }
  return `${out.join('\n')}\n`;
}

/** Who holds most of some evenly spread frames of [from, to). */
function majority(world: World, from: number, to: number): Owner {
  const counts = new Map<Owner, number>();
  const samples = Math.min(SAMPLES, to - from);
  for (let i = 0; i < samples; i++) {
    const owner = ownerOf(world.xen.heap, from + Math.floor(((2 * i + 1) * (to - from)) / (2 * samples)));
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  let best: Owner = 'none';
  for (const [owner, count] of counts) if (count > (counts.get(best) ?? 0)) best = owner;
  return best;
}

/** A letter for each domain, in the order in which the map meets them. */
function mark(owner: Owner, letters: Map<number, string>): string {
  if (typeof owner !== 'number') return MARKS[owner];
  const known = letters.get(owner) ?? LETTERS[letters.size] ?? '#';
  letters.set(owner, known);
  return known;
}

function legend(world: World, letters: ReadonlyMap<number, string>): string {
  const report = reportHost(world);
  const lines = report.domains
    .filter((d) => letters.has(d.domid))
    .map((d) => `${letters.get(d.domid)}  ${shownName(d.name)} (${d.domid}), ${mibText(d.totPages)} MiB`);
  const { totalPages, freePages, outstandingPages } = report;
  const owned = report.domains.reduce((all, d) => all + d.totPages, 0);
  return `
.  free   X  Xen itself   %  Xen around a domain   !  offlined   (blank)  no RAM
${lines.join('\n')}
total ${mibText(totalPages)} MiB: ${mibText(owned)} owned by domains, ${mibText(freePages)} free (${mibText(outstandingPages)} claimed), ${mibText(totalPages - owned - freePages)} Xen's
`;
}
