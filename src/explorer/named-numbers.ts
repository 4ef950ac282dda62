/** Numbers that a scenario names: who says `xl destroy 37` means the domain that has that id then. */
import type { Play } from './play.ts';
import { stepText } from './step-text.ts';

/** As programs read numbers: hexadecimal, octal or decimal. */
const NUMBERS = /0x[0-9a-f]+|\d+/gi;

/** The numbers named, and the texts they are from. */
export interface NamedNumbers {
  readonly numbers: ReadonlySet<number>;
  /** How many files had been read. */
  readonly files: number;
  readonly written: Play['world']['files'];
  readonly xlConf: string;
}

/**
 * All numbers in the texts of a play: its steps, configs of guests, xl.conf, and the files that commands have read or
 * written. `known`: what was found before, which may still be all.
 */
export function namedNumbers(play: Play, known: NamedNumbers | null): NamedNumbers {
  const { stage, run, world, read } = play;
  const { files: written, xlConf } = world;
  if (known?.files === read.size && known.written === written && known.xlConf === xlConf) return known;
  const numbers = new Set<number>();
  const note = (text: string | number): void => {
    for (const [digits] of String(text).matchAll(NUMBERS)) {
      numbers.add(Number(digits));
      if (/^0[0-7]+$/.test(digits)) numbers.add(Number.parseInt(digits, 8));
    }
  };
  for (const text of new Set(stage.steps.map(stepText))) note(text);
  for (const [name, { text }] of stage.guests) note(`${name} ${text}`);
  for (const path of [...read]) note(`${path} ${run.outside.readFile(path)}`);
  note(xlConf);
  for (const text of written.values()) note(text);
  return { numbers, files: read.size, written, xlConf };
}
