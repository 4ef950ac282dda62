/** `npm run bench`: what the model costs, with the memory of the whole process. Sections are added to the list below. */
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
const wanted = process.argv.slice(2);
for (const [title, run] of SECTIONS) {
  if (wanted.length > 0 && !wanted.some((word) => title.includes(word))) continue;
  print(`\n${title}`);
  await run(print);
}
