/** The library: every scenario passes, every twin fails where it says, and files and schema agree. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { reportHost } from '../../src/cli/host-report.ts';
import { scenarioJsonSchema } from '../../src/cli/scenario-json-schema.ts';
import type { Surroundings } from '../../src/explorer/play.ts';
import { replayScenario } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';

const files = readdirSync('scenarios').filter((name) => name.endsWith('.xlsim.yaml'));
const around: Surroundings = {
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches: true,
};
const choice = { bail: false, wanted: () => true, seed: null };
const textOf = (name: string): string => readFileSync(`scenarios/${name}`, 'utf8');

describe('scenarios/', () => {
  it.each(files)('%s passes, and its twins fail as stated', (name) => {
    const scenario = parseScenario(textOf(name), name);
    expect(scenario.ok).toBe(true);
    if (!scenario.ok) return;
    expect(scenario.value.twins.length).toBeGreaterThan(0);
    expect(scenario.value.story).not.toBe('');
    expect(scenario.value.sources).not.toEqual([]);
    const results = replayScenario(scenario.value, around, choice);
    const wrong = results.flatMap((r) => r.failures.map((f) => `${r.name}: ${f.step}: ${f.what}: ${f.got}`));
    expect(wrong).toEqual([]);
    expect(results.map((r) => r.verdict)).toEqual(results.map(() => 'passed'));
  });

  it.each(files)('%s is valid under the published schema', (name) => {
    const validate = new Ajv({ strict: false }).compile(scenarioJsonSchema());
    expect([validate(parse(textOf(name))), validate.errors]).toEqual([true, null]);
  });

  it('holds the schema that xlsim schema scenario prints', () => {
    const published = JSON.parse(readFileSync('scenarios/scenario.schema.json', 'utf8'));
    expect(published).toEqual(scenarioJsonSchema());
  });
});

describe('the published schema', () => {
  const validate = new Ajv({ strict: false }).compile(scenarioJsonSchema());
  it.each([
    ['an unknown key', { stepz: [], steps: ['xl list'] }],
    ['no steps', { host: {} }],
    ['a step with two actions', { steps: [{ run: 'xl list', wait: '2s' }] }],
    ['an unknown state', { steps: [{ expect: { domains: { a: 'asleep' } } }] }],
  ])('refuses %s', (_what, data) => {
    expect(validate(data)).toBe(false);
  });
});
