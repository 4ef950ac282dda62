/** The order of a parallel block as plain data: what one turn is, and who takes how many of them in a row. */
import * as v from 'valibot';
import { ASSERT } from '../hypervisor/bug.ts';

/**
 * Where others may come between: `hypercall`: at hypercalls, locks, waits and sleeps; `extents`: also inside a populate
 * or decrease after so many extents, inside a destruction after 512 pages for each of them; `sections`: also between what
 * these do under one lock and the next: an extent's allocation, its assignment, its mapping; `request`: at every request
 * that is not text.
 */
export type TurnGrain = 'hypercall' | 'request' | 'sections' | { readonly extents: number };

/** Whether others may come between the parts of a hypercall. */
export const isInParts = (grain: TurnGrain): boolean => grain === 'sections' || typeof grain === 'object';

const said = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));

/** Who goes on, in order, and how many times in a row: `task` (see actorPath) is what counts, `name` is for people. */
export const choicesSchema = v.array(
  v.strictObject({
    task: said(
      v.pipe(
        v.string('must be a task in quotes, such as "0" for the first step of the block'),
        v.regex(
          /^(t\d+|\d+)(\/\d+)*$/,
          'must be a task: "0" for the first step of the block, "0/0/1" for the second task that it started',
        ),
      ),
      'Who goes on: the number of a step of the block from 0, or what such a step started.',
    ),
    name: said(v.string(), 'What it is called, for people.'),
    times: said(
      v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be 1 or more')),
      'How many times in a row.',
    ),
  }),
);

/** An order: who goes on, so many times in a row. Tasks are named as actorPath() does. */
export interface TurnOrder {
  readonly grain: TurnGrain;
  readonly choices: readonly { readonly task: string; readonly name: string; readonly times: number }[];
}

/** Choices in one order at most; a file says how many there are in few words. */
export const MAX_CHOICES = 10_000_000;

/** What grainOf() reads, in words. */
export const GRAINS = 'hypercall, extents:N, sections or request';

/** Whether a text is one that grainOf() reads. */
export const isGrain = (text: string): boolean =>
  /^(hypercall|request|sections|extents:[1-9]\d{0,8})$/.test(text);

/** One of GRAINS, which was checked. */
export function grainOf(text: string): TurnGrain {
  if (text === 'hypercall' || text === 'request' || text === 'sections') return text;
  const extents = Number(text.replace('extents:', ''));
  ASSERT(Number.isSafeInteger(extents) && extents > 0, `${text} is a grain`);
  return { extents };
}
