/** What a step led to against what was expected of it: failures with the tables and events of that moment. */
import type { OrderMisfit } from './block-plan.ts';
import { checkExpectation, exitText, type Sight, type StepOutcome } from './expectation.ts';
import { placeOfExpectation } from './expectation-places.ts';
import type { Mismatch } from './expectation-text.ts';
import { scrubIdle } from './idle-scrub.ts';
import type { Play } from './play.ts';
import { isPrintLooked } from './repeat-body.ts';
import type { PinnedOrder, Step } from './scenario.ts';
import { holdings, lastEvents } from './trace-text.ts';
import { transcriptMismatches } from './transcript.ts';

/** Events shown with a failure. */
const SHOWN_EVENTS = 12;

/**
 * Checks everything a step expects, its recorded output, and that a command of which nothing else is said succeeds.
 * `isCounted`: a block around it says how many of its steps may fail.
 */
export function judge(play: Play, step: Step, outcome: StepOutcome, isCounted: boolean): void {
  const mismatches: Mismatch[] = isCounted ? [] : unexpectedFailure(step, outcome);
  if (step.expect !== null) mismatches.push(...checkExpectation(step.expect, outcome, sightOf(play)));
  if (isPrintLooked(step)) {
    for (const reader of play.readers) reader.push(outcome.stdout, outcome.stderr, outcome.refused ?? '');
  }
  if (step.output !== null) mismatches.push(...outputMismatch(play, step.output, outcome));
  if (step.transcript !== null) {
    if (play.around.updateBlock !== undefined) play.around.updateBlock(step.transcript, outcome);
    else mismatches.push(...transcriptMismatches(step.transcript, outcome));
  }
  if (mismatches.length > 0) report(play, step, mismatches);
}

function unexpectedFailure({ action, expect, transcript }: Step, outcome: StepOutcome): Mismatch[] {
  const { rc } = outcome;
  const isTold = expect?.exit !== undefined || transcript !== null;
  if (action.do !== 'run' || isTold || rc === 0 || rc === null) return [];
  return [{ what: 'exit', expected: '0, as nothing else is expected', got: exitText(outcome) }];
}

/** How many steps of the block or repeat around a step succeeded and failed by then. */
type Tally = Pick<StepOutcome, 'succeeded' | 'failed'>;

/** What is expected of every step that does not say why it will be refused. */
export const DOABLE = 'something that can be done';

/** A step that could not even begin: that is a failure, unless it is what was expected. `tally`: of the block around it. */
export function refuse(play: Play, step: Step, why: string, tally: Tally): void {
  if (step.expect?.refused !== undefined) {
    judge(
      play,
      step,
      {
        rc: null,
        stdout: '',
        stderr: '',
        ns: 0,
        refused: why,
        succeeded: tally.succeeded,
        failed: tally.failed,
      },
      true,
    );
    return;
  }
  report(play, step, [{ what: step.action.do, expected: DOABLE, got: why }]);
}

/** The order of a block in the file fits it no longer: told where it stopped. */
export function judgeMisfit(play: Play, step: Step, order: PinnedOrder, { line, why }: OrderMisfit): void {
  const { line: at, column } = (line === null ? undefined : order.places[line]) ?? order;
  const expected = `the order that xlsim ${order.version} wrote`;
  const got = `it fits no longer, and from there on the clock decided: ${why}`;
  report(play, { ...step, line: at, column }, [{ what: 'order', expected, got }]);
}

function sightOf(play: Play): Sight {
  scrubIdle(play.world, play.machine);
  return {
    world: play.world,
    machine: play.machine,
    log: play.log,
    facts: play.around.observe(play.world),
    virqs: play.world.xen.heap.virqCount - play.virqsBefore,
  };
}

function report(play: Play, step: Step, mismatches: readonly Mismatch[]): void {
  const { line, column, label } = step;
  const at = play.world.now;
  const where = play.hosts === null ? '' : `host ${play.host}\n`;
  const tables = where + play.around.tables(play.world);
  const held = holdings(play.log, play.world);
  const events = lastEvents(play.log, SHOWN_EVENTS);
  for (const { part = '', ...mismatch } of mismatches) {
    const place = placeOfExpectation(step.places, mismatch.what + part) ?? { line, column };
    play.failures.push({ step: label, ...place, ...mismatch, at, tables, held, events });
  }
}

function outputMismatch(play: Play, path: string, { stdout, stderr }: StepOutcome): Mismatch[] {
  const text = stdout + stderr;
  if (play.around.update !== undefined) {
    play.around.update(path, text);
    return [];
  }
  const recorded = play.around.readOutput(path);
  if (recorded === null)
    return [{ what: 'output', expected: `the contents of ${path}`, got: 'no such file: run with --update' }];
  return recorded === text ? [] : [{ what: 'output', expected: recorded, got: text }];
}
