/** What stands behind the keys of a scenario file: names, sizes, durations, bounds. */
import * as v from 'valibot';
import { parseBound, parseCount, parseDuration, parsePages, sizeForm, timeForm } from './amount.ts';

export const described = <T extends v.GenericSchema>(schema: T, text: string) =>
  v.pipe(schema, v.description(text));

export const name = v.pipe(v.string(), v.nonEmpty('a name must not be empty'));
export const strings = v.union([v.string(), v.array(v.string())]);
export const scalar = v.union([v.string(), v.number()]);
export const whole = v.pipe(
  v.number(),
  v.integer('must be a whole number'),
  v.minValue(0, 'must be 0 or more'),
);

export const size = v.pipe(
  v.union([v.string(), v.number()], `must be ${sizeForm('')}`),
  v.check(
    (text) => parsePages(text) !== null,
    ({ input }) => `must be ${sizeForm(input)}`,
  ),
);
export const duration = v.pipe(
  v.string(`must be ${timeForm('')}`),
  v.check(
    (text) => parseDuration(text) !== null,
    ({ input }) => `must be ${timeForm(input)}`,
  ),
);
const BOUND = 'or a bound on it (">= 3", "< 10", "!= 0", "3..5")';
const bound = (unit: (text: string | number) => number | null, form: (text: string | number) => string) =>
  v.pipe(
    v.union([v.string(), v.number()], `must be ${form('')}, ${BOUND}`),
    v.check(
      (text) => parseBound(text, unit) !== null,
      ({ input }) => `must be ${form(input)}, ${BOUND}`,
    ),
  );
export const count = bound(parseCount, () => 'a whole number');
export const sizeBound = bound(parsePages, sizeForm);
export const timeBound = bound((text) => parseDuration(String(text)), timeForm);
