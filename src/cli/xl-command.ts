/** Runs one of xl's own commands on the host: xl's words first, then what happens until all is quiet, then the tables. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { runCommand } from '../explorer/run.ts';
import type { World } from '../explorer/world.ts';
import type { Reply, Request } from '../toolstack/task.ts';
import { emptyTraceFold, endTrace, foldTrace, type TraceFold } from '../toolstack/trace-line.ts';
import { cmdtableLookup } from '../toolstack/xl-cmdtable.ts';
import { type Cli, say } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { reportHost } from './host-report.ts';
import { jsonObject } from './json-output.ts';
import { changed, sessionToChange, sessionToRead } from './open-host.ts';
import { outsideOf } from './outside.ts';
import { fromBytes, toBytes, visible, wantsColour } from './screen.ts';
import { differs } from './session.ts';
import { shellLine } from './shell-words.ts';
import { explainShortage } from './shortage.ts';
import { StateError } from './state-error.ts';
import type { Stream } from './terminal.ts';
import { readXlConf } from './xl-conf-file.ts';

/** xl's exit code for words that it does not understand: who mistypes does not want to know about memory. */
const MISUSE = 2;

/** Commands that only look. Every other one that is answered may change the host. */
const READERS: readonly string[] = [
  'list',
  'vcpu-list',
  'vm-list',
  'info',
  'sharing',
  'domid',
  'domname',
  'uptime',
  'claims',
  'top',
  'cpupool-list',
  'network-list',
  'block-list',
  'channel-list',
  'pci-assignable-list',
  'getenforce',
  'psr-hwinfo',
];

/** Whether `xl WORD ARGS` may change the host. */
function mayChange(word: string, args: readonly string[], xlOptions: readonly string[]): boolean {
  const spec = cmdtableLookup(word);
  if (spec === null || READERS.includes(spec.name)) return false;
  if (xlOptions.some((option) => option.includes('N'))) return false;
  if (spec.name === 'dmesg') return args.length > 0;
  return true;
}

/** One run of xl: what it wrote and asked, and how it ended. */
interface XlRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
  /** Pages that were asked for in vain, if memory was short. */
  readonly shortage: { readonly asked: number | null } | null;
}

/** A trace file, opened before the command runs so that a bad name costs nothing. */
interface Trace {
  readonly note: (request: Request, reply: Reply) => void;
  readonly close: () => void;
}

function openTrace(cli: Cli, name: string | null): Trace | null {
  if (name === null) return null;
  const file = resolve(cli.cwd, name);
  let fd: number;
  try {
    fd = openSync(file, 'w');
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StateError(
      file,
      `cannot write the trace: ${error.message}`,
      'give --trace-hypercalls another file',
      2,
    );
  }
  let fold: TraceFold = emptyTraceFold;
  const put = (lines: readonly string[]): void => {
    if (lines.length > 0) writeSync(fd, Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
  };
  return {
    note: (request, reply) => {
      const next = foldTrace(fold, { request, reply });
      fold = next.fold;
      put(next.lines);
    },
    close: () => {
      put(endTrace(fold));
      closeSync(fd);
    },
  };
}

/** The request that fell short of memory last, in pages. */
function shortOf(request: Request, reply: Reply): { readonly asked: number | null } | null {
  if (request.kind !== 'hypercall') return null;
  const ENOMEM = 12;
  switch (request.name) {
    case 'XENMEM_claim_pages':
      return reply.rc === -ENOMEM ? { asked: request.args.nrExtents } : null;
    case 'XENMEM_populate_physmap':
      return reply.rc < request.args.nrExtents ? { asked: null } : null;
    default:
      return reply.rc === -ENOMEM ? { asked: null } : null;
  }
}

/** Runs `xl XLOPTIONS WORD ARGS` on a world and everything after it. The text is written through `write` as it comes. */
function runXl(
  cli: Cli,
  world: World,
  options: GlobalOptions,
  argv: readonly string[],
  write: (stream: Stream, text: string) => void,
): XlRun {
  const text: Record<Stream, string> = { stdout: '', stderr: '' };
  const trace = openTrace(cli, options.traceHypercalls);
  let shortage: XlRun['shortage'] = null;
  try {
    const put = (stream: Stream, chunk: string): void => {
      text[stream] += chunk;
      write(stream, chunk);
    };
    const served = (request: Request, reply: Reply): void => {
      trace?.note(request, reply);
      shortage = shortOf(request, reply) ?? shortage;
    };
    const end = runCommand(
      world,
      outsideOf(cli, { write: put }),
      { write: put, served },
      argv.map(toBytes),
      options.settle,
    );
    if (!end.ended) put('stderr', 'xlsim: the command waits for something that never comes; it was ended\n');
    if (end.settled === 'budget') {
      put(
        'stderr',
        'xlsim: the host did not come to rest within 5,000,000 requests; the rest goes on later\n',
      );
    }
    if (end.rc !== 0 && text.stderr.includes('failed to free memory')) shortage ??= { asked: null };
    return { ...text, exit: end.rc, shortage: end.rc === 0 ? null : shortage };
  } finally {
    trace?.close();
  }
}

/** `xlsim WORD ARGS…` for one of xl's commands; the exit code. */
export async function xlCommand(
  cli: Cli,
  options: GlobalOptions,
  xlOptions: readonly string[],
  words: readonly string[],
): Promise<number> {
  const [word = '', ...args] = words;
  const changing = mayChange(word, args, xlOptions);
  const session = changing ? sessionToChange(cli, options) : sessionToRead(cli, options);
  const { world } = session;
  const ownConf = world.xlConf;
  if (options.xlConf !== null) world.xlConf = readXlConf(cli, options.xlConf);
  const before = { now: world.now, nextTask: world.nextTask, uuids: world.uuids, store: world.store };
  const quiet = (): void => undefined;
  const argv = [...xlOptions, ...words];
  const run = runXl(
    cli,
    world,
    options,
    argv,
    options.json ? quiet : (stream, text) => say(cli, stream, text),
  );
  world.xlConf = ownConf;
  await report(cli, options, world, argv, run, changing);
  if (!changing) return run.exit;
  // A command that was refused for its words leaves no trace, not even a moment passed.
  if (run.exit !== 0 && cli.unsaved.length === 0 && !differs(session)) Object.assign(world, before);
  else changed(cli, historyLine(argv, options, run.exit));
  return run.exit;
}

/** A command as history shows it: a line that script mode runs again, with what was not as usual. */
function historyLine(argv: readonly string[], { settle }: GlobalOptions, exit: number): string {
  const settled = settle === 'idle' ? [] : [`--settle=${settle === 'none' ? settle : `${settle}ns`}`];
  return `${shellLine(['xl', ...settled, ...argv])}${exit === 0 ? '' : ` # exit ${exit}`}`;
}

/** Tables, JSON and the account of a shortage, as options and command want them. */
async function report(
  cli: Cli,
  options: GlobalOptions,
  world: World,
  argv: readonly string[],
  run: XlRun,
  changing: boolean,
): Promise<void> {
  if (options.json) {
    const messages = fromBytes(run.stderr)
      .split('\n')
      .filter((line) => line !== '');
    const host = reportHost(world);
    if (run.shortage !== null)
      messages.push(...explainShortage(host, run.shortage.asked).trimEnd().split('\n'));
    const result = run.stdout === '' ? null : { stdout: fromBytes(run.stdout) };
    say(cli, 'stdout', toBytes(jsonObject(argv.join(' '), run.exit, messages, host, result)));
    return;
  }
  const wanted =
    options.tables === 'always' ||
    (options.tables === 'auto' && changing && run.stdout === '' && run.exit !== MISUSE);
  if (run.shortage === null && !wanted) return;
  const host = reportHost(world);
  if (run.shortage !== null && options.tables !== 'never') {
    say(cli, 'stderr', toBytes(visible(explainShortage(host, run.shortage.asked))));
  }
  if (!wanted) return;
  const colour = wantsColour(cli.terminal.isTerminal('stdout'), cli.env);
  const [{ renderTables }, { paint }] = await Promise.all([import('./tables.ts'), import('./paint.ts')]);
  say(cli, 'stdout', toBytes(renderTables(host, paint(colour))), true);
}
