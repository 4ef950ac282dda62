/**
 * What is to be done next, and what was found: an exploration of one remedy or of several, cut into pieces.
 *
 * Pieces of samples are sized by work, not by number: large enough to be worth a message, small enough that all threads
 * are busy until the end. Results are put together by what they are, never by when they came.
 */

import { type EndTally, mergeEndTallies, NO_SAMPLES } from '../explorer/end-tally.ts';
import type { Exploration } from '../explorer/explore-record.ts';
import type { StopReason } from '../explorer/exploring.ts';
import { ASSERT } from '../hypervisor/bug.ts';
import type { Job, JobResult } from './explore-job.ts';

/** One remedy. */
interface Part {
  readonly remedy: number;
  /** `alone`: its walk needs the memory of all. */
  phase: 'walk' | 'alone' | 'walking' | 'sample' | 'telling' | 'over';
  /** The next sample to hand out. */
  next: number;
  /** Pieces handed out that are not back yet. */
  active: number;
  /** When samples end, in ms after the epoch; null: they have not begun. */
  until: number | null;
  readonly drawn: { readonly from: number; readonly tally: EndTally }[];
  /** One past the last sample; fewer than were asked for where each takes many steps. */
  to: number;
  /** How many steps a sample takes is known, as far as anybody asks. */
  isMeasured: boolean;
  /** Pieces of threads that died. */
  readonly again: { readonly from: number; readonly to: number }[];
  /** What the samples drawn have told of it: see spreadOf(). */
  spread: number | null;
  stopped: StopReason | null;
  /** Others may still join in its walk, and from when on, in ms after the epoch. */
  takesHelp: boolean;
  helpFrom: number;
  /** When its walk was handed out, in ms after the epoch. */
  beganAt: number | null;
  result: Exploration | null;
}

/** See the file's header. */
export interface Plan {
  readonly how: PlanHow;
  readonly parts: readonly Part[];
  /** Steps of all samples so far, their number, and the time that took one thread. */
  steps: number;
  samples: number;
  ms: number;
  /** Walks that are over, and the time that they took. */
  walks: number;
  walkMs: number;
}

export interface PlanHow {
  readonly remedies: number;
  readonly samples: { readonly from: number; readonly to: number };
  readonly isSampled: boolean;
  /** Several threads may share a walk, once one has been at it for so many ms. */
  readonly isShared: boolean;
  readonly helpAfter: number;
  /** Another thread is worth having once the walks that nobody has begun will take so many ms. */
  readonly hireFor: number;
  readonly threads: number;
  /** Bytes for all threads together. */
  readonly memory: number;
  /** Steps that the samples of one remedy may take, by what the first of them do. */
  readonly sampleSteps: number;
  /** Ms for the samples of one remedy. */
  readonly sampleTime: number;
}

/** How long a piece of samples should take, and the least that is in one. */
const PIECE_MS = 300;
const LEAST_STEPS = 4_000;
const FIRST_SAMPLES = 16;

export function newPlan(how: PlanHow): Plan {
  const parts = Array.from(
    { length: how.remedies },
    (_, remedy): Part => ({
      remedy,
      phase: how.isSampled ? 'sample' : 'walk',
      next: how.samples.from,
      to: how.samples.to,
      isMeasured: how.sampleSteps === Number.POSITIVE_INFINITY,
      active: 0,
      until: null,
      drawn: [],
      again: [],
      spread: null,
      stopped: null,
      takesHelp: how.isShared,
      helpFrom: Number.POSITIVE_INFINITY,
      beganAt: null,
      result: null,
    }),
  );
  return { how, parts, steps: 0, samples: 0, ms: 0, walks: 0, walkMs: 0 };
}

export const isDone = ({ parts }: Plan): boolean => parts.every(({ phase }) => phase === 'over');

/** The results by remedy. */
export const resultsOf = ({ parts }: Plan): Exploration[] =>
  parts.map(({ result }) => {
    ASSERT(result !== null, 'every remedy has a result');
    return result;
  });

/** The next piece; null: none until another one is back. */
export function nextJob(plan: Plan, now: number): Job | null {
  const { parts, how } = plan;
  if (parts.some(({ phase }) => phase === 'alone')) return jobAlone(plan);
  const told = parts.find((part) => part.phase === 'sample' && part.active === 0 && isDrawn(part));
  if (told !== undefined) {
    told.phase = 'telling';
    told.active++;
    return { do: 'tell', remedy: told.remedy, to: told.to, ...prefixOf(plan, told) };
  }
  const walked = parts.find(({ phase }) => phase === 'walk');
  if (walked !== undefined) {
    walked.phase = 'walking';
    walked.active++;
    walked.beganAt = now;
    walked.helpFrom = now + how.helpAfter;
    const threads = how.isShared ? how.threads : Math.min(how.threads, how.remedies);
    return { do: 'walk', remedy: walked.remedy, memory: how.memory / threads, isAlone: threads === 1 };
  }
  const sampled = parts.find(
    (part) => part.phase === 'sample' && !isDrawn(part) && (part.isMeasured || part.active === 0),
  );
  if (sampled !== undefined) return piece(plan, sampled, now);
  const led = parts.find((part) => mayHelp(part, now));
  if (led === undefined || how.threads === 1) return null;
  return { do: 'help', remedy: led.remedy, memory: how.memory / how.threads, port: null };
}

/** Whether another thread is worth having in a walk. */
const mayHelp = ({ phase, takesHelp, helpFrom }: Part, now: number): boolean =>
  phase === 'walking' && takesHelp && now >= helpFrom;

/** A walk that has all the memory, once nobody else works. */
function jobAlone({ parts, how }: Plan): Job | null {
  if (parts.some(({ active }) => active > 0)) return null;
  const part = parts.find(({ phase }) => phase === 'alone')!;
  part.phase = 'walking';
  part.takesHelp = false;
  part.active++;
  return { do: 'walk', remedy: part.remedy, memory: how.memory, isAlone: true };
}

/** Whether no sample of it is left to hand out. */
const isDrawn = (part: Part): boolean =>
  part.stopped !== null || (part.next >= part.to && part.again.length === 0);

function piece(plan: Plan, part: Part, now: number): Job {
  const { how } = plan;
  part.until ??= now + how.sampleTime;
  part.active++;
  const base = {
    do: 'sample',
    remedy: part.remedy,
    memory: how.memory / how.threads,
    until: part.until,
  } as const;
  const lost = part.again.pop();
  if (lost !== undefined) return { ...base, ...lost };
  const from = part.next;
  const count = part.isMeasured ? pieceSamples(plan, part.to - from) : FIRST_SAMPLES;
  part.next = Math.min(part.to, from + count);
  return { ...base, from, to: part.next };
}

function pieceSamples({ steps, samples, ms, how }: Plan, left: number): number {
  if (samples === 0) return FIRST_SAMPLES;
  const each = steps / samples;
  const share = (left * each) / (2 * how.threads);
  return Math.ceil(Math.max(LEAST_STEPS, Math.min((steps / ms) * PIECE_MS, share)) / each);
}

/** The samples that were drawn without a gap, from the first on. */
function prefixOf(
  { how }: Plan,
  { drawn, spread, stopped }: Part,
): Pick<Job & { readonly do: 'tell' }, 'tally' | 'spread' | 'stopped'> {
  let tally = NO_SAMPLES;
  for (const piece of drawn.sort((a, b) => a.from - b.from)) {
    if (piece.from !== how.samples.from + tally.samples) break;
    tally = mergeEndTallies(tally, piece.tally);
  }
  return { tally, spread, stopped };
}

/** Takes in what came of a piece, `now` ms after the epoch. */
export function takeResult(plan: Plan, job: Job, result: JobResult, now: number): void {
  const part = plan.parts[job.remedy]!;
  if (result.did === 'help') {
    part.takesHelp = false;
    return;
  }
  part.active--;
  if (result.did === 'sample') {
    if (job.do === 'sample') part.drawn.push({ from: job.from, tally: result.tally });
    part.spread ??= result.spread;
    part.stopped ??= result.stopped;
    measure(plan, part, result.tally);
    plan.steps += result.tally.steps;
    plan.samples += result.tally.samples;
    plan.ms += result.ms;
    return;
  }
  if (result.did === 'walk' && part.beganAt !== null) {
    plan.walks++;
    plan.walkMs += now - part.beganAt;
    part.beganAt = null;
  }
  part.result = result.result;
  if (result.result !== null) part.phase = 'over';
  else part.phase = result.did === 'walk' && result.isShort ? 'alone' : 'sample';
}

/** By the first samples that came back: how many there are steps for. Always the same ones, so always as many. */
function measure({ how }: Plan, part: Part, { steps, samples }: EndTally): void {
  if (part.isMeasured) return;
  part.isMeasured = true;
  const most = Math.max(FIRST_SAMPLES, Math.floor((how.sampleSteps * samples) / Math.max(1, steps)));
  part.to = Math.min(part.to, how.samples.from + most);
}

/** The thread that had the piece died: it is to be done again. A walk has the memory of all then. */
export function jobLost({ parts }: Plan, job: Job): void {
  const part = parts[job.remedy]!;
  // Whoever leads hears of it.
  if (job.do === 'help') return;
  part.active--;
  part.beganAt = null;
  if (job.do === 'sample') part.again.push({ from: job.from, to: job.to });
  else part.phase = job.do === 'walk' ? 'alone' : 'sample';
}

/** How many threads the pieces that are left could make use of. */
export function usefulThreads(plan: Plan, now: number): number {
  const { parts, how } = plan;
  if (parts.some((part) => mayHelp(part, now))) return how.threads;
  const walks = parts.filter(({ phase }) => phase === 'walk').length;
  const isWorthIt = walks * msOfWalk(plan, now) >= how.hireFor;
  const left = parts.reduce(
    (sum, part) => (part.phase === 'sample' && part.stopped === null ? sum + part.to - part.next : sum),
    0,
  );
  const isLong = plan.samples > 0 && (left / plan.samples) * plan.ms > 2 * PIECE_MS;
  return isLong ? how.threads : isWorthIt ? Math.min(how.threads, 1 + walks) : 1;
}

/** How long a walk takes, by those that are over and by those under way as far as they have come. */
function msOfWalk({ parts, walks, walkMs }: Plan, now: number): number {
  let ms = walkMs;
  let begun = walks;
  for (const { beganAt } of parts) {
    if (beganAt === null) continue;
    ms += now - beganAt;
    begun++;
  }
  return ms / Math.max(1, begun);
}
