/** The form of what a step expects: part of the form of a scenario file, and checked as far as the file alone can tell. */
import * as v from 'valibot';
import { isErrno } from './errno-name.ts';
import { readRegex } from './regex.ts';
import { count, described, name, sizeBound, strings, timeBound } from './scenario-values.ts';

const pattern = v.pipe(
  v.string(),
  v.check(
    (text) => readRegex(text).ok,
    ({ input }) => {
      const read = readRegex(input);
      return read.ok ? '' : read.why;
    },
  ),
);

const errno = v.pipe(
  v.string(),
  v.check(
    (text) => isErrno(text.replace(/^-/, '')),
    'must be a number, a bound on it, or an errno such as -ENOMEM',
  ),
);

const textExpectation = v.union([
  v.string(),
  v.strictObject({
    is: v.optional(described(v.string(), 'Exactly this text.')),
    contains: v.optional(described(strings, 'Text that must be there.')),
    lacks: v.optional(described(strings, 'Text that must not be there.')),
    matches: v.optional(
      described(v.union([pattern, v.array(pattern)]), 'Regular expressions (multi-line) that must match.'),
    ),
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

export const expectationSchema = described(
  v.strictObject(
    {
      exit: v.optional(
        described(v.union([count, v.literal('failure')]), 'Exit code of the step; failure: any but 0.'),
      ),
      rc: v.optional(
        described(v.union([count, errno]), 'What a hypercall returned: a count, 0 or an errno by its name.'),
      ),
      refused: v.optional(
        described(textExpectation, 'The step could not even begin: why. Without it that is a failure.'),
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
    },
    'must be a mapping, such as { exit: 0 } or { exit: failure }',
  ),
  'What must be true once the step has ended.',
);

export type ExpectationInput = v.InferOutput<typeof expectationSchema>;
export type TextExpectation = v.InferOutput<typeof textExpectation>;
export type DomainExpectation = v.InferOutput<typeof domainExpectation>;
