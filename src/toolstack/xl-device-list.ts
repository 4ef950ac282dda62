/**
 * `xl network-list` and `xl block-list`. Models tools/xl/xl_nic.c and xl_block.c.
 *
 * Simplified: no device has a backend here, so there is a heading and no row.
 */
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, type Next } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { stderrText, stdoutText } from './xl-log.ts';

type ListVars = CommandArgs & { readonly words?: readonly string[] };

/** One of the two commands. */
interface DeviceList {
  readonly flow: string;
  readonly command: string;
  readonly heading: string;
  /** Whether a domain that cannot be found ends the command; else it is said and passed over. */
  readonly strict: boolean;
}

const NETWORK: DeviceList = {
  flow: 'main_networklist',
  command: 'network-list',
  heading: sprintf(
    '%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-5s %-30s\n',
    'Idx',
    'BE',
    'Mac Addr.',
    'handle',
    'state',
    'evt-ch',
    'tx-',
    'rx-ring-ref',
    'BE-path',
  ),
  strict: true,
};

const BLOCK: DeviceList = {
  flow: 'main_blocklist',
  command: 'block-list',
  heading: sprintf(
    '%-5s %-3s %-6s %-5s %-6s %-8s %-30s\n',
    'Vdev',
    'BE',
    'handle',
    'state',
    'evt-ch',
    'ring-ref',
    'BE-path',
  ),
  strict: false,
};

const isNumber = (word: string): boolean => /^[0-9]*$/.test(word);

function nextWord(list: DeviceList, vars: ListVars): Next<ListVars> {
  const word = vars.words?.[0];
  if (word === undefined) return done({ rc: 0 });
  if (isNumber(word)) return nextWord(list, { ...vars, words: vars.words?.slice(1) ?? [] });
  return list.strict
    ? call('find_domain', { p: word }, 'found', vars)
    : call('libxl_name_to_domid', { name: word }, 'found', vars);
}

/** `xl network-list Domain…`, `xl block-list Domain…`; done `{ rc }`. */
function mainDeviceList(list: DeviceList): Flow {
  return flow<ListVars>({
    name: list.flow,
    steps: {
      start: (vars) => {
        const parsed = defGetopt(vars.argv, { command: list.command, short: '', minArgs: 1 });
        if (!parsed.ok) return endWith(parsed, vars);
        return ask(stdoutText(list.heading), 'headed', { ...vars, words: parsed.args });
      },
      headed: (vars) => nextWord(list, vars),
      found: (vars, reply) => {
        if (list.strict && reply.rc !== 0) return done({ rc: reply.rc });
        const next = { ...vars, words: vars.words?.slice(1) ?? [] };
        if (reply.rc === 0) return nextWord(list, next);
        return ask(stderrText(`${vars.words?.[0]} is an invalid domain identifier\n`), 'headed', next);
      },
      exit: (_vars, reply) => done({ rc: reply.rc }),
    },
  });
}

/** The flows of this file by name. */
export const xlDeviceListFlows: Readonly<Record<string, Flow>> = {
  main_networklist: mainDeviceList(NETWORK),
  main_blocklist: mainDeviceList(BLOCK),
};
