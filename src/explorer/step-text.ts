/** A step as text: the same for steps that do and expect the same, wherever in the file they stand. */
import type { Step } from './scenario.ts';

/** Where steps within a step, and what belongs to them, stand in the file. */
const PLACES = ['line', 'column', 'places'];

/** What such a step is called is told of it alone: no task bears its name. */
const NAMELESS = ['wait', 'nothing', 'set', 'parallel', 'repeat'];
/** Its place in the list, where nobody gave it a name. */
const NUMBERED = /^step \d+/;

/** See the file's header. */
export function stepText(step: Step): string {
  const { action, transcript, order } = step;
  const isBlock = action.do === 'parallel' || action.do === 'repeat';
  const isNumbered = NAMELESS.includes(action.do) && NUMBERED.test(step.label);
  const lines = transcript === null ? null : [transcript.exit, ...transcript.lines];
  const plain = {
    ...step,
    line: 0,
    column: 0,
    places: null,
    transcript: lines,
    label: isNumbered ? null : step.label,
  };
  if (!isBlock && order === undefined) return JSON.stringify(plain);
  return JSON.stringify(plain, (key, value: unknown) => (PLACES.includes(key) ? null : value));
}
