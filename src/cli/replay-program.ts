/** The words of `replay` and `merge-reports`. */
import type { Command } from 'commander';
import type { Cli } from './cli-state.ts';
import type { ReplayOptions } from './replay.ts';
import { optionsAgain } from './said-options.ts';

/** Where reports go, which part of them, and how often. */
const OWN = ['reporter', 'output-file', 'trace', 'timeline', 'shard', 'update', 'watch'];

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

type Reporting = Pick<ReplayOptions, 'reporter' | 'outputFile'>;

/** What was said of reports, all of it; with --json the report is JSON, unless another was asked for. */
function reporting<T extends Partial<Reporting>>(options: T, json: boolean): T & Reporting {
  const { reporter = json ? ['json'] : [], outputFile = [] } = options;
  return { ...options, reporter, outputFile };
}

type Returning = <A extends readonly unknown[]>(
  run: (...args: A) => number | Promise<number>,
) => (...args: A) => Promise<void>;

/** Adds the two commands; what does the work is loaded when it is wanted. */
export function addReplayCommands(program: Command, cli: Cli, returning: Returning, json: boolean): void {
  program
    .command('replay')
    .description('play scenarios and compare with what they expect')
    .argument('<paths...>', 'scenario files (*.xlsim.yaml, *.xlsim.t), or folders of them')
    .option('--reporter <name>', 'default, dot, tap, junit, json, github, blob (may be repeated)', collect)
    .option('--output-file <file>', 'where the last reporter writes; NAME=FILE for another', collect)
    .option('--shard <i/n>', 'play only the i-th of n parts')
    .option('--bail', 'stop at the first failure')
    .option('--grep <pattern>', 'only scenarios whose file and name match')
    .option('--seed <n>', "in the place of the scenarios' own seeds")
    .option('--update', 'rewrite recorded outputs')
    .option('--allow-outside', 'scenarios may read files outside of their folders')
    .option('--trace <file>', 'write every event as a line of JSON')
    .option('--timeline <file>', 'draw who did what when (SVG)')
    .option('--one-by-one', 'serve every extent by itself: slower, the same result')
    .option('--schedule <file>', 'go through a parallel block in the order that explore --save wrote')
    .option('--force-schedule', 'as far as it fits, even if that was of another scenario or version of xlsim')
    .option('--watch', 'play again whenever a file changes')
    .action(
      returning(
        async (
          paths: string[],
          said: Omit<ReplayOptions, 'again' | keyof Reporting> & Partial<Reporting>,
          command: Command,
        ) => {
          const options = reporting({ ...said, again: optionsAgain(command, OWN) }, json);
          if (options.watch === true) {
            const { watchReplay } = await import('./watch.ts');
            return watchReplay(cli, paths, options);
          }
          const { replayCommand } = await import('./replay.ts');
          return replayCommand(cli, paths, options);
        },
      ),
    );
  program
    .command('merge-reports')
    .description(
      'put the blobs of all shards of replay together, or what explore --json printed; fails if one is missing',
    )
    .argument('<blobs...>', 'blobs or reports, or folders of them')
    .option('--reporter <name>', 'as for replay', collect)
    .option('--output-file <file>', 'as for replay', collect)
    .action(
      returning(async (paths: string[], options: Partial<Reporting>) => {
        const { mergeCommand } = await import('./merge-command.ts');
        return mergeCommand(cli, paths, reporting(options, json), json);
      }),
    );
}
