/** The documents' examples run, and the cost model's table is the one in the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import { formatDuration } from '../../src/explorer/amount.ts';
import { COSTS } from '../../src/explorer/cost-model.ts';
import { replayScenario } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { parseTranscript } from '../../src/explorer/transcript.ts';

const text = readFileSync('docs/scenario-format.md', 'utf8');
const examples = [...text.matchAll(/```(yaml|transcript)\n([\s\S]*?)```/g)].map((m, i) => ({
  name: `example ${i + 1}`,
  read: m[1] === 'yaml' ? parseScenario : parseTranscript,
  body: m[2]!,
}));

describe('docs/scenario-format.md', () => {
  it.each(examples)('$name runs as it stands', ({ read, body }) => {
    const scenario = read(body, 'example');
    expect(scenario.ok ? [] : scenario.problems).toEqual([]);
    if (!scenario.ok) return;
    const around = {
      readFile: () => -2,
      observe: reportHost,
      tables: () => '',
      readOutput: () => null,
      batches: true,
    };
    const results = replayScenario(scenario.value, around, { bail: false, wanted: () => true, seed: null });
    expect(
      results.flatMap((r) => r.failures.map((f) => `${f.step}: ${f.what}: ${f.expected} / ${f.got}`)),
    ).toEqual([]);
    expect(results.map((r) => r.verdict)).toEqual(results.map(() => 'passed'));
  });
});

describe('docs/cost-model.md', () => {
  it('holds every number with its source and strength', () => {
    const table = readFileSync('docs/cost-model.md', 'utf8');
    for (const [name, { ns, what, source, strength }] of Object.entries(COSTS)) {
      expect(table).toContain(`| \`${name}\` | ${formatDuration(ns)} | ${what} | ${source} | ${strength} |`);
    }
  });
});
