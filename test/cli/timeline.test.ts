/** The picture of a run: readable by machines whatever names there are, and by people however many lanes. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { timelineSvg } from '../../src/cli/timeline.ts';
import type { TraceEvent } from '../../src/explorer/trace-event.ts';

const event = (change: Partial<TraceEvent>): TraceEvent => ({
  at: 0,
  until: 0,
  task: 1,
  name: 'vm',
  kind: 'hypercall',
  what: 'XEN_DOMCTL_max_mem',
  free: 1000,
  claimed: 0,
  ...change,
});
const MS = 1_000_000;
/** A builder that claims, populates and ends. */
const builder = (task: number, rc = 0): TraceEvent[] => {
  const at = task * MS;
  return [
    event({ task, at, until: at + 10, name: `vm${task}` }),
    event({
      task,
      at: at + 100,
      until: at + 200,
      kind: 'claim',
      what: 'XENMEM_claim_pages',
      rc,
      extents: 500,
      claimed: 500,
    }),
    event({
      task,
      at: at + 200,
      until: at + MS,
      kind: 'populate',
      what: 'XENMEM_populate_physmap',
      rc: 1,
      extents: 500,
      order: 0,
      free: 500,
    }),
    event({ task, at: at + MS, until: at + MS, kind: 'end', what: 'end', rc: rc === 0 ? 0 : 3, free: 500 }),
  ];
};

interface Text {
  readonly '#text': string | number;
  readonly '@_x': string;
  readonly '@_y': string;
}
interface Picture {
  readonly text: readonly Text[];
  readonly polyline: readonly { readonly '@_points': string }[];
}
const parser = new XMLParser({
  ignoreAttributes: false,
  isArray: (name) => ['text', 'polyline'].includes(name),
});
const picture = (svg: string): Picture => parser.parse(svg).svg;
const words = (svg: string): string[] => picture(svg).text.map((t) => String(t['#text']));

describe('a timeline', () => {
  it('is XML whatever tasks and scenarios are called', () => {
    const name = ']]>\u001b[31m\u0000"<&\'\n\u202e\ud800';
    const svg = timelineSvg(name, [
      event({ name, what: name }),
      event({ name, what: name, kind: 'refused', rc: -12 }),
    ]);
    expect(XMLValidator.validate(svg)).toBe(true);
    expect(svg).not.toMatch(/[^\n\P{Cc}]|\u202e|\ud800/u);
  });

  it('is XML where nothing happened', () => {
    expect(XMLValidator.validate(timelineSvg('nothing', []))).toBe(true);
  });

  it('names the scenario, every lane, what the marks mean, both scales and how a command ended', () => {
    const told = words(timelineSvg('a race', [...builder(1), ...builder(2, -12)]));
    for (const text of ['a race', 'vm1', 'vm2', 'populate', 'claims', 'refused', 'virtual time', 'exit 3']) {
      expect(told).toContain(text);
    }
    expect(told).toContain('free memory of the host');
    expect(told.filter((text) => /^\+[\d.]+ /.test(text)).length).toBeGreaterThan(4);
    expect(told.filter((text) => /MiB|pages/.test(text)).length).toBeGreaterThan(1);
  });

  it('explains only the marks that it has', () => {
    expect(words(timelineSvg('one', [event({})]))).not.toContain('refused');
  });

  it.each([2, 10, 50])('keeps the texts of %i lanes apart', (lanes) => {
    const svg = timelineSvg(
      'many',
      Array.from({ length: lanes }, (_, i) => builder(i + 1, i % 2 === 0 ? 0 : -12)).flat(),
    );
    const { text } = picture(svg);
    const columns = new Map<string, number[]>();
    for (const t of text) columns.set(t['@_x'], [...(columns.get(t['@_x']) ?? []), Number(t['@_y'])]);
    const gaps = [...columns.values()].flatMap((ys) => {
      const sorted = ys.sort((a, b) => a - b);
      return sorted.slice(1).map((y, i) => y - sorted[i]!);
    });
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(12);
    expect(text.filter((t) => /^vm\d+$/.test(String(t['#text'])))).toHaveLength(lanes);
  });

  it('lets a claim rise at once and fall as it is used up', () => {
    const [claimed, free] = picture(timelineSvg('claim', builder(1))).polyline.map((line) =>
      line['@_points'].split(' ').map((point) => point.split(',').map(Number)),
    );
    const rise = claimed!.findIndex(([, y], i) => i > 0 && y! < claimed![i - 1]![1]!);
    expect(claimed![rise]![0]).toBe(claimed![rise - 1]![0]);
    expect(free!.at(-1)![1]).toBeGreaterThan(free![0]![1]!);
  });

  it('holds what was free until somebody takes or gives back', () => {
    const freed = event({
      task: 1,
      name: 'vm1',
      at: 8 * MS,
      until: 9 * MS,
      kind: 'free',
      what: 'XEN_DOMCTL_destroydomain',
      free: 1000,
    });
    const points = (events: readonly TraceEvent[]): number[][] =>
      picture(timelineSvg('held', events))
        .polyline.at(-1)!
        ['@_points'].split(' ')
        .map((point) => point.split(',').map(Number));
    const [free, shown] = [points([...builder(1), freed]), timelineSvg('held', [...builder(1), freed])];
    const low = Math.max(...free.map(([, y]) => y!));
    const held = free.filter(([, y]) => y === low).map(([x]) => x!);
    // The bar of what is given back begins where the line leaves the ground.
    const bar = /<rect x="([\d.]+)"[^>]*fill="#58a55c"/g;
    const begins = [...shown.matchAll(bar)].map((m) => Number(m[1])).at(-1)!;
    expect(held.at(-1)).toBeCloseTo(begins, 0);
    expect(held.at(-1)! - held[0]!).toBeGreaterThan(300);
  });

  it('tells a wait for the lock with the memory of its end', () => {
    const waits = event({
      task: 2,
      name: 'vm2',
      kind: 'lock-wait',
      what: '/run/lock/xl',
      until: 2 * MS,
      free: 500,
    });
    const [free] = picture(timelineSvg('lock', [waits, ...builder(1)])).polyline.map((line) =>
      line['@_points'].split(' '),
    );
    expect(free![0]!.split(',')[1]).toBe(free![1]!.split(',')[1]);
  });

  it('draws a long run with times of a clock', () => {
    const told = words(timelineSvg('long', [event({}), event({ at: 7200e9, until: 7200e9 })]));
    expect(told).toContain('+30 m');
  });
});
