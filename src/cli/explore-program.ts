/** The words of `explore`. */
import type { Command } from 'commander';
import type { Cli } from './cli-state.ts';
import type { ExploreOptions } from './explore-options.ts';
import { optionsAgain, saidOptions } from './said-options.ts';

/** Where results go, and what makes no difference to them. */
const OWN = ['markdown', 'svg', 'save', 'save-test', 'jobs', 'shard'];

type Returning = <A extends readonly unknown[]>(
  run: (...args: A) => number | Promise<number>,
) => (...args: A) => Promise<void>;

/** Adds the command; what does the work is loaded when it is wanted. */
export function addExploreCommand(program: Command, cli: Cli, returning: Returning, json: boolean): void {
  program
    .command('explore')
    .description('walk the orders of what a scenario runs in parallel, and say how they end')
    .argument('<scenario>', 'a scenario file (*.xlsim.yaml)')
    .option(
      '--strategy <name>',
      'exhaustive, random, pct, or auto: exhaustive within the limits, else random',
      'auto',
    )
    .option('--order <how>', 'dfs or bfs, of an exhaustive walk', 'dfs')
    .option(
      '--grain <grain>',
      'what one step is: hypercall, extents:N, sections or request (default: hypercall; sections where the scenario says "grain: steps")',
    )
    .option(
      '--ownership <how>',
      'exact: states tell which frame belongs to whom; class: how many frames; auto: class as long as that decides all',
      'auto',
    )
    .option('--reduction <how>', 'on or off: leave out orders that can be shown to end alike', 'off')
    .option('--samples <n>', 'orders that random and pct take (default: 10000, or what a million steps make)')
    .option('--depth <d>', 'the depth of bugs that pct looks for', '3')
    .option('--seed <n>', 'where random and pct begin', '1')
    .option('--block <n>', 'which parallel block of the scenario, from 0', '0')
    .option('--twin <name>', 'explore this twin of the scenario')
    .option('--remedy <name>', 'add a remedy: nothing, xl-lock, heap-lock, max-pages or claim')
    .option('--compare', 'every remedy, side by side in one table')
    .option('--remedies <list>', 'of --compare: only these, with commas between them')
    .option('--forbid <verdict>', 'early-refusal: that a builder is refused counts as a violation')
    .option('--markdown <file>', 'write the table for a mail or a web page')
    .option('--svg <file>', 'write the table as a picture')
    .option('--save <file>', 'write the smallest bad order as a schedule, for replay --schedule')
    .option('--save-test <file>', 'write it as a scenario that passes as long as the order still ends so')
    .option('--time-budget <duration>', 'how long to walk at most, such as 30s (default: no limit of time)')
    .option(
      '--max-memory <size>',
      'how much memory states and searches may take, in all threads; node itself and garbage come on top',
      '2G',
    )
    .option('--max-states <n>', 'how many states to walk before orders are sampled', '400000')
    .option(
      '--jobs <n>',
      'threads for walks, samples and remedies (default: one a processor); the report is the same with any',
    )
    .option('--shard <i/n>', 'take only the i-th of n parts of the samples')
    .option('--self-check', 'walk everything twice, and take orders on a fresh host as well; compare')
    .option('--allow-outside', 'the scenario may read files outside of its folder')
    .action(
      returning(async (path: string, given: Omit<ExploreOptions, 'said' | 'again'>, command: Command) => {
        const { exploreCommand } = await import('./explore.ts');
        const options = { ...given, said: saidOptions(command), again: optionsAgain(command, OWN) };
        return exploreCommand(cli, path, options, json);
      }),
    );
}
