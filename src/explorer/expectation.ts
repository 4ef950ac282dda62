/** Expectations against the world: every one that does not hold, with what was there instead. */

import { forEachFreeRun } from '../hypervisor/heap-report.ts';
import { checkInvariants } from '../hypervisor/invariants.ts';
import { checkXenInvariants } from '../hypervisor/xen-invariants.ts';
import { formatDuration, parseBound, parseCount, parseDuration, parsePages, within } from './amount.ts';
import { didYouMean } from './did-you-mean.ts';
import { errnoName } from './errno-name.ts';
import type { DomainExpectation, ExpectationInput } from './expectation-schema.ts';
import { type Mismatch, textMismatches, textWanted } from './expectation-text.ts';
import type { DomainFacts, HostFacts } from './host-facts.ts';
import type { Machine } from './machine.ts';
import type { TraceLog } from './trace-event.ts';
import { utf8Text } from './utf8.ts';
import type { World } from './world.ts';

/** How a step ended. */
export interface StepOutcome {
  /** Exit status of a command, or what a hypercall returned; null for steps that have none. */
  readonly rc: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ns: number;
  /** Why it could not even begin; absent: it did. */
  readonly refused?: string;
  /** Of a block: steps inside that ended with 0, and with anything else. */
  readonly succeeded: number;
  readonly failed: number;
}

/** Where expectations look. */
export interface Sight {
  readonly world: World;
  readonly machine: Machine;
  readonly log: TraceLog;
  readonly facts: HostFacts;
  readonly virqs: number;
}

/** Everything in `expect` that does not hold. */
export function checkExpectation(expect: ExpectationInput, outcome: StepOutcome, sight: Sight): Mismatch[] {
  const found: Mismatch[] = [];
  const count = (what: string, bound: string | number | undefined, n: number | null): void => {
    found.push(...compare(what, bound, n, parseCount, String));
  };
  if (expect.exit === 'failure') {
    if (outcome.rc === null || outcome.rc === 0)
      found.push({ what: 'exit', expected: 'any but 0', got: exitText(outcome) });
  } else found.push(...compare('exit', expect.exit, outcome.rc, parseCount, () => exitText(outcome)));
  found.push(...rcMismatch(expect.rc, outcome.rc), ...refusalMismatches(expect.refused, outcome));
  if (expect.stdout !== undefined) found.push(...textMismatches('stdout', expect.stdout, outcome.stdout));
  if (expect.stderr !== undefined) found.push(...textMismatches('stderr', expect.stderr, outcome.stderr));
  count('succeeded', expect.succeeded, outcome.succeeded);
  count('failed', expect.failed, outcome.failed);
  found.push(...runningMismatch(expect.running, sight.facts));
  for (const [name, domain] of Object.entries(expect.domains ?? {})) {
    const absent = `absent${nearName(sight.facts, name)}`;
    found.push(...domainMismatches(`domains.${name}`, domain, findDomain(sight.facts, name), absent));
  }
  found.push(
    ...hostMismatches(expect.host, sight.facts),
    ...freeListMismatches(expect.free_list, sight.world),
  );
  found.push(...eventMismatches(expect, outcome, sight));
  if (expect.invariants === 'ok') {
    const wrong = [...checkInvariants(sight.world.xen.heap), ...checkXenInvariants(sight.world.xen)];
    if (wrong.length > 0) found.push({ what: 'invariants', expected: 'ok', got: wrong.join('\n') });
  }
  return found;
}

/** How a command ended: its exit code, and what it said of that. */
export function exitText({ rc, stderr }: StepOutcome): string {
  const said = rc === 0 ? '' : stderr.trimEnd();
  return `${rc}${said === '' ? '' : `: ${said}`}`;
}

function refusalMismatches(
  expected: ExpectationInput['refused'],
  { refused }: StepOutcome,
): readonly Mismatch[] {
  if (expected === undefined) return [];
  if (refused !== undefined) return textMismatches('refused', expected, refused);
  return [{ what: 'refused', expected: `to be refused: ${textWanted(expected)}`, got: 'it could be done' }];
}

function compare(
  what: string,
  bound: string | number | undefined,
  n: number | null,
  unit: (text: string | number) => number | null,
  show: (n: number) => string,
): Mismatch[] {
  if (bound === undefined) return [];
  const limits = parseBound(bound, unit);
  if (limits !== null && n !== null && within(limits, n)) return [];
  return [{ what, expected: String(bound), got: n === null ? 'none' : show(n) }];
}

/** Whole MiB as xl prints them, compared as pages so that a bound may name any unit. */
const inMib = (what: string, bound: string | number | undefined, n: number | null): Mismatch[] =>
  compare(what, bound, n === null ? null : Math.floor(n / 256) * 256, parsePages, (p) => String(p / 256));

const inPages = (what: string, bound: string | number | undefined, n: number | null): Mismatch[] =>
  compare(what, bound, n, parseCount, String);

function rcMismatch(expected: string | number | undefined, rc: number | null): Mismatch[] {
  if (expected === undefined) return [];
  const got = rc === null ? 'none' : rc < 0 ? `-${errnoName(-rc)}` : String(rc);
  if (typeof expected === 'string' && /^-?E[A-Z0-9]+$/.test(expected)) {
    return got === `-${expected.replace(/^-/, '')}` ? [] : [{ what: 'rc', expected, got }];
  }
  const bound = parseBound(expected, parseCount);
  return bound !== null && rc !== null && within(bound, rc)
    ? []
    : [{ what: 'rc', expected: String(expected), got }];
}

const isRunning = (d: DomainFacts): boolean => stateOf(d) === 'running';

function stateOf(d: DomainFacts): string {
  if (d.state[5] === 'd') return 'dying';
  if (d.state[3] === 's') return d.state[4] === 'c' ? 'crashed' : 'shutdown';
  return d.state[2] === 'p' ? 'paused' : 'running';
}

/** As a scenario file writes it; xenstore has bytes. */
const nameOf = ({ name }: DomainFacts): string | null => (name === null ? null : utf8Text(name));

const findDomain = (facts: HostFacts, name: string): DomainFacts | undefined =>
  facts.domains.find((d) => nameOf(d) === name) ?? facts.domains.find((d) => String(d.domid) === name);

function runningMismatch(expected: readonly string[] | undefined, facts: HostFacts): Mismatch[] {
  if (expected === undefined) return [];
  const running = facts.domains
    .filter((d) => d.domid !== 0 && isRunning(d))
    .map((d) => nameOf(d) ?? `(${d.domid})`);
  const same = [...expected].sort().join('\n') === [...running].sort().join('\n');
  if (same) return [];
  const unknown = expected.find((name) => findDomain(facts, name) === undefined);
  const hint = unknown === undefined ? '' : nearName(facts, unknown);
  return [{ what: 'running', expected: listed(expected), got: listed(running) + hint }];
}

/** A hint where a domain is not there but one of nearly that name is. */
function nearName(facts: HostFacts, name: string): string {
  if (findDomain(facts, name) !== undefined) return '';
  const meant = didYouMean(
    name,
    facts.domains.flatMap((d) => nameOf(d) ?? []),
  );
  return meant === null ? '' : ` (did you mean "${meant}"?)`;
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

function domainMismatches(
  what: string,
  expected: DomainExpectation,
  d: DomainFacts | undefined,
  absent: string,
): Mismatch[] {
  const want = typeof expected === 'string' ? { state: expected } : expected;
  const state = d === undefined ? 'absent' : stateOf(d);
  const found: Mismatch[] = [];
  const isState = want.state === state || (want.state === 'present' && d !== undefined);
  if (want.state !== undefined && !isState)
    found.push({ what: `${what}.state`, expected: want.state, got: d === undefined ? absent : state });
  if (d === undefined) {
    const asks = Object.keys(want).some((key) => key !== 'state');
    return asks ? [...found, { what, expected: 'a domain', got: absent }] : found;
  }
  return [
    ...found,
    ...inMib(`${what}.mem`, want.mem, d.totPages + d.outstandingPages),
    ...inMib(`${what}.claimed`, want.claimed, d.outstandingPages),
    ...inMib(`${what}.target`, want.target, d.targetPages),
    ...inMib(`${what}.max`, want.max, d.maxPages),
    ...inPages(`${what}.tot_pages`, want.tot_pages, d.totPages),
    ...inPages(`${what}.claimed_pages`, want.claimed_pages, d.outstandingPages),
    ...inPages(`${what}.target_pages`, want.target_pages, d.targetPages),
    ...inPages(`${what}.max_pages`, want.max_pages, d.maxPages),
    ...(['1G', '2M', '4K'] as const).flatMap((size) =>
      inPages(`${what}.extents.${size}`, want.extents?.[size], d.extents[size]),
    ),
    ...(want.nodes ?? []).flatMap((n, i) => inPages(`${what}.nodes[${i}]`, n, d.nodes[i] ?? 0)),
  ];
}

function hostMismatches(want: ExpectationInput['host'], facts: HostFacts): Mismatch[] {
  if (want === undefined) return [];
  const { freePages, outstandingPages, nodes } = facts;
  const unclaimed = freePages - outstandingPages;
  return [
    ...inMib('host.free', want.free, freePages),
    ...inMib('host.outstanding_claims', want.outstanding_claims, outstandingPages),
    ...inMib('host.unclaimed', want.unclaimed, unclaimed),
    ...inPages('host.free_pages', want.free_pages, freePages),
    ...inPages('host.outstanding_pages', want.outstanding_pages, outstandingPages),
    ...inPages('host.unclaimed_pages', want.unclaimed_pages, unclaimed),
    ...inPages('host.domains', want.domains, facts.domains.length),
    ...(want.nodes ?? []).flatMap((node, i) => [
      ...inMib(`host.nodes[${i}].free`, node.free, nodes[i]?.freePages ?? null),
      ...inPages(`host.nodes[${i}].free_pages`, node.free_pages, nodes[i]?.freePages ?? null),
    ]),
  ];
}

function freeListMismatches(want: ExpectationInput['free_list'], world: World): Mismatch[] {
  if (want === undefined) return [];
  const { heap } = world.xen;
  const blocks = new Array<number>(19).fill(0);
  let largest: number | null = null;
  forEachFreeRun(heap, (_node, _zone, order, _first, count) => {
    blocks[order]! += count;
    largest = Math.max(largest ?? 0, order);
  });
  const dirty = heap.needScrub.reduce((sum, n) => sum + n, 0);
  return [
    ...inPages('free_list.largest_order', want.largest_order, largest),
    ...inPages('free_list.dirty_pages', want.dirty_pages, dirty),
    ...Object.entries(want.blocks ?? {}).flatMap(([order, bound]) =>
      inPages(`free_list.blocks.${order}`, bound, blocks[Number(order)] ?? 0),
    ),
  ];
}

function eventMismatches(expect: ExpectationInput, outcome: StepOutcome, sight: Sight): Mismatch[] {
  const { events, time } = expect;
  const { counts } = sight.log;
  const span = (what: string, bound: string | number | undefined, ns: number): Mismatch[] =>
    compare(what, bound, ns, (text) => parseDuration(String(text)), formatDuration);
  return [
    ...inPages('events.virq', events?.virq, sight.virqs),
    ...inPages('events.enomem', events?.enomem, counts.enomem),
    ...inPages('events.claim_refused', events?.claim_refused, counts.claimRefused),
    ...span('events.longest_heap_lock', events?.longest_heap_lock, sight.machine.longestHeapLock),
    ...span('events.longest_xl_lock', events?.longest_xl_lock, counts.longestXlLock),
    ...span('events.lock_wait', events?.lock_wait, counts.lockWait),
    ...span('time.step', time?.step, outcome.ns),
    ...span('time.now', time?.now, sight.world.now),
  ];
}
