/** Writing scenarios: what was run on a host as a file that runs it again. */
import { stringify } from 'yaml';
import type { HostConfig } from '../hypervisor/host-config.ts';
import type { DomainFacts, HostFacts } from './host-facts.ts';
import type { HostInput } from './scenario-schema.ts';

/** A command as it was run, and how it ended. */
interface RecordedCommand {
  readonly words: readonly string[];
  readonly exit: number;
  /** How far the host ran on after it. */
  readonly settle: string | null;
}

/** What is known of a host's past. */
export interface Recording {
  readonly name: string;
  readonly host: HostConfig;
  readonly seed: number;
  readonly missingFiles: readonly string[];
  readonly xlConf: string;
  /** Texts of guests' configs by the paths that commands name. */
  readonly guests: ReadonlyMap<string, string>;
  readonly commands: readonly RecordedCommand[];
}

/** A scenario (*.xlsim.yaml) whose last step expects the host to be as `facts` show it. */
export function writeScenario(recording: Recording, facts: HostFacts): string {
  const steps = recording.commands.map(({ words, exit, settle }) => ({
    run: commandText(words),
    ...(settle === null ? {} : { settle }),
    expect: { exit },
  }));
  const end = { name: 'the host as it was left', expect: { ...hostAsItIs(facts), invariants: 'ok' } };
  const scenario = { name: recording.name, ...stageOf(recording), steps: [...steps, end] };
  return stringify(scenario, { lineWidth: 110, aliasDuplicateObjects: false });
}

/** A transcript (*.xlsim.t) without outputs: playing it fills them in. */
export function writeTranscript(recording: Recording): string {
  // JSON on one line is YAML, too.
  const head = Object.entries(stageOf(recording)).map(([key, value]) => `# ${key}: ${JSON.stringify(value)}`);
  const lines = recording.commands.map(({ words }) => `  $ ${commandText(words)}`);
  return `${[...head, '', ...lines].join('\n')}\n`;
}

/** Words as splitCommandLine() reads them; a shell does, too. */
const commandText = (words: readonly string[]): string => words.map(quoted).join(' ');

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

function stageOf({ host, seed, missingFiles, xlConf, guests }: Recording): {
  readonly host: HostInput;
  readonly xlconf?: string;
  readonly guests?: Readonly<Record<string, string>>;
} {
  const described: HostInput = {
    memory: size(host.memoryPages),
    ...(host.nodes === 1 ? {} : { nodes: host.nodes }),
    ...(host.nodeMemoryPages === undefined ? {} : { node_memory: host.nodeMemoryPages.map(size) }),
    cpus: host.cpus,
    ...(host.distances === undefined ? {} : { distances: host.distances.map((row) => [...row]) }),
    dom0: host.dom0Pages === undefined ? 'auto' : size(host.dom0Pages),
    xen: host.xen,
    bootscrub: host.bootscrub,
    seed,
    ...(missingFiles.length === 0 ? {} : { missing_files: [...missingFiles] }),
  };
  return {
    host: described,
    ...(xlConf === '' ? {} : { xlconf: xlConf }),
    ...(guests.size === 0 ? {} : { guests: Object.fromEntries(guests) }),
  };
}

const PAGES_PER_MIB = 256;
const PAGES_PER_GIB = 262144;

/** Pages in the largest unit that is exact. */
function size(pages: number): string {
  if (pages > 0 && pages % PAGES_PER_GIB === 0) return `${pages / PAGES_PER_GIB}G`;
  return pages % PAGES_PER_MIB === 0 ? `${pages / PAGES_PER_MIB}M` : `${pages} pages`;
}

const STATES: readonly (readonly [RegExp, string])[] = [
  [/d$/, 'dying'],
  [/^...sc/, 'crashed'],
  [/^...s/, 'shutdown'],
  [/^..p/, 'paused'],
];

/** Every domain to the page, and what is left. */
function hostAsItIs({ domains, freePages, outstandingPages }: HostFacts): object {
  const isUnique = (name: string): boolean => domains.filter((d) => d.name === name).length === 1;
  const entry = (d: DomainFacts): [string, object] => [
    // Names are bytes; one that is not plain text is told by its id.
    d.name !== null && /^[ -~]+$/.test(d.name) && isUnique(d.name) ? d.name : String(d.domid),
    {
      state: STATES.find(([letters]) => letters.test(d.state))?.[1] ?? 'running',
      tot_pages: d.totPages,
      ...(d.outstandingPages === 0 ? {} : { claimed_pages: d.outstandingPages }),
    },
  ];
  return {
    domains: Object.fromEntries(domains.map(entry)),
    host: { free_pages: freePages, outstanding_pages: outstandingPages, domains: domains.length },
  };
}
