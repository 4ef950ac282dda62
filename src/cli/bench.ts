/**
 * `npm run bench [WORD…]`: what the model costs, with the memory of the whole process. With words only the sections whose
 * titles have one of them. Sections are added to the list below.
 */
import { benchCommand } from './bench-command.ts';
import { benchConfig } from './bench-config.ts';
import { benchExplore } from './bench-explore.ts';
import { benchExploreJobs } from './bench-explore-jobs.ts';
import { benchExploreWorld } from './bench-explore-world.ts';
import { benchHeapBuild } from './bench-heap-build.ts';
import { benchHeapMix } from './bench-heap-mix.ts';
import { benchHypercalls } from './bench-hypercalls.ts';
import { benchReplay } from './bench-replay.ts';

/** Prints its own lines. */
type Section = (print: (line: string) => void) => void | Promise<void>;

const SECTIONS: readonly (readonly [title: string, run: Section])[] = [
  ['1 TiB guests: set up the heap, populate, destroy', benchHeapBuild],
  ['irregular memory: single pages allocated and freed', benchHeapMix],
  ['hypercalls one by one, and taking them back', benchHypercalls],
  ['guest configs of 10 MB', benchConfig],
  ['commands as users meet them', benchCommand],
  ['scenarios replayed', benchReplay],
  ['orders of builders that are counts', benchExplore],
  ['orders of real creates', benchExploreWorld],
  ['explorations with several threads', benchExploreJobs],
];

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
// Options are a section's own, for its processes.
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isIn = (word: string, title: string): boolean => title.toLowerCase().includes(word.toLowerCase());
const unknown = words.find((word) => !SECTIONS.some(([title]) => isIn(word, title)));
if (unknown !== undefined) {
  const titles = SECTIONS.map(([title]) => `  ${title}\n`).join('');
  process.stderr.write(`bench: no section's title has "${unknown}" in it; there are\n${titles}`);
  // Misuse, as everywhere in xlsim.
  process.exitCode = 2;
} else {
  for (const [title, run] of SECTIONS) {
    if (words.length > 0 && !words.some((word) => isIn(word, title))) continue;
    print(`\n${title}`);
    await run(print);
  }
}
