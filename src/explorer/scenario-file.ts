/** Scenario files: from the text of a *.xlsim.yaml to a scenario that can run, or everything that is wrong with it. */
import { type HostConfig, hostConfigErrors } from '../hypervisor/host-config.ts';
import { parseDuration, parsePages } from './amount.ts';
import { costsWith, defaultCosts } from './cost-model.ts';
import { guestCfg, xlConfProblems, xlConfText } from './guest-cfg.ts';
import type { GuestConfig, Scenario, Stage, StageHost, Step, Twin } from './scenario.ts';
import { strayPlace } from './scenario-fails.ts';
import { type NamedFile, namedFiles } from './scenario-named-files.ts';
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
import { inOrder, readShape, type ShapeReading } from './schema-reading.ts';

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
  /** Whether the file says all that is to stand at a path; what something wrong was taken out of is not judged as a whole. */
  readonly isWhole: ShapeReading<ScenarioInput>['isWhole'];
  readonly problems: Problem[];
  readonly outputs: Map<string, string>;
}

/**
 * Reads a scenario file, and everything that is wrong with it. `fileName` is its name without folders, for a scenario
 * that does not name itself. `refusal` says why a file that the scenario names cannot be used, or null.
 */
export function parseScenario(
  text: string,
  fileName: string,
  refusal: (file: NamedFile) => string | null = () => null,
): Checked<Scenario> {
  const yaml = parseYaml(text);
  if (!yaml.ok) return yaml;
  const tree = yaml.value;
  if (typeof tree.data !== 'object' || tree.data === null || Array.isArray(tree.data)) {
    return {
      ok: false,
      problems: [{ ...tree.placeOf([]), message: 'a scenario is a mapping: host, guests, steps …' }],
    };
  }
  const { value: input, problems, isWhole } = readShape<ScenarioInput>(scenarioSchema, tree, standIn);
  const reading: Reading = {
    tree,
    isWhole,
    problems: [...tree.duplicates, ...problems],
    outputs: new Map(),
  };
  const scenario = input === null ? null : readScenarioInput(reading, input, fileName);
  if (scenario !== null) {
    for (const file of namedFiles(scenario)) {
      const message = refusal(file);
      if (message !== null) reading.problems.push({ line: file.line, column: file.column, message });
    }
  }
  if (scenario === null || reading.problems.length > 0)
    return { ok: false, problems: inOrder(reading.problems) };
  return { ok: true, value: scenario };
}

/** A step, or what a scenario and a twin must have, where something wrong stood. */
function standIn(path: Path): unknown {
  const [last, above] = [path[path.length - 1], path[path.length - 2]];
  if (typeof last === 'number' && (above === 'steps' || above === 'parallel')) return {};
  if (path.length === 1 && last === 'steps') return [{ wait: 'idle' }];
  if (path[0] !== 'twins') return undefined;
  if (path.length === 2) return { name: 'twin', fails: ['-'] };
  if (path.length === 3 && last === 'name') return 'twin';
  return path.length === 3 && last === 'fails' ? ['-'] : undefined;
}

function readScenarioInput(reading: Reading, input: ScenarioInput, fileName: string): Scenario {
  const stage = readStage(reading, input, []);
  const twins = (input.twins ?? []).map((twin, i) => readTwin(reading, input, twin, i));
  return {
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
}

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
  const before = reading.problems.length;
  const stage = readStage(own, merged, path, twin.steps === undefined ? [] : path);
  const because = twin.because?.trim() ?? '';
  const stepsPath: Path = twin.steps === undefined ? ['steps'] : [...path, 'steps'];
  // A step with a mistake in it may be called otherwise once that is mended.
  const isSure = reading.problems.length === before && hasAllSteps(reading, stepsPath);
  if (isSure && reading.isWhole([...path, 'fails'])) {
    for (const [n, where] of twin.fails.entries()) {
      const message = strayPlace(where, stage.steps);
      if (message !== null)
        reading.problems.push({ ...reading.tree.placeOf([...path, 'fails', n]), message });
    }
  }
  return { ...reading.tree.placeOf(path), name: twin.name, because, stage, fails: twin.fails };
}

/** Whether the names of all steps below a path are known. */
function hasAllSteps(reading: Reading, path: Path): boolean {
  const steps = rawAt(reading.tree, path);
  if (!Array.isArray(steps)) return steps === undefined;
  return steps.every((_, i) => {
    const at = [...path, i];
    return (
      reading.isWhole(at) &&
      hasAllSteps(reading, [...at, 'parallel']) &&
      hasAllSteps(reading, [...at, 'steps'])
    );
  });
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
  // What a twin takes over is whole if it is so there.
  const isWhole = (...keys: Path): boolean =>
    reading.isWhole(keys) && (path.length === 0 || reading.isWhole([...path, ...keys]));
  // And what is wrong with it is told there.
  const isSaid = (...keys: Path): boolean => rawAt(tree, [...path, ...keys]) !== undefined;
  const own = readHost(input.host?.name ?? 'a', input.host, xlConfText(input.xlconf));
  const checkConf = (conf: ScenarioInput['xlconf'], ...keys: Path): void => {
    for (const { key, message } of xlConfProblems(conf))
      if (isSaid(...keys, key)) report({ ...tree.keyPlaceOf([...path, ...keys, key]), message });
  };
  checkConf(input.xlconf, 'xlconf');
  if (isWhole('host') && isSaid('host'))
    for (const message of hostConfigErrors(own.host)) report({ ...tree.placeOf([...path, 'host']), message });
  const others = Object.entries(input.hosts ?? {}).map(([name, far]) => {
    const place = tree.keyPlaceOf([...path, 'hosts', name]);
    const conf = far.xlconf === undefined ? own.xlConf : xlConfText(far.xlconf);
    checkConf(far.xlconf, 'hosts', name, 'xlconf');
    const other = readHost(name, far, conf);
    if (isWhole('hosts', name) && isSaid('hosts', name))
      for (const message of hostConfigErrors(other.host)) report({ ...place, message });
    if ((name === own.name || name === 'localhost') && isSaid('hosts', name))
      report({ ...place, message: `"${name}" is what the first host is called` });
    return other;
  });
  const guests = new Map<string, GuestConfig>();
  for (const [name, settings] of Object.entries(input.guests ?? {})) {
    const guest = guestCfg(name, settings, tree.placeOf([...path, 'guests', name]));
    guests.set(name, guest.config);
    for (const { key, message } of guest.problems) {
      const at = ['guests', name, key];
      if (isSaid(...at)) report({ ...tree.keyPlaceOf([...path, ...at]), message });
    }
  }
  const { costs, problems: costProblems } = costsWith(defaultCosts, input.costs);
  for (const { key, message } of costProblems)
    if (isSaid('costs', key)) report({ ...tree.keyPlaceOf([...path, 'costs', key]), message });
  const hosts = [own, ...others];
  const sure = new Set(hosts.filter((host, i) => isWhole(...(i === 0 ? ['host'] : ['hosts', host.name]))));
  const reader = {
    tree,
    report,
    isWhole: reading.isWhole,
    outputs: reading.outputs,
    hosts,
    hasAllHosts: isWhole('hosts') && sure.has(own),
    hasAllNodes: (host: StageHost) => sure.has(host),
  };
  const steps = readSteps(reader, input.steps, [...stepsPath, 'steps']);
  const written = { guests: [['guests'], [...path, 'guests']].map((at) => rawAt(tree, at)) };
  const namesGuests = isWhole('guests') || written.guests.every((guests) => guests !== undefined);
  if (namesGuests) {
    const at = [...stepsPath, 'steps'];
    for (const problem of strayNames(tree, input, { ...written, steps: rawAt(tree, at) }, at))
      report(problem);
  }
  return { ...own, others, guests, grain: input.grain ?? 'extents', costs, steps };
}

/** What the file says at a path, right or wrong. */
const rawAt = (tree: YamlTree, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) => (value === null ? undefined : (value as Record<string, unknown> | undefined)?.[key]),
    tree.data,
  );

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
