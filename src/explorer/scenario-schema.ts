/**
 * The form of a scenario file: the one source of its validator, its types and its published JSON Schema.
 *
 * Only shape is checked here. What needs another part of the file or the host (a guest's name, a size that fits) is
 * checked by scenario-check.ts and at the step that uses it.
 */
import * as v from 'valibot';
import { parseBound, parseCount, parseDuration, parsePages, SIZE_FORM, TIME_FORM } from './amount.ts';
import { choicesSchema, isGrain } from './turn-order.ts';

const described = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));

const name = v.pipe(v.string(), v.nonEmpty('a name must not be empty'));
const strings = v.union([v.string(), v.array(v.string())]);
const scalar = v.union([v.string(), v.number()]);
const whole = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be 0 or more'));

const size = v.pipe(
  v.union([v.string(), v.number()], `must be ${SIZE_FORM}`),
  v.check((text) => parsePages(text) !== null, `must be ${SIZE_FORM}`),
);
const duration = v.pipe(
  v.string(`must be ${TIME_FORM}`),
  v.check((text) => parseDuration(text) !== null, `must be ${TIME_FORM}`),
);
const BOUND = 'or a bound on it (">= 3", "< 10", "!= 0", "3..5")';
const bound = (unit: (text: string | number) => number | null, form: string) =>
  v.pipe(
    v.union([v.string(), v.number()], `must be ${form}, ${BOUND}`),
    v.check((text) => parseBound(text, unit) !== null, `must be ${form}, ${BOUND}`),
  );
const count = bound(parseCount, 'a whole number');
const sizeBound = bound(parsePages, SIZE_FORM);
const timeBound = bound((text) => parseDuration(String(text)), TIME_FORM);

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

const textExpectation = v.union([
  v.string(),
  v.strictObject({
    is: v.optional(described(v.string(), 'Exactly this text.')),
    contains: v.optional(described(strings, 'Text that must be there.')),
    lacks: v.optional(described(strings, 'Text that must not be there.')),
    matches: v.optional(described(strings, 'Regular expressions (multi-line) that must match.')),
  }),
]);

const domainExpectation = v.union([
  v.picklist(['running', 'paused', 'shutdown', 'crashed', 'dying', 'absent', 'present']),
  v.strictObject({
    state: v.optional(v.picklist(['running', 'paused', 'shutdown', 'crashed', 'dying', 'absent', 'present'])),
    mem: v.optional(described(sizeBound, 'As xl list shows it, in MiB: owned and claimed pages.')),
    claimed: v.optional(described(sizeBound, 'Its outstanding claim, in MiB.')),
    target: v.optional(described(sizeBound, 'memory/target.')),
    max: v.optional(described(sizeBound, 'max_pages in MiB.')),
    tot_pages: v.optional(count),
    claimed_pages: v.optional(count),
    target_pages: v.optional(count),
    max_pages: v.optional(count),
    extents: v.optional(
      described(
        v.strictObject({ '1G': v.optional(count), '2M': v.optional(count), '4K': v.optional(count) }),
        'Extents by size.',
      ),
    ),
    nodes: v.optional(described(v.array(count), 'Pages on each node.')),
  }),
]);

const expectationSchema = described(
  v.strictObject({
    exit: v.optional(
      described(v.union([count, v.literal('failure')]), 'Exit code of the step; failure: any but 0.'),
    ),
    rc: v.optional(
      described(
        v.union([count, v.string()]),
        'What a hypercall returned: a count, 0 or an errno by its name.',
      ),
    ),
    stdout: v.optional(described(textExpectation, 'What the step printed.')),
    stderr: v.optional(described(textExpectation, 'What the step printed on stderr.')),
    succeeded: v.optional(described(count, 'Of a parallel or repeat block: steps with exit 0.')),
    failed: v.optional(described(count, 'Of a parallel or repeat block: steps with another exit.')),
    running: v.optional(described(v.array(name), 'Exactly these guests run.')),
    domains: v.optional(described(v.record(v.string(), domainExpectation), 'Domains by name.')),
    host: v.optional(
      v.strictObject({
        free: v.optional(described(sizeBound, 'Free memory, claims not subtracted.')),
        outstanding_claims: v.optional(described(sizeBound, 'The sum of all claims.')),
        unclaimed: v.optional(described(sizeBound, 'Free memory without claims.')),
        free_pages: v.optional(count),
        outstanding_pages: v.optional(count),
        unclaimed_pages: v.optional(count),
        domains: v.optional(described(count, 'Domains, dom0 included.')),
        nodes: v.optional(
          described(
            v.array(v.strictObject({ free: v.optional(sizeBound), free_pages: v.optional(count) })),
            'By node.',
          ),
        ),
      }),
    ),
    free_list: v.optional(
      v.strictObject({
        largest_order: v.optional(described(count, 'The largest order that has a free block.')),
        blocks: v.optional(
          described(
            v.record(v.pipe(v.string(), v.regex(/^(1?\d)$/, 'must be an order, 0 to 18')), count),
            'Free blocks by order.',
          ),
        ),
        dirty_pages: v.optional(described(count, 'Free pages that are not scrubbed yet.')),
      }),
    ),
    events: v.optional(
      v.strictObject({
        virq: v.optional(described(count, 'Low-memory virqs since the scenario began.')),
        enomem: v.optional(described(count, 'Allocations that were refused since the scenario began.')),
        claim_refused: v.optional(described(count, 'Claims that were refused since the scenario began.')),
        longest_heap_lock: v.optional(described(timeBound, 'The longest hold of the heap lock.')),
        longest_xl_lock: v.optional(described(timeBound, 'The longest hold of the xl lock.')),
        lock_wait: v.optional(described(timeBound, 'Time spent waiting for the xl lock, added up.')),
      }),
    ),
    time: v.optional(
      v.strictObject({
        step: v.optional(described(timeBound, 'How long the step took on the virtual clock.')),
        now: v.optional(described(timeBound, 'The virtual clock since the scenario began.')),
      }),
    ),
    invariants: v.optional(described(v.literal('ok'), 'Every invariant of the heap and of Xen holds.')),
  }),
  'What must be true once the step has ended.',
);

const conditionsSchema = v.strictObject({
  fragment: v.optional(
    v.strictObject({
      largest: described(scalar, 'The largest free block to leave: 4K, 2M, an order (0 to 17).'),
      hold: v.optional(
        described(
          v.picklist(['half', 'quarter', 'eighth']),
          'How much of the memory is taken out of use. Default half.',
        ),
      ),
      of: v.optional(described(size, 'How much of the free memory to treat. Default all.')),
      seed: v.optional(described(whole, 'Which of the blocks are taken. Default 1.')),
    }),
  ),
  offline: v.optional(
    v.strictObject({ pages: whole, seed: v.optional(whole), broken: v.optional(v.boolean()) }),
  ),
  hold: v.optional(
    v.strictObject({
      size: v.optional(described(size, 'How much.')),
      leave: v.optional(described(size, 'All but this much.')),
      as: described(name, 'A name for the one who holds it.'),
      order: v.optional(described(whole, 'In blocks of this order. Default 0.')),
      node: v.optional(whole),
    }),
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
      v.pipe(
        v.string('must be hypercall, extents:N or request'),
        v.check(isGrain, 'must be hypercall, extents:N or request'),
      ),
      'What one turn is.',
    ),
    choices: described(choicesSchema, 'Who goes on, in order.'),
  }),
  'Of a parallel block: who goes on when, in the place of the clock. Written by xlsim explore --save-test.',
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

export type ExpectationInput = v.InferOutput<typeof expectationSchema>;
export type TextExpectation = v.InferOutput<typeof textExpectation>;
export type DomainExpectation = v.InferOutput<typeof domainExpectation>;
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
      v.string(`must be ${TIME_FORM}, or idle`),
      'A duration, or idle: until nothing is left to happen.',
    ),
  ),
  parallel: v.optional(
    described(v.array(v.lazy(() => stepOrLine)), 'Steps that start together, each at its own time.'),
  ),
  order: v.optional(orderSchema),
  repeat: v.optional(described(whole, 'How often to do steps; {i} in them is the count, from 1.')),
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
    v.pipe(v.array(stepOrLine), v.minLength(1, 'a scenario has at least one step')),
    'What happens, in order.',
  ),
  twins: v.optional(
    described(v.array(twinSchema), 'The same story without its safeguard: each must fail where it says.'),
  ),
});

export type ScenarioInput = v.InferOutput<typeof scenarioSchema>;
export type TwinInput = v.InferOutput<typeof twinSchema>;
