/** xl's commands that only look, run on the saved host without loading it. */
import { canLook, runLook } from '../explorer/look.ts';
import { parsedCells } from '../explorer/saved-cells.ts';
import { LOOK_COMMANDS, xlLookFlows } from '../toolstack/xl-look-flows.ts';
import { type Cli, say, stateOf } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { toBytes } from './screen.ts';
import { checkName, hostExists, openHost } from './state-dir.ts';
import { version } from './version.ts';
import { readXlConf } from './xl-conf-file.ts';

/** Runs `xlsim WORDS…` if what is saved with the host is enough for it; null: nothing was done. */
export function lookCommand(
  cli: Cli,
  options: GlobalOptions,
  xlOptions: readonly string[],
  words: readonly string[],
): number | null {
  const [word = '', ...args] = words;
  if (!LOOK_COMMANDS.includes(word) || args.some((arg) => arg.startsWith('-'))) return null;
  if (options.json || options.tables === 'always' || options.traceHypercalls !== null) return null;
  if (cli.unsaved.length > 0) return null;
  checkName('host', options.host);
  const state = stateOf(cli, options);
  if (!hostExists(cli.fs, state, options.host)) return null;
  const cells = parsedCells(openHost(cli.fs, state, options.host).cells);
  if (!canLook(cells, version)) return null;
  const xlConf = options.xlConf === null ? null : readXlConf(cli, options.xlConf);
  const end = runLook(xlLookFlows, cells, [...xlOptions, ...words].map(toBytes), xlConf);
  if (end === null) return null;
  for (const { stream, text } of end.chunks) say(cli, stream, text);
  return end.rc;
}
