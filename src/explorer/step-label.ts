/** What a step without a name is called, in reports, pictures and twins. */
import { formatDuration } from './amount.ts';
import type { Action, Step } from './scenario.ts';

/** Labels of steps inside of a step that are written out. */
const SHOWN = 3;
/** A name longer than this is none. */
const MOST_CHARS = 60;

/**
 * What it does: a command line, a hypercall's name; blocks and waits among the scenario's own steps by their number, those
 * inside of others (`isInner`) and what is repeated by what they do, for there many stand side by side. `number` counts
 * from 1.
 */
export function stepLabel(action: Action, number: number, isInner: boolean): string {
  switch (action.do) {
    case 'run':
      return action.line.trim();
    case 'hypercall':
      return action.name;
    case 'guest':
      return `${action.guest} ${action.action.do}`;
    case 'repeat':
      return `${action.count} x ${repeated(action.steps)}`;
    case 'parallel':
      return isInner ? listed(action.steps, ' | ') : `step ${number} (parallel)`;
    case 'wait':
      return isInner
        ? `wait ${action.ns === null ? 'idle' : formatDuration(action.ns)}`
        : `step ${number} (wait)`;
    case 'set':
      return `step ${number} (set)`;
    case 'nothing':
      return `step ${number}`;
  }
}

/** A step of which so many start; null: one, without a count. */
export const timesText = (label: string, times: number | null): string =>
  times === null ? label : `${times} x ${/^\d+ x /.test(label) ? `(${label})` : label}`;

const repeated = (steps: readonly Step[]): string => {
  const text = listed(steps, '; ');
  return steps.length === 1 && !/^\d+ x /.test(text) ? text : `(${text})`;
};

/** Several labels as one. The count of a round is not that of a block around it. */
function listed(steps: readonly Step[], between: string): string {
  const more = steps.length > SHOWN ? [`${steps.length - SHOWN} more`] : [];
  const labels = steps.slice(0, SHOWN).map(({ label, times }) => timesText(label, times));
  const text = [...labels, ...more].join(between).replaceAll('{i}', '<i>');
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS - 1)}…` : text;
}
