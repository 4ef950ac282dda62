/** `xlsim map`: physical memory as rows of letters, one for whoever holds most of a block. */

import type { World } from '../explorer/world.ts';
import { type Cli, complain, say } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { type Census, census, type Owner } from './heap-census.ts';
import { reportHost } from './host-report.ts';
import { save, sessionToRead } from './open-host.ts';
import { toBytes } from './screen.ts';
import { shownName } from './shortage.ts';
import { mibText, sizeText } from './size.ts';

const MISUSE = 2;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWYZabcdefghijklmnopqrstuvwxyz';
const MARKS = { free: '.', xen: 'X', around: '%', offlined: '!' } as const;

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
  const letters = lettersOf(world);
  const nodes = world.xen.layout.nodes.map((node) => drawNode(world, node, width, lines, letters));
  say(cli, 'stdout', toBytes(nodes.join('\n') + legend(world, letters)));
  return 0;
}

/** A letter for each domain, in order of domid; beyond the alphabet all are `#`. */
function lettersOf(world: World): ReadonlyMap<number, string> {
  const domids = [...world.xen.domains.keys()].sort((a, b) => a - b);
  return new Map(domids.map((domid, i) => [domid, LETTERS[i] ?? '#']));
}

type Node = World['xen']['layout']['nodes'][number];

function drawNode(
  world: World,
  node: Node,
  width: number,
  lines: number,
  letters: ReadonlyMap<number, string>,
): string {
  const [first, end] = node.span;
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, (end - first) / (width * lines))));
  const pageCount = node.ranges.reduce((all, [from, to]) => all + to - from, 0);
  const out = [`node ${node.node}: ${mibText(pageCount)} MiB of RAM, a character is ${sizeText(size)}`];
  const start = Math.floor(first / size) * size;
  const blocks = { span: node.span, first: start, size, count: Math.ceil((end - start) / size) };
  const counts = census(world.xen, blocks, node.ranges);
  for (let row = 0; row < blocks.count; row += width) {
    let text = '';
    for (let block = row; block < Math.min(blocks.count, row + width); block++) {
      text += mark(mostFrames(counts, block), letters);
    }
    out.push(`${(start + row * size).toString(16).padStart(9)} |${text.padEnd(width)}|`);
  }
  return `${out.join('\n')}\n`;
}

/** Who has most frames of a block; null: there is no RAM. */
function mostFrames(counts: Census, block: number): Owner | null {
  let best: Owner | null = null;
  let most = 0;
  for (const [owner, column] of counts) {
    const frames = column[block] ?? 0;
    if (frames > most) {
      best = owner;
      most = frames;
    }
  }
  return best;
}

function mark(owner: Owner | null, letters: ReadonlyMap<number, string>): string {
  if (owner === null) return ' ';
  return typeof owner === 'number' ? (letters.get(owner) ?? '#') : MARKS[owner];
}

function legend(world: World, letters: ReadonlyMap<number, string>): string {
  const report = reportHost(world);
  const lines = report.domains.map(
    (d) => `${letters.get(d.domid)}  ${shownName(d.name)} (${d.domid}), ${mibText(d.totPages)} MiB`,
  );
  const { totalPages, freePages, outstandingPages } = report;
  const owned = report.domains.reduce((all, d) => all + d.totPages, 0);
  return `
.  free   X  Xen's heap   %  Xen's without an owner (frame table, domains' tables)   !  offlined   (blank)  no RAM
${lines.join('\n')}
total ${mibText(totalPages)} MiB: ${mibText(owned)} owned by domains, ${mibText(freePages)} free (${mibText(outstandingPages)} claimed), ${mibText(totalPages - owned - freePages)} Xen's
`;
}
