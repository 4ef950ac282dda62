/** Steps of a scenario file: what each does, checked as far as the file alone can tell. */
import { parseDuration, timeForm } from './amount.ts';
import { splitCommandLine } from './command-line.ts';
import { expectationPlaces } from './expectation-places.ts';
import { parseGuestAction } from './guest-action.ts';
import { xlConfProblems } from './guest-cfg.ts';
import type { Action, StageHost, Step } from './scenario.ts';
import { hypercallProblems } from './scenario-hypercall.ts';
import { readOrder } from './scenario-order.ts';
import type { Problem } from './scenario-problem.ts';
import { ACTIONS, type StepInput } from './scenario-schema.ts';
import type { YamlTree } from './scenario-yaml.ts';
import { stepLabel } from './step-label.ts';

type Path = readonly (string | number)[];

/** What steps are read with. `report` collects what is wrong; reading goes on. */
export interface StepReader {
  readonly tree: YamlTree;
  readonly report: (problem: Problem) => void;
  /** Files that recorded outputs go to, with the step that named each. */
  readonly outputs: Map<string, string>;
  /** The hosts there are, the stage's own first. */
  readonly hosts: readonly StageHost[];
  /** Whether nothing was taken out of what stands at a path: only then what goes with what is judged there. */
  readonly isWhole: (path: Path) => boolean;
  /** Whether `hosts` are all there are, and whether the nodes of one are known: they may be wrong in the file. */
  readonly hasAllHosts: boolean;
  readonly hasAllNodes: (host: StageHost) => boolean;
  /** What a block around the steps says of `host`. */
  readonly host?: string | undefined;
  /** What a block around the steps says of `node`. */
  readonly node?: number | undefined;
}

const MAX_REPEAT = 1_000_000;
const MAX_NESTING = 8;
const MAX_TIMES = 10_000;
/** Actions that issue hypercalls, or hold steps that do. */
const ISSUES: readonly string[] = ['run', 'hypercall', 'parallel', 'repeat'];
/** Actions that may turn out to be impossible. */
const REFUSED: readonly string[] = ['run', 'hypercall', 'guest', 'set'];

/** Reads a list of steps. `inParallel`: they may say when to start. */
export function readSteps(
  reader: StepReader,
  inputs: readonly (StepInput | string)[],
  path: Path,
  inParallel = false,
): Step[] {
  if (path.length > 2 * MAX_NESTING) {
    reader.report({
      ...reader.tree.placeOf(path),
      message: `steps are nested more than ${MAX_NESTING} deep`,
    });
    return [];
  }
  return inputs.map((input, i) => readStep(reader, input, [...path, i], inParallel));
}

function readStep(reader: StepReader, input: StepInput | string, path: Path, inParallel: boolean): Step {
  const place = reader.tree.placeOf(path);
  const step: StepInput = typeof input === 'string' ? { run: input } : input;
  const complain = (key: string | null, message: string): void => {
    const at = key === null || typeof input === 'string' ? place : reader.tree.placeOf([...path, key]);
    reader.report({ ...at, message });
  };
  // What a step lacks, or has too much, may be what was taken out of it.
  const relate = reader.isWhole(path) ? complain : () => {};
  const host = readHost(reader, step, complain);
  // A node that a block names is one of the block's host.
  const node = step.node ?? (step.host === undefined ? reader.node : undefined);
  const action = readAction({ ...reader, host, node }, step, path, complain, relate);
  if (step.times !== undefined && !inParallel)
    complain('times', '"times" is for steps of a parallel block; use repeat');
  if ((step.times ?? 1) > MAX_TIMES) complain('times', `times goes up to ${MAX_TIMES}`);
  if (step.at !== undefined && !inParallel) complain('at', '"at" is for steps of a parallel block');
  noteOutput(reader, step, path);
  const order = readOrder(reader, step, path);
  const settle = readSettle(step.settle, inParallel, complain);
  const isInner = path.filter((key) => key === 'steps' || key === 'parallel').length > 1;
  const label = step.name ?? stepLabel(action, Number(path[path.length - 1]) + 1, isInner);
  return {
    ...place,
    label,
    action,
    times: step.times ?? null,
    ...(node === undefined ? {} : { node }),
    ...(host === undefined ? {} : { host }),
    at: step.at === undefined ? 0 : (parseDuration(step.at) ?? 0),
    settle,
    ...(order === null ? {} : { order }),
    output: step.output ?? null,
    expect: step.expect ?? null,
    ...(step.expect === undefined
      ? {}
      : { places: expectationPlaces(reader.tree, step.expect, [...path, 'expect']) }),
    transcript: null,
  };
}

/** The host that a step names, or the block around it; undefined: the first. */
function readHost(
  { hosts, hasAllHosts, hasAllNodes, host: around }: StepReader,
  step: StepInput,
  complain: Complain,
): string | undefined {
  const name = step.host ?? around;
  const host = hosts.find((each) => each.name === name) ?? hosts[0]!;
  const isThere = step.host === undefined || host.name === step.host;
  if (!isThere && hasAllHosts)
    complain(
      'host',
      `there is no host "${step.host}": there ${hosts.length === 1 ? 'is' : 'are'} ${hosts.map((each) => each.name).join(', ')}`,
    );
  const { nodes } = host.host;
  if (step.node !== undefined && step.node >= nodes && isThere && hasAllNodes(host))
    complain('node', `the host has no node ${step.node}: its nodes are 0 to ${nodes - 1}`);
  if (step.order !== undefined && hosts.length > 1)
    complain('order', 'an order is of one host: a scenario with "hosts" has none');
  return host === hosts[0] ? undefined : host.name;
}

function readSettle(
  settle: string | undefined,
  inParallel: boolean,
  complain: (key: string | null, message: string) => void,
): Step['settle'] {
  if (settle === undefined) return inParallel ? 'none' : 'idle';
  if (settle === 'none' || settle === 'idle') return settle;
  const ns = parseDuration(settle);
  if (ns === null) complain('settle', `settle is none, idle or ${timeForm(settle)}`);
  return ns ?? 'none';
}

/** A path without detours, so that two names of one file are seen to be that. */
function plainPath(path: string): string {
  const parts: string[] = [];
  for (const [i, part] of path.split('/').entries()) {
    if (part === '..' && parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    else if (part !== '.' && (part !== '' || i === 0)) parts.push(part);
  }
  return parts.join('/');
}

function noteOutput(reader: StepReader, step: StepInput, path: Path): void {
  if (step.output === undefined) return;
  const file = plainPath(step.output);
  const first = reader.outputs.get(file);
  const place = reader.tree.placeOf([...path, 'output']);
  const here = `line ${place.line}`;
  // One file cannot hold what several rounds print.
  const isRepeated = path.filter((key) => key === 'steps').length > 1 || (step.times ?? 1) > 1;
  if (isRepeated) {
    reader.report({
      ...place,
      message: `${step.output} would hold the output of every round: compare stdout`,
    });
  } else if (/\.xlsim\.(ya?ml|t|txt)$/.test(file)) {
    reader.report({ ...place, message: `${step.output} is a scenario: --update would write over it` });
  } else if (first === undefined) reader.outputs.set(file, here);
  else
    reader.report({ ...place, message: `${step.output} already holds the output of the step at ${first}` });
}

type Complain = (key: string | null, message: string) => void;

function readAction(
  reader: StepReader,
  step: StepInput,
  path: Path,
  complain: Complain,
  relate: Complain,
): Action {
  const given = ACTIONS.filter((action) => step[action] !== undefined);
  if (given.length > 1) relate(given[1]!, `a step does one thing: it has ${given.join(' and ')}`);
  const action = given[0];
  strayKeys(step, action, relate);
  switch (action) {
    case 'run':
      return readRun(step.run!, complain);
    case 'hypercall': {
      const args = step.args ?? {};
      // Arguments that were taken out are not missing.
      if (!reader.isWhole([...path, 'args']))
        return { do: 'hypercall', name: step.hypercall!, args, caller: 0 };
      for (const { key, message } of hypercallProblems(step.hypercall!, args)) {
        const at = key === null ? ['hypercall'] : ['args', key];
        reader.report({ ...reader.tree.placeOf([...path, ...at]), message });
      }
      return { do: 'hypercall', name: step.hypercall!, args, caller: step.caller ?? 0 };
    }
    case 'guest':
      return readGuest(step.guest!, complain);
    case 'wait': {
      const ns = step.wait === 'idle' ? null : parseDuration(step.wait!);
      if (ns === null && step.wait !== 'idle')
        complain('wait', `wait takes ${timeForm(step.wait!)}, or idle`);
      return { do: 'wait', ns };
    }
    case 'parallel':
      return { do: 'parallel', steps: readSteps(reader, step.parallel!, [...path, 'parallel'], true) };
    case 'repeat':
      if (step.repeat! > MAX_REPEAT) complain('repeat', `repeat goes up to ${MAX_REPEAT}`);
      if (step.steps === undefined) relate(null, 'repeat needs "steps": what to repeat');
      return {
        do: 'repeat',
        count: step.repeat!,
        steps: readSteps(reader, step.steps ?? [], [...path, 'steps']),
      };
    case 'set':
      if (Object.keys(step.set!).length === 0 && reader.isWhole([...path, 'set']))
        complain('set', 'set changes nothing: give it fragment, offline, hold or release');
      for (const { key, message } of xlConfProblems(step.set!.xlconf))
        reader.report({ ...reader.tree.keyPlaceOf([...path, 'set', 'xlconf', key]), message });
      return { do: 'set', conditions: step.set! };
    default:
      if (step.expect === undefined)
        relate(null, `a step does one of ${ACTIONS.join(', ')}, or has an "expect"`);
      if (step.expect?.time?.step !== undefined) {
        const at = reader.tree.placeOf([...path, 'expect', 'time', 'step']);
        reader.report({
          ...at,
          message: 'nothing takes time here: expect it of the step that does, or "now"',
        });
      }
      return { do: 'nothing' };
  }
}

/** Keys that go with an action the step does not have. */
function strayKeys(step: StepInput, action: string | undefined, complain: Complain): void {
  const belongs = { args: 'hypercall', caller: 'hypercall', steps: 'repeat', order: 'parallel' } as const;
  for (const [key, owner] of Object.entries(belongs)) {
    if (step[key as keyof typeof belongs] !== undefined && action !== owner)
      complain(key, `"${key}" goes with "${owner}"`);
  }
  if (step.node !== undefined && !ISSUES.includes(action ?? ''))
    complain('node', `"node" goes with ${ISSUES.map((name) => `"${name}"`).join(', ')}`);
  if (step.expect?.refused !== undefined && !REFUSED.includes(action ?? ''))
    complain(
      'expect',
      `"refused" is of ${REFUSED.map((name) => `"${name}"`).join(', ')}: no other step can be`,
    );
  if (step.output !== undefined && action !== 'run') complain('output', '"output" goes with "run"');
}

function readRun(line: string, complain: Complain): Action {
  const split = splitCommandLine(line);
  if (!split.ok) {
    complain('run', split.message);
    return { do: 'run', line, argv: [] };
  }
  const [program] = split.words;
  if (program !== 'xl' && program !== 'xlsim') {
    const meant = program === undefined ? null : `xl ${line.trim()}`;
    complain('run', `a command line begins with xl${meant === null ? '' : `: did you mean "${meant}"?`}`);
  }
  return { do: 'run', line, argv: split.words };
}

function readGuest(text: string, complain: Complain): Action {
  const parsed = parseGuestAction(text);
  if (!parsed.ok) {
    complain('guest', parsed.message);
    return { do: 'nothing' };
  }
  return { do: 'guest', guest: parsed.guest, action: parsed.action };
}
