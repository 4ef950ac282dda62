/** xlsim's own commands and their options. commander reads the words; the work is done elsewhere. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { strerror } from '../hypervisor/errno.ts';
import { claimCommand } from './claim-command.ts';
import { type Cli, complain, flush, say } from './cli-state.ts';
import { addExploreCommand } from './explore-program.ts';
import type { GlobalOptions } from './global-options.ts';
import * as host from './host-commands.ts';
import { outsideOf } from './outside.ts';
import { addReplayCommands } from './replay-program.ts';
import { toBytes } from './screen.ts';
import type { RunLine } from './script-command.ts';
import type { Stream } from './terminal.ts';

const MISUSE = 2;

/** Runs `xlsim WORDS…`; the exit code. */
export async function ownCommand(
  cli: Cli,
  options: GlobalOptions,
  words: readonly string[],
  runLine: RunLine,
): Promise<number> {
  let exit = 0;
  const program = new Command('xlsim')
    .exitOverride()
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => say(cli, 'stdout', toBytes(text)),
      writeErr: (text) => say(cli, 'stderr', toBytes(text.replace(/^error: /, 'xlsim: '))),
    });
  const returning =
    <A extends readonly unknown[]>(run: (...args: A) => number | Promise<number>) =>
    async (...args: A): Promise<void> => {
      exit = await run(...args);
    };
  addHostCommands(program, cli, options, returning);
  addReplayCommands(program, cli, returning, options.json);
  addExploreCommand(program, cli, returning, options.json);
  addHostReports(program, cli, options, returning);
  addFileCommands(program, cli, options, returning, runLine);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'schema') say(cli, 'stderr', toBytes(`${error.message}\n`));
    return error.exitCode === 0 ? 0 : MISUSE;
  }
}

type Returning = <A extends readonly unknown[]>(
  run: (...args: A) => number | Promise<number>,
) => (...args: A) => Promise<void>;

/** What is asked of a host beside xl's commands, and the schemas. */
function addHostReports(program: Command, cli: Cli, options: GlobalOptions, returning: Returning): void {
  program
    .command('claim')
    .description('stake a claim for a domain, or cancel it with 0')
    .argument('<domain>', 'name or id')
    .argument('<size>', 'the total the domain is to have, such as 4G; MiB without a unit')
    .action(returning((domain: string, size: string) => claimCommand(cli, options, domain, size)));
  program
    .command('history')
    .description('print what was run on this host, one xl line a command')
    .option('--format <form>', 'yaml or transcript: a scenario that runs it again')
    .action(returning((given: { format?: string }) => host.history(cli, options, given.format)));
  program
    .command('map')
    .description('show who holds which part of the memory')
    .option('--width <columns>', 'blocks in a line', '64')
    .option('--lines <lines>', 'lines a node', '16')
    .action(
      returning(async (given: { width: string; lines: string }) => {
        const { mapCommand } = await import('./map-command.ts');
        return mapCommand(cli, options, given);
      }),
    );
  program
    .command('schema')
    .description('print a JSON Schema: of what --json prints, of scenario files, or of explorations')
    .argument('[what]', 'output, scenario or explore')
    .action(
      returning(async (what = '') => {
        const schema = await schemaOf(what);
        if (schema === null)
          throw new CommanderError(
            MISUSE,
            'schema',
            what === ''
              ? 'xlsim: of what: output, scenario or explore? Editors check scenario files with: xlsim schema scenario'
              : `xlsim: there is no schema ${what}: output, scenario and explore are those there are`,
          );
        say(cli, 'stdout', toBytes(`${JSON.stringify(schema, null, 2)}\n`));
        return 0;
      }),
    );
}

/** A published schema by its name. */
async function schemaOf(what: string): Promise<object | null> {
  switch (what) {
    case 'output':
      return (await import('./json-output.ts')).outputSchema();
    case 'scenario':
      return (await import('./scenario-json-schema.ts')).scenarioJsonSchema();
    case 'explore':
      return (await import('./explore-json-schema.ts')).exploreJsonSchema();
    default:
      return null;
  }
}

/** Commands that read a file. */
function addFileCommands(
  program: Command,
  cli: Cli,
  options: GlobalOptions,
  returning: Returning,
  runLine: RunLine,
): void {
  program
    .command('conform')
    .description("replay recordings of Xen's allocator (.jsonl, .jsonl.gz, - for standard input) and compare")
    .argument('<files...>', 'recordings')
    .action(
      returning(async (files: string[]) => {
        const { conform } = await import('./conform.ts');
        const line = (stream: Stream) => (text: string) => {
          say(cli, stream, toBytes(`${text}\n`));
          flush(cli);
        };
        return conform(files, { out: line('stdout'), err: line('stderr'), stdin: () => readFileSync(0) });
      }),
    );
  program
    .command('cfg-parse')
    .description("show a guest config as xl's parser reads it")
    .argument('<file>', 'a guest config')
    .action(
      returning(async (file: string) => {
        const { cfgParse } = await import('./cfg-parse.ts');
        const text = readConfigFile(cli, file);
        if (text === null) return MISUSE;
        return cfgParse(toBytes(file), text, (stream, piece) => {
          say(cli, stream, piece);
          // What this process has not saved yet must not be spoken of.
          if (cli.unsaved.length === 0) flush(cli);
        });
      }),
    );
  program
    .command('script')
    .description('run the commands of a file, or of standard input (-), one a line')
    .argument('<file>', 'a file, or -')
    .option('--group <n>', 'save this many changes with one sync; output waits for it', '1')
    .option('--stop', 'stop at the first command that fails')
    .action(
      returning(async (file: string, given: { group: string; stop?: boolean }) => {
        const { scriptCommand } = await import('./script-command.ts');
        return scriptCommand(cli, options, file, given.group, given.stop === true, runLine);
      }),
    );
}

function addHostCommands(program: Command, cli: Cli, options: GlobalOptions, returning: Returning): void {
  const group = program
    .command('host')
    .description('hosts of this state')
    .exitOverride()
    .configureOutput(program.configureOutput());
  const sub = (name: string, text: string): Command => group.command(name).description(text);
  sub('init', 'make a host')
    .argument('[name]', 'its name (default: that of --host)')
    .option('--memory <size>', 'physical memory, 64M to 16T', '64G')
    .option('--nodes <n>', 'NUMA nodes, 1 to 64', '1')
    .option('--node-memory <sizes>', 'the memory of each node, such as 8G,16G')
    .option('--cpus <n>', 'physical cpus', '16')
    .option('--distances <rows>', 'NUMA distances, such as 10,21/21,10')
    .option('--dom0 <size>', 'boot with dom0_mem=SIZE; without it dom0 gets nearly all and autoballoon is on')
    .option('--xen <profile>', 'whose memory rules hold, such as 4.17', '4.22')
    .option('--bootscrub <how>', 'idle or off', 'idle')
    .option('--seed <n>', 'where UUIDs come from', '1')
    .option(
      '--missing-file <path>',
      'a file that configs name but that is not there (may be repeated)',
      collect,
    )
    .option('--force', 'replace a host of the same name')
    .action(
      returning((name: string | undefined, given: host.InitOptions) => host.init(cli, options, name, given)),
    );
  sub('show', 'show a host')
    .argument('[name]')
    .action(returning((name?: string) => host.show(cli, options, name)));
  sub('list', 'list the hosts of this state').action(returning(() => host.list(cli, options)));
  sub('remove', 'remove a host and its snapshots')
    .argument('[name]')
    .action(returning((name?: string) => host.remove(cli, options, name)));
  sub('unlock', 'say who holds the lock; remove it if its process is gone').action(
    returning(() => host.unlockHost(cli, options)),
  );
  sub('snapshot', 'keep the host as it is now')
    .argument('[name]', 'the name of the snapshot; without it, list them')
    .option('--force', 'replace a snapshot of the same name')
    .action(
      returning((name: string | undefined, given: { force?: boolean }) =>
        host.snapshot(cli, options, name, given.force === true),
      ),
    );
  sub('restore', 'set the host back to a snapshot')
    .argument('<name>')
    .action(returning((name: string) => host.restore(cli, options, name)));
}

/** A config's bytes, one char each; null when it cannot be read, which has been said. */
function readConfigFile(cli: Cli, file: string): string | null {
  const read = outsideOf(cli).readFile(toBytes(file));
  if (typeof read === 'string') return read;
  complain(cli, `${file}: cannot be read: ${strerror(-read)}`);
  return null;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
