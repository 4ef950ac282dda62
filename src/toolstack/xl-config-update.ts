/** `xl config-update`: the config a guest is rebuilt with at its next reboot. Models main_config_update(), tools/xl/xl_misc.c. */
import { EISDIR, ENOTTY, strerror } from '../hypervisor/errno.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import { foundDomid } from './libxl-list.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next } from './task.ts';
import { helpCommand } from './xl-cmdtable.ts';
import { isConfigWord } from './xl-create-args.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';
import { parseConfig } from './xl-parse.ts';
import { printfInfo } from './xl-printf-info.ts';

type UpdateVars = CommandArgs & {
  readonly domid?: number;
  readonly debug?: boolean;
  readonly filename?: string;
  readonly extra?: string;
  readonly text?: string;
  readonly maxCpus?: number;
  readonly uuid?: string;
  readonly rc?: number;
};

const WARNING =
  'WARNING: xl now has better capability to manage domain configuration, avoid using this command when possible\n';

/** Ends with text on stderr. */
const fail = (vars: UpdateVars, text: string, rc = 1): Next<UpdateVars> =>
  ask(stderrText(text), 'end', { ...vars, rc });

const SPEC = {
  // As xl spells it here: the help of a command of this name does not exist.
  command: 'config_update',
  short: 'dqf:',
  long: [{ name: 'defconfig', arg: 'required', val: 'f' }],
  minArgs: 0,
} as const;

/** Takes the words after the domain apart. */
function words(vars: UpdateVars): Next<UpdateVars> {
  const [, ...rest] = vars.argv;
  const leading = isConfigWord(rest[0]) ? rest[0] : undefined;
  const parsed = defGetopt(leading === undefined ? rest : rest.slice(1), SPEC);
  if (!parsed.ok) return endWith(parsed, vars);
  const debug = parsed.options.some((o) => o.opt === 'd');
  let filename = parsed.options.findLast((o) => o.opt === 'f')?.arg ?? leading;
  let extra = '';
  for (const word of parsed.args) {
    if (word.includes('=')) extra += `${word}\n`;
    else if (filename === undefined) filename = word;
    else return ask(stdoutText(helpCommand('create')), 'end', { ...vars, rc: 2 });
  }
  if (filename === undefined) return fail(vars, 'Config file not specified\n');
  const next = { ...vars, debug, extra, filename };
  return ask({ kind: 'file', op: 'read', path: filename }, 'read', next);
}

/** Xen: main_config_update. `xl config-update Domain [FILE] [-d] [-q] [-f FILE] [key=value…]`. */
const mainConfigUpdate = flow<UpdateVars>({
  name: 'main_config_update',
  steps: {
    start: (vars) => {
      const [domain] = vars.argv;
      if (domain === undefined) {
        const said = stderrText('xl config-update requires a domain argument\n');
        return ask([said, stdoutText(helpCommand('config-update'))], 'end', { ...vars, rc: 1 });
      }
      return ask(stderrText(WARNING), 'warned', vars);
    },
    warned: (vars) => call('find_domain', { p: vars.argv[0] ?? '' }, 'found', vars),
    found: (vars, reply) =>
      reply.rc === 0 ? words({ ...vars, domid: foundDomid(reply) }) : done({ rc: reply.rc }),
    read: (vars, reply) => {
      if (reply.rc < 0) {
        const shown = strerror(-reply.rc === EISDIR ? ENOTTY : -reply.rc);
        const site = 'libxl_utils.c:346:libxl_read_file_contents';
        const plain = libxlError(site, null, `${vars.filename} is not a plain file: ${shown}`);
        const text = stderrText(`Failed to read config file: ${vars.filename}: ${shown}\n`);
        return ask(-reply.rc === EISDIR ? [plain, text] : text, 'end', { ...vars, rc: ERROR_FAIL });
      }
      const extra = vars.extra === '' ? '' : `\n${vars.extra}\n`;
      const next = { ...vars, text: (reply.text as string) + extra };
      return ask([{ kind: 'uuid' }], 'uuid', next);
    },
    uuid: (vars, reply) =>
      ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', { ...vars, uuid: reply.uuid as string }),
    physinfo: (vars, reply) => {
      if (reply.rc < 0) {
        const line = libxlError('libxl.c:361:libxl_get_physinfo', null, 'getting physinfo', -reply.rc);
        return ask([line, stderrText('libxl_get_physinfo failed\n')], 'end', { ...vars, rc: 1 });
      }
      const maxCpus = hypercallReply('XEN_SYSCTL_physinfo', reply).info.maxCpuId + 1;
      return ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'topology', { ...vars, maxCpus });
    },
    topology: (vars, reply) => parsedConfig(vars, hypercallReply('XEN_SYSCTL_cputopoinfo', reply).cpus),
    parsed: (vars) => {
      if (vars.env.dryrun) return done({ rc: 0 });
      const domid = vars.domid ?? 0;
      const store = { kind: 'userdata', op: 'store', domid, name: 'xl', text: vars.text ?? '' } as const;
      return ask([stderrText(`setting dom${domid} configuration\n`), store], 'stored', vars);
    },
    stored: (vars, reply) =>
      reply.rc < 0 ? fail(vars, 'failed to update configuration\n') : done({ rc: 0 }),
    end: (vars) => done({ rc: vars.rc ?? 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** Parses the text, says what xl says of it, and shows it where that was asked for. */
function parsedConfig(
  vars: UpdateVars,
  cpus: readonly ({ readonly node: number } | null)[],
): Next<UpdateVars> {
  const nodeCpus: number[][] = [];
  cpus.forEach((cpu, id) => {
    if (cpu === null) return;
    while (nodeCpus.length <= cpu.node) nodeCpus.push([]);
    nodeCpus[cpu.node]?.push(id);
  });
  const hex = (vars.uuid ?? '').replaceAll('-', '');
  const parsed = parseConfig({
    text: vars.text ?? '',
    source: vars.filename ?? '',
    xlconf: vars.env.xlconf,
    host: { maxCpus: vars.maxCpus ?? 0, nodeCpus },
    uuid: vars.uuid ?? '',
    genid: Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)),
  });
  const said = parsed.stderr === '' ? [] : [stderrText(parsed.stderr)];
  if (parsed.config === null) return ask(said, 'end', { ...vars, rc: parsed.exit });
  if (!vars.debug && !vars.env.dryrun) return ask(said, 'parsed', vars);
  const shown = printfInfo(vars.env.xlconf.outputFormat, parsed.config);
  said.push(...shown.stdout.map(vars.debug ? stderrText : stdoutText));
  if (shown.exit === null) return ask(said, 'parsed', vars);
  return ask([...said, stderrText(shown.stderr)], 'end', { ...vars, rc: shown.exit });
}

/** The flows of this file by name. */
export const xlConfigUpdateFlows: Readonly<Record<string, Flow>> = { main_config_update: mainConfigUpdate };
