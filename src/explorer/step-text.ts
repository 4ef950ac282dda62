/** A step as text: the same for steps that do and expect the same, wherever in the file they stand. */
import type { Step } from './scenario.ts';

/** Where steps within a step, and what belongs to them, stand in the file. */
const PLACES = ['line', 'column', 'places'];

/** See the file's header. */
export function stepText(step: Step): string {
  const { action, transcript, order } = step;
  const isBlock = action.do === 'parallel' || action.do === 'repeat';
  const lines = transcript === null ? null : [transcript.exit, ...transcript.lines];
  const plain = { ...step, line: 0, column: 0, transcript: lines };
  if (!isBlock && order === undefined) return JSON.stringify(plain);
  return JSON.stringify(plain, (key, value: unknown) => (PLACES.includes(key) ? null : value));
}
