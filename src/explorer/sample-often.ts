/**
 * Which forms of tasks come again and again: only those are worth being remembered.
 *
 * To remember what a form does costs as much as to make its step ten times. So forms are counted first, by a rough number
 * that may be the same for different ones: then one of them is remembered sooner, and that is all.
 */
import type { Plain, Task } from '../toolstack/task.ts';
import { mixed } from './state-table.ts';

/** Rough numbers are below this, and a count goes no further than a byte does. */
const PLACES = 2 ** 20;
const MOST = 255;

/** How often forms were met, by rough number. */
export type OftenMet = Uint8Array;

export const newOftenMet = (): OftenMet => new Uint8Array(PLACES);

/** How often a form like that of a task was met. */
export const timesMet = (often: OftenMet, task: Task): number => often[roughNumber(task)]!;

/** It is met once more. */
export function meet(often: OftenMet, task: Task): void {
  const at = roughNumber(task);
  if (often[at]! < MOST) often[at]!++;
}

function roughNumber({ frames }: Task): number {
  const { at, vars } = frames.at(-1)!;
  let h = mixed(frames.length) ^ roughly(at);
  for (const key in vars) {
    const value = vars[key];
    // Of what has parts only those that are numbers of a list: a builder counts in one.
    if (Array.isArray(value)) for (const part of value as readonly Plain[]) h = mixed(h ^ roughly(part));
    else h = mixed(h ^ roughly(value));
  }
  return mixed(h) & (PLACES - 1);
}

function roughly(value: Plain | undefined): number {
  switch (typeof value) {
    case 'number':
      return Math.imul(value, 0x9e3779b1);
    case 'string':
      return value.length === 0
        ? 7
        : value.length * 1024 + value.charCodeAt(0) + value.charCodeAt(value.length - 1) * 8;
    case 'boolean':
      return value ? 3 : 5;
    default:
      return 11;
  }
}
