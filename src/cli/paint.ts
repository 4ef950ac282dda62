/** The two colours that tables and reports use, by chalk; whether to use them is decided in screen.ts. */
import { Chalk } from 'chalk';
import type { Paint } from './screen.ts';

/** The same text when there is to be no colour. */
export function paint(colour: boolean): Paint {
  const { bold, dim } = new Chalk({ level: colour ? 1 : 0 });
  return { heading: bold, faint: dim };
}
