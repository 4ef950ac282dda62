/** The library's races have the verdicts that docs/exploration.md gives them. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grouped } from '../../src/cli/explore-words.ts';
import { parallelBlocks } from '../../src/explorer/block-prefix.ts';
import type { Subject } from '../../src/explorer/explore-how.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { explored, subjectOf } from '../explorer/explore-fixture.ts';

const docs = readFileSync('docs/exploration.md', 'utf8');
const table = docs.slice(docs.indexOf("## The library's races"));
const rows = [
  ...table.matchAll(/^\| ([\w-]+) \| (.*?) ?\| ([\w:]+) \| ([a-z ]+) \| (all|\d+) \| ?(.*?) ?\|$/gm),
].map(
  ([, file, twin, grain, verdict, walked, memory]) =>
    [file!, twin!.trim(), grain!, verdict!, walked!, memory!] as const,
);
const textOf = (file: string): string => readFileSync(`scenarios/${file}.xlsim.yaml`, 'utf8');

function subjectNamed(file: string, twin: string): Subject {
  const parsed = parseScenario(textOf(file), file);
  const stage = parsed.ok ? parsed.value.twins.find(({ name }) => name === twin)?.stage : undefined;
  expect(twin === '' || stage !== undefined).toBe(true);
  const base = subjectOf(textOf(file));
  return stage === undefined ? base : { ...base, stage };
}

describe("the library's races", () => {
  it.each(rows)('%s %s, by %s: %s', { timeout: 300_000 }, (file, twin, grain, verdict, walked, memory) => {
    const subject = subjectNamed(file, twin);
    // What takes a minute frame by frame is walked by class here.
    const isLong = memory === 'by class only' || file === 'claim-vs-balloon';
    const sampled = { strategy: 'random', samples: { from: 0, to: Number(walked) } } as const;
    const asked = {
      grain,
      ownership: isLong ? 'class' : 'auto',
      ...(walked === 'all' ? {} : sampled),
    } as const;
    const found = explored(subject, asked);
    expect(found.verdict).toBe(verdict);
    expect(found.walk.finished).toBe(true);
    if (found.counterexample !== null) expect(found.counterexample.replays_as).toBe(verdict);
    if (walked !== 'all') return;
    expect(found.walk.abstract).toBe(isLong);
    if (isLong) return;
    const { ownership, by_sums, states } = found.walk;
    const how = ownership === 'exact' ? 'frame by frame' : by_sums ? 'by sums' : 'by class';
    expect(how === 'by class' ? how : `${how}: ${grouped(states!)} states`).toBe(memory);
    // Breadth first jumps between states of which each is a long way from the others here, which takes a hundred times as
    // long as depth first; the row above walks this scenario both ways, those of other scenarios this grain.
    if (file === 'race-2012-xl-lock' && grain === 'sections') return;
    // A fact of the scenario, not of the search.
    const other = explored(subject, { ...asked, order: 'bfs' });
    expect({ ...other, walk: { ...other.walk, order: 'dfs' } }).toEqual(found);
  });

  it('are all in the table', () => {
    const files = readdirSync('scenarios').filter((name) => name.endsWith('.xlsim.yaml'));
    const parallel = files.filter((name) => {
      const parsed = parseScenario(readFileSync(`scenarios/${name}`, 'utf8'), name);
      // Orders are explored on one host.
      if (!parsed.ok || parsed.value.stage.others.length > 0) return false;
      return parallelBlocks(parsed.value.stage).length > 0;
    });
    const told = new Set(rows.map(([file]) => `${file}.xlsim.yaml`));
    expect(parallel.filter((name) => !told.has(name))).toEqual([]);
  });
});
