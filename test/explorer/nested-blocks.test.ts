import { describe, expect, it } from 'vitest';
import { cannotDrive } from '../../src/explorer/block.ts';
import { parallelBlocks } from '../../src/explorer/block-prefix.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';

const scenario = (inner: string): string => `
guests: { a: { type: pvh, memory: 64 } }
steps:
  - parallel:
      - xl create a
      - ${inner}
`;

describe('a parallel block inside of a parallel block', () => {
  it.each([
    ['as a step', '{ name: two, parallel: [xl list, xl info] }'],
    ['in a repeat', '{ repeat: 2, steps: [{ name: two, parallel: [xl list, xl info] }] }'],
  ])('%s: explore refuses it and says what to write instead', (_what, inner) => {
    const read = parseScenario(scenario(inner), 'nested');
    const why = read.ok ? cannotDrive(parallelBlocks(read.value.stage)[0]!) : null;
    expect(why).toContain('"two" (line 6)');
    expect(why).toContain('write its steps beside the others, each with its "at"');
  });

  it('cannot have an order, and the message says what to write instead', () => {
    const order = '{ version: "0.1.0", grain: hypercall, choices: [] }';
    const read = parseScenario(`${scenario('{ parallel: [xl list] }')}    order: ${order}\n`, 'nested');
    const said = read.ok ? [] : read.problems.map(({ message }) => message);
    expect(said.join()).toContain('write the steps of the inner one beside the others');
  });
});
