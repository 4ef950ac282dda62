/** `xlsim history --format`: the commands of a host as a scenario or a transcript that runs them again. */

import type { StepOutcome } from '../explorer/expectation.ts';
import type { Surroundings } from '../explorer/play.ts';
import { playOnce } from '../explorer/replay.ts';
import type { Scenario, TranscriptBlock } from '../explorer/scenario.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import type { Checked } from '../explorer/scenario-problem.ts';
import { type Recording, writeScenario, writeTranscript } from '../explorer/scenario-write.ts';
import { parseTranscript, updatedTranscript } from '../explorer/transcript.ts';
import type { World } from '../explorer/world.ts';
import { type Cli, complain, say } from './cli-state.ts';
import { reportHost } from './host-report.ts';
import { outsideOf } from './outside.ts';
import { fromBytes, toBytes, visibleLine } from './screen.ts';
import { splitLine } from './shell-words.ts';

const MISUSE = 2;
const OTHERWISE = 1;

/** Commands whose arguments name a config that xl reads. */
const CONFIG_READERS: readonly string[] = ['create', 'config-update', 'restore', 'cpupool-create'];

/**
 * Prints the scenario or transcript of a host. It is played once before that, for the outputs of a transcript and to
 * see that the host comes out as it is; the exit code is 1 where it does not (a config was changed since, another host
 * took part), which is said.
 */
export function formatHistory(
  cli: Cli,
  world: World,
  host: string,
  lines: readonly string[],
  format: string,
): number {
  if (format !== 'yaml' && format !== 'transcript') {
    complain(cli, `--format is yaml or transcript, not ${visibleLine(format.slice(0, 80))}`);
    return MISUSE;
  }
  if (lines.length === 0) {
    complain(cli, `nothing was run on host ${host} yet: there is no scenario to write`);
    return OTHERWISE;
  }
  const recording = recordingOf(cli, world, host, lines);
  const yaml = writeScenario(recording, reportHost(world));
  const differences = playedDifferently(parseScenario(yaml, host));
  for (const line of differences) complain(cli, `played again it comes out otherwise: ${visibleLine(line)}`);
  const text = format === 'yaml' ? yaml : withOutputs(cli, writeTranscript(recording));
  if (text === null) return OTHERWISE;
  say(cli, 'stdout', toBytes(text));
  return differences.length === 0 ? 0 : OTHERWISE;
}

function recordingOf(cli: Cli, world: World, host: string, lines: readonly string[]): Recording {
  const commands = lines.map(readLine);
  const guests = new Map<string, string>();
  for (const path of new Set(commands.flatMap(({ words }) => configPaths(words)))) {
    const text = outsideOf(cli).readFile(toBytes(path));
    if (typeof text === 'string') guests.set(path, fromBytes(text));
  }
  const { config } = world.xen.layout;
  return {
    name: `what was run on host ${host}`,
    host: config,
    seed: world.seed,
    missingFiles: world.missingFiles.map(fromBytes),
    xlConf: fromBytes(world.xlConf),
    guests,
    commands,
  };
}

/** A line of the history. How a command ended and how far the host ran on after it is written with it unless usual. */
function readLine(line: string): Recording['commands'][number] {
  const exit = /^(.*) # exit (\d+)$/s.exec(line);
  const words = splitLine(exit?.[1] ?? line);
  const plain = typeof words === 'string' ? [] : words;
  const settle = /^--settle=(.*)$/.exec(plain[1] ?? '')?.[1] ?? null;
  const rest = settle === null ? plain : [plain[0] ?? 'xl', ...plain.slice(2)];
  // xlsim's own commands change the host and leave it at that.
  const own = plain[0] === 'xlsim' ? 'none' : null;
  return { words: rest, exit: Number(exit?.[2] ?? 0), settle: settle ?? own };
}

/** What could be the path of a config: only what can be read is one. */
function configPaths(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word, i) => i > 0 && !word.startsWith('-'));
  if (!CONFIG_READERS.includes(words[at] ?? '')) return [];
  return words.slice(at + 1).filter((word) => !word.startsWith('-'));
}

const around: Surroundings = {
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches: true,
};

/** What a scenario finds that is not as it was, a sentence each. */
function playedDifferently(scenario: Checked<Scenario>): string[] {
  if (!scenario.ok) return scenario.problems.map((p) => p.message);
  const { failures, hung } = playOnce(scenario.value, around);
  return [
    ...failures.map((f) => `${f.step}: ${f.what} was ${f.expected}, now ${f.got}`),
    ...(hung === null ? [] : [hung.join('; ')]),
  ];
}

/** A transcript with what its commands print; null: it cannot be one, which has been said. */
function withOutputs(cli: Cli, text: string): string | null {
  const transcript = parseTranscript(text, 'history.xlsim.t');
  if (!transcript.ok) {
    for (const { message } of transcript.problems) complain(cli, `no transcript can hold this: ${message}`);
    return null;
  }
  const blocks: { block: TranscriptBlock; outcome: StepOutcome }[] = [];
  playOnce(transcript.value, {
    ...around,
    updateBlock: (block, outcome) => void blocks.push({ block, outcome }),
  });
  return updatedTranscript(text, blocks);
}
