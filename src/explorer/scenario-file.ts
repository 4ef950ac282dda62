/** Scenario files: from the text of a *.xlsim.yaml to a scenario that can run, or everything that is wrong with it. */
import { type HostConfig, hostConfigErrors } from '../hypervisor/host-config.ts';
import { parseDuration, parsePages } from './amount.ts';
import { costsWith, defaultCosts } from './cost-model.ts';
import { guestCfg, xlConfText } from './guest-cfg.ts';
import type { GuestConfig, Scenario, Stage, StageHost, Step, Twin } from './scenario.ts';
import { strayNames } from './scenario-names.ts';
import type { Checked, Problem } from './scenario-problem.ts';
import {
  type FarHostInput,
  type HostInput,
  type ScenarioInput,
  scenarioSchema,
  type TwinInput,
} from './scenario-schema.ts';
import { readSteps } from './scenario-step.ts';
import { parseYaml, type YamlTree } from './scenario-yaml.ts';
import { checkAgainst } from './schema-problems.ts';

type Path = readonly (string | number)[];

const GIB = 262144;
/**
 * Requests that a run may take where the file says nothing: some for what comes one after the other, and some for each
 * pair of steps that a block starts side by side, which make each other try again.
 */
const DEFAULT_REQUESTS = 400_000;
const REQUESTS_A_PAIR = 100;
const MOST_REQUESTS = 5_000_000;
/** Ten virtual years. */
const DEFAULT_NS = Number.MAX_SAFE_INTEGER;
const DEFAULT_HOST = { memoryPages: 64 * GIB, nodes: 1, cpus: 16, xen: '4.22' };

interface Reading {
  readonly tree: YamlTree;
  readonly problems: Problem[];
  readonly outputs: Map<string, string>;
}

/** Reads a scenario file. `fileName` is its name without folders, for a scenario that does not name itself. */
export function parseScenario(text: string, fileName: string): Checked<Scenario> {
  const yaml = parseYaml(text);
  if (!yaml.ok) return yaml;
  const tree = yaml.value;
  if (typeof tree.data !== 'object' || tree.data === null || Array.isArray(tree.data)) {
    return {
      ok: false,
      problems: [{ ...tree.placeOf([]), message: 'a scenario is a mapping: host, guests, steps …' }],
    };
  }
  const checked = checkAgainst<ScenarioInput>(scenarioSchema, tree);
  if (!checked.ok) return checked;
  const input = checked.value;
  const reading: Reading = { tree, problems: [], outputs: new Map() };
  const stage = readStage(reading, input, []);
  const twins = (input.twins ?? []).map((twin, i) => readTwin(reading, input, twin, i));
  if (reading.problems.length > 0) return { ok: false, problems: sorted(reading.problems) };
  const scenario: Scenario = {
    name: input.name ?? fileName.replace(/\.xlsim\.ya?ml$/, ''),
    story: input.story?.trim() ?? '',
    sources: input.source === undefined ? [] : [input.source].flat(),
    stage,
    limits: {
      requests:
        input.limits?.requests ?? Math.max(...[stage, ...twins.map((t) => t.stage)].map(defaultRequests)),
      ns: limitNs(input.limits?.time),
    },
    twins,
  };
  return { ok: true, value: scenario };
}

const sorted = (problems: readonly Problem[]): Problem[] => {
  const order = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  // What a twin takes over from its scenario is read twice.
  return order.filter(
    (p, i) => i === 0 || p.message !== order[i - 1]!.message || p.line !== order[i - 1]!.line,
  );
};

const defaultRequests = ({ steps }: Stage): number =>
  Math.min(MOST_REQUESTS, DEFAULT_REQUESTS + REQUESTS_A_PAIR * sideBySide(steps) ** 2);

/** The most steps that a block among these, or inside of one, starts side by side. */
function sideBySide(steps: readonly Step[]): number {
  let most = 0;
  for (const { action } of steps) {
    if (action.do !== 'parallel' && action.do !== 'repeat') continue;
    const copies =
      action.do === 'repeat' ? 0 : action.steps.reduce((sum, { times }) => sum + (times ?? 1), 0);
    most = Math.max(most, copies, sideBySide(action.steps));
  }
  return most;
}

const limitNs = (time: string | undefined): number =>
  time === undefined ? DEFAULT_NS : (parseDuration(time) ?? DEFAULT_NS);

/** The scenario that a twin stands for: what it says in the place of the other's. */
export const twinInput = (scenario: ScenarioInput, twin: TwinInput): ScenarioInput => ({
  ...scenario,
  host: { ...scenario.host, ...twin.host },
  hosts: mergedHosts(scenario.hosts, twin.hosts),
  xlconf: mergedConf(scenario.xlconf, twin.xlconf),
  guests: mergedGuests(scenario.guests, twin.guests),
  costs: { ...scenario.costs, ...twin.costs },
  grain: twin.grain ?? scenario.grain,
  steps: twin.steps ?? scenario.steps,
});

function readTwin(reading: Reading, scenario: ScenarioInput, twin: TwinInput, i: number): Twin {
  const path: Path = ['twins', i];
  const merged = twinInput(scenario, twin);
  const own = { ...reading, outputs: new Map<string, string>() };
  const stage = readStage(own, merged, path, twin.steps === undefined ? [] : path);
  const because = twin.because?.trim() ?? '';
  return { ...reading.tree.placeOf(path), name: twin.name, because, stage, fails: twin.fails };
}

function mergedConf(base: ScenarioInput['xlconf'], over: ScenarioInput['xlconf']): ScenarioInput['xlconf'] {
  if (over === undefined) return base;
  return typeof base === 'object' && typeof over === 'object' ? { ...base, ...over } : over;
}

function mergedHosts(base: ScenarioInput['hosts'], over: ScenarioInput['hosts']): ScenarioInput['hosts'] {
  const hosts: NonNullable<ScenarioInput['hosts']> = { ...base };
  for (const [name, host] of Object.entries(over ?? {})) hosts[name] = { ...hosts[name], ...host };
  return hosts;
}

function mergedGuests(base: ScenarioInput['guests'], over: ScenarioInput['guests']): ScenarioInput['guests'] {
  const guests: NonNullable<ScenarioInput['guests']> = { ...base };
  for (const [name, settings] of Object.entries(over ?? {})) {
    const before = guests[name];
    const isText = typeof settings === 'string' || typeof before === 'string';
    guests[name] = isText ? settings : { ...before, ...settings };
  }
  return guests;
}

/** Everything a run starts from. `path`: where its own keys stand; `stepsPath`: where its steps do. */
function readStage(reading: Reading, input: ScenarioInput, path: Path, stepsPath: Path = path): Stage {
  const { tree, problems } = reading;
  const report = (problem: Problem): void => {
    problems.push(problem);
  };
  const own = readHost(input.host?.name ?? 'a', input.host, xlConfText(input.xlconf));
  for (const message of hostConfigErrors(own.host)) report({ ...tree.placeOf([...path, 'host']), message });
  const others = Object.entries(input.hosts ?? {}).map(([name, far]) => {
    const place = tree.keyPlaceOf([...path, 'hosts', name]);
    const conf = far.xlconf === undefined ? own.xlConf : xlConfText(far.xlconf);
    const other = readHost(name, far, conf);
    for (const message of hostConfigErrors(other.host)) report({ ...place, message });
    if (name === own.name || name === 'localhost')
      report({ ...place, message: `"${name}" is what the first host is called` });
    return other;
  });
  const guests = new Map<string, GuestConfig>();
  for (const [name, settings] of Object.entries(input.guests ?? {})) {
    const guest = guestCfg(name, settings, tree.placeOf([...path, 'guests', name]));
    if (guest.ok) guests.set(name, guest.config);
    else report({ ...tree.keyPlaceOf([...path, 'guests', name, guest.key]), message: guest.message });
  }
  const costs = costsWith(defaultCosts, input.costs);
  if (!costs.ok) report({ ...tree.keyPlaceOf([...path, 'costs', costs.key]), message: costs.message });
  const reader = { tree, report, outputs: reading.outputs, hosts: [own, ...others] };
  const steps = readSteps(reader, input.steps, [...stepsPath, 'steps']);
  for (const problem of strayNames(tree, input, [...stepsPath, 'steps'])) report(problem);
  return {
    ...own,
    others,
    guests,
    grain: input.grain ?? 'extents',
    costs: costs.ok ? costs.costs : defaultCosts,
    steps,
  };
}

/** A host of the stage. */
function readHost(name: string, input: HostInput | FarHostInput | undefined, xlConf: string): StageHost {
  return {
    name,
    host: readMachine(input),
    seed: input?.seed ?? 1,
    isScrubbed: input?.bootscrub === undefined,
    missingFiles: input?.missing_files ?? [],
    xlConf,
  };
}

function readMachine(input: HostInput | FarHostInput | undefined): HostConfig {
  const memoryPages = input?.memory === undefined ? DEFAULT_HOST.memoryPages : parsePages(input.memory)!;
  // As host init has it: the default host has 4 GiB for dom0, one that is described has what it says.
  const dom0 = input === undefined ? '4G' : (input.dom0 ?? 'auto');
  return {
    memoryPages,
    nodes: input?.nodes ?? DEFAULT_HOST.nodes,
    ...(input?.node_memory === undefined
      ? {}
      : { nodeMemoryPages: input.node_memory.map((s) => parsePages(s)!) }),
    cpus: input?.cpus ?? DEFAULT_HOST.cpus,
    ...(input?.distances === undefined ? {} : { distances: input.distances }),
    ...(dom0 === 'auto' ? {} : { dom0Pages: parsePages(dom0)! }),
    xen: String(input?.xen ?? DEFAULT_HOST.xen),
    bootscrub: input?.bootscrub ?? 'idle',
  };
}
