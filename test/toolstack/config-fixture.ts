/** Parses configs the way `xl create -n` does, on a pretended host of 16 cpus in two nodes. */
import type { DomainConfig } from '../../src/toolstack/domain-config.ts';
import { xlConfDefaults } from '../../src/toolstack/xl-conf.ts';
import { type ParseConfigInput, type ParsedConfig, parseConfig } from '../../src/toolstack/xl-parse.ts';

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

export const UUID = '00112233-4455-4677-8899-aabbccddeeff';

/** Everything a parse needs but the text. */
export const input: Omit<ParseConfigInput, 'text'> = {
  source: 'g.cfg',
  xlconf: xlConfDefaults,
  host: { maxCpus: 16, nodeCpus: [range(0, 8), range(8, 8)] },
  uuid: UUID,
  genid: range(1, 16),
};

/** What a PV guest cannot do without. */
const PV = 'name="g"\nkernel="/k"\n';

/** Parses `lines` after the lines of a minimal PV guest: the first one is line 3. */
export const parsePv = (lines: string, more: Partial<ParseConfigInput> = {}): ParsedConfig =>
  parseConfig({ ...input, ...more, text: `${PV}${lines}\n` });

/** Parses `lines` after the lines of a minimal HVM guest: the first one is line 3. */
export const parseHvm = (lines: string): ParsedConfig =>
  parseConfig({ ...input, text: `name="g"\ntype="hvm"\n${lines}\n` });

/** The config of a parse that must succeed without a word. */
export function configOf(parsed: ParsedConfig): DomainConfig {
  if (parsed.config === null || parsed.stderr !== '')
    throw new Error(`xl gave up or spoke: ${parsed.stderr}`);
  return parsed.config;
}
