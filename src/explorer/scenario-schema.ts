/**
 * The form of a scenario file: the one source of its validator, its types and its published JSON Schema.
 *
 * Only shape is checked here. What needs another part of the file or the host (a guest's name, a size that fits) is
 * checked where it is read and at the step that uses it.
 */
import * as v from 'valibot';
import { timeForm } from './amount.ts';
import { type ExpectationInput, expectationSchema } from './expectation-schema.ts';
import { largestOrder } from './free-order.ts';
import { described, duration, name, scalar, size, strings, whole } from './scenario-values.ts';
import { choicesSchema, GRAINS, isGrain } from './turn-order.ts';

const hostEntries = {
  memory: v.optional(described(size, "All of the host's RAM. Default 64G.")),
  nodes: v.optional(described(whole, 'NUMA nodes, 1 to 64. Default 1.')),
  node_memory: v.optional(described(v.array(size), 'The size of each node; adds up to memory.')),
  cpus: v.optional(described(whole, 'CPUs, dealt to the nodes in equal blocks. Default 16.')),
  distances: v.optional(described(v.array(v.array(whole)), 'Rows of distances between nodes.')),
  dom0: v.optional(
    described(
      v.union([size, v.literal('auto')]),
      'dom0_mem=; auto: dom0 owns nearly all and autoballoon is on. Default 4G.',
    ),
  ),
  xen: v.optional(
    described(
      v.string('must be in quotes, such as "4.22": YAML would read 4.20 as 4.2'),
      'The release whose memory rules hold, in quotes. Default "4.22".',
    ),
  ),
  bootscrub: v.optional(
    described(
      v.picklist(['idle', 'off']),
      'idle: just booted, all memory is to be scrubbed; off: it need not.',
    ),
  ),
  seed: v.optional(described(whole, 'Seed of UUIDs. Default 1.')),
  missing_files: v.optional(described(v.array(v.string()), 'Files a config may name that are not there.')),
};

const hostSchema = described(
  v.strictObject({
    ...hostEntries,
    name: v.optional(described(name, 'What other hosts call it. Default a.')),
  }),
  'The machine and the release of Xen that runs on it.',
);

const xlconfSchema = described(
  v.union(
    [v.string(), v.record(v.string(), scalar)],
    'must be the text of an xl.conf, or its keys and values',
  ),
  'xl.conf: keys and values, or its text.',
);

const hostsSchema = described(
  v.pipe(
    v.record(
      name,
      v.strictObject({
        ...hostEntries,
        xlconf: v.optional(described(xlconfSchema, "Its xl.conf; without it the scenario's.")),
      }),
    ),
    v.check((hosts) => Object.keys(hosts).length <= 64, 'must be 64 hosts at most'),
  ),
  'Further hosts by name, to which guests may migrate.',
);

const guestSchema = described(
  v.union(
    [
      v.string(),
      v.looseObject({
        cfg: v.optional(described(name, 'A config file, relative to this file; other keys come after it.')),
      }),
    ],
    'must be keys and values of an xl.cfg, or its text',
  ),
  'A guest: xl.cfg keys and values, cfg: the path of a config, or the text of one.',
);

const largest = v.pipe(
  scalar,
  v.check((text) => largestOrder(text) !== null, 'must be 4K, 2M, or an order from 0 to 17'),
);

const conditionsSchema = v.strictObject({
  fragment: v.optional(
    v.strictObject(
      {
        largest: described(largest, 'The largest free block to leave: 4K, 2M, an order (0 to 17).'),
        hold: v.optional(
          described(
            v.picklist(['half', 'quarter', 'eighth']),
            'How much of the memory is taken out of use. Default half.',
          ),
        ),
        of: v.optional(described(size, 'How much of the free memory to treat. Default all.')),
        seed: v.optional(described(whole, 'Which of the blocks are taken. Default 1.')),
      },
      'must be a mapping, such as { largest: 2M }',
    ),
  ),
  offline: v.optional(
    v.strictObject(
      {
        pages: described(whole, 'How many free pages.'),
        seed: v.optional(described(whole, 'Which of them. Default 1.')),
        broken: v.optional(described(v.boolean(), 'They are found broken: they never come back.')),
      },
      'must be a mapping, such as { pages: 100 }',
    ),
  ),
  hold: v.optional(
    v.pipe(
      v.strictObject(
        {
          size: v.optional(described(size, 'How much.')),
          leave: v.optional(described(size, 'All but this much.')),
          as: described(name, 'A name for the one who holds it.'),
          order: v.optional(
            described(
              v.pipe(whole, v.maxValue(18, 'must be an order, 0 to 18')),
              'In blocks of this order. Default 0.',
            ),
          ),
          node: v.optional(described(whole, 'On this node only.')),
        },
        'must be a mapping, such as { size: 1G, as: squatter }',
      ),
      v.check(
        ({ size: all, leave }) => (all === undefined) !== (leave === undefined),
        'must have either size or leave',
      ),
    ),
  ),
  release: v.optional(described(name, 'Gives back what was held under this name.')),
  xlconf: v.optional(xlconfSchema),
});

const orderSchema = described(
  v.strictObject({
    version: described(
      v.string('must be in quotes, such as "0.1.0"'),
      'Of the xlsim that wrote it: told where the order fits no longer.',
    ),
    grain: described(
      v.pipe(v.string(`must be ${GRAINS}`), v.check(isGrain, `must be ${GRAINS}`)),
      `What one turn is: ${GRAINS}.`,
    ),
    choices: described(choicesSchema, 'Who goes on, in order.'),
  }),
  'Of a parallel block: who goes on when, in the place of the clock. Written by xlsim explore --save-test.',
);

const rounds = v.pipe(
  v.number('must be a whole number, and "steps" beside it says what to repeat'),
  v.integer('must be a whole number'),
  v.minValue(0, 'must be 0 or more'),
);

/** A step: exactly one of the actions, or an expectation alone. */
export interface StepInput {
  readonly name?: string | undefined;
  readonly run?: string | undefined;
  readonly hypercall?: string | undefined;
  readonly args?: { readonly [key: string]: unknown } | undefined;
  readonly caller?: string | number | undefined;
  readonly guest?: string | undefined;
  readonly wait?: string | undefined;
  readonly parallel?: readonly (StepInput | string)[] | undefined;
  readonly repeat?: number | undefined;
  readonly steps?: readonly (StepInput | string)[] | undefined;
  readonly set?: v.InferOutput<typeof conditionsSchema> | undefined;
  readonly times?: number | undefined;
  readonly at?: string | undefined;
  readonly node?: number | undefined;
  readonly host?: string | undefined;
  readonly settle?: string | undefined;
  readonly output?: string | undefined;
  readonly order?: v.InferOutput<typeof orderSchema> | undefined;
  readonly expect?: ExpectationInput | undefined;
}

export type ConditionsInput = v.InferOutput<typeof conditionsSchema>;
export type HostInput = v.InferOutput<typeof hostSchema>;
export type FarHostInput = v.InferOutput<typeof hostsSchema>[string];

/** The keys of a step that say what it does. */
export const ACTIONS = ['run', 'hypercall', 'guest', 'wait', 'parallel', 'repeat', 'set'] as const;

export const stepSchema: v.GenericSchema<StepInput> = v.strictObject({
  name: v.optional(described(name, 'What to call the step in reports.')),
  run: v.optional(described(name, 'An xl command line, as typed; or xlsim claim DOM SIZE.')),
  hypercall: v.optional(described(name, 'A hypercall by its Xen name, with args.')),
  args: v.optional(
    described(
      v.record(v.string(), v.unknown()),
      "Arguments of the hypercall, by their Xen names; a domid may be a guest's name.",
    ),
  ),
  caller: v.optional(described(scalar, 'Which domain issues the hypercall. Default dom0.')),
  guest: v.optional(
    described(name, 'What a guest does: NAME balloon-to SIZE, touch SIZE, shutdown, reboot or crash.'),
  ),
  wait: v.optional(
    described(
      v.string(`must be ${timeForm('')}, or idle`),
      'A duration, or idle: until nothing is left to happen.',
    ),
  ),
  parallel: v.optional(
    described(v.array(v.lazy(() => stepOrLine)), 'Steps that start together, each at its own time.'),
  ),
  order: v.optional(orderSchema),
  repeat: v.optional(described(rounds, 'How often to do steps; {i} in them is the count, from 1.')),
  steps: v.optional(described(v.array(v.lazy(() => stepOrLine)), 'The steps to repeat.')),
  set: v.optional(described(conditionsSchema, 'Changes the host: fragment, offline, hold, release.')),
  times: v.optional(
    described(whole, 'In a parallel block: how many of this step start; {i} in it is the number, from 1.'),
  ),
  at: v.optional(described(duration, 'In a parallel block: when to start, counted from its beginning.')),
  node: v.optional(
    described(
      whole,
      'The NUMA node whose CPU issues the hypercalls of the step, or of the steps of a block. Default 0.',
    ),
  ),
  host: v.optional(
    described(
      name,
      'The host on which the step happens, and of which it expects something. Default the first.',
    ),
  ),
  settle: v.optional(
    described(
      v.string(),
      'none: go on at once; idle (the default outside of parallel): let daemons and guests come to rest; or a duration.',
    ),
  ),
  output: v.optional(described(name, 'A file with what the step must print, rewritten by --update.')),
  expect: v.optional(expectationSchema),
});

export const stepOrLine: v.GenericSchema<StepInput | string> = v.union([v.string(), stepSchema]);

const costsSchema = described(
  v.record(v.string(), v.union([v.string(), v.number()])),
  'Entries of the cost model to replace: nanoseconds or durations.',
);

const grainSchema = described(
  v.picklist(['extents', 'steps']),
  'What others may come between: the extents of a request, or every step of an extent (allocate, scrub, assign, map). Default extents.',
);

const twinSchema = v.strictObject({
  name: described(name, 'What the twin lacks.'),
  because: v.optional(described(v.string(), 'Why it must fail.')),
  host: v.optional(hostSchema),
  hosts: v.optional(hostsSchema),
  xlconf: v.optional(xlconfSchema),
  guests: v.optional(v.record(v.string(), guestSchema)),
  steps: v.optional(described(v.array(stepOrLine), "Steps instead of the scenario's.")),
  costs: v.optional(costsSchema),
  grain: v.optional(grainSchema),
  fails: described(
    v.pipe(v.array(name), v.minLength(1, 'must name at least one expectation')),
    'Where it must fail: step name and expectation, as reports print them.',
  ),
});

export const scenarioSchema = v.strictObject({
  name: v.optional(described(name, "What to call it; the file's name otherwise.")),
  story: v.optional(described(v.string(), 'What happens and why it matters.')),
  source: v.optional(described(strings, 'Where the story comes from.')),
  host: v.optional(hostSchema),
  hosts: v.optional(hostsSchema),
  xlconf: v.optional(xlconfSchema),
  guests: v.optional(described(v.record(v.string(), guestSchema), 'Guests by name.')),
  costs: v.optional(costsSchema),
  grain: v.optional(grainSchema),
  limits: v.optional(
    v.strictObject({
      requests: v.optional(
        described(
          whole,
          'Requests and steps after which the run is given up. Default 400,000, and 100 for each pair of steps that a block starts side by side, 5,000,000 at most.',
        ),
      ),
      time: v.optional(described(duration, 'Virtual time after which the run is given up.')),
    }),
  ),
  steps: described(
    v.pipe(v.array(stepOrLine), v.minLength(1, 'must have a step at least')),
    'What happens, in order.',
  ),
  twins: v.optional(
    described(v.array(twinSchema), 'The same story without its safeguard: each must fail where it says.'),
  ),
});

export type ScenarioInput = v.InferOutput<typeof scenarioSchema>;
export type TwinInput = v.InferOutput<typeof twinSchema>;
