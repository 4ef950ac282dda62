/**
 * `xl create`: from the command line to a running guest.
 *
 * Models main_create() and create_domain(), tools/xl/xl_vmcontrol.c.
 */
import { EISDIR, ENOTTY, strerror } from '../hypervisor/errno.ts';
import type { HypercallReply } from '../hypervisor/privcmd.ts';
import { domId } from '../hypervisor/units.ts';
import { type DomainConfig, domainConfigType } from './domain-config.ts';
import { ERROR_FAIL, ERROR_INVAL } from './libxl-errno.ts';
import { fromJson } from './libxl-json.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  goto,
  hypercall,
  hypercallReply,
  type Next,
  type Request,
  spawn,
} from './task.ts';
import { autoAutoballoon } from './xl-autoballoon.ts';
import { helpCommand } from './xl-cmdtable.ts';
import {
  applyCreateOptions,
  applyCreateWords,
  type CreateOptions,
  createDefaults,
  isConfigWord,
} from './xl-create-args.ts';
import type { CommandArgs, XlEnv } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';
import { parseConfigAgain, withOverrides } from './xl-parse.ts';
import { printfInfo } from './xl-printf-info.ts';

/** Options of `xl create` and the long names of some. */
const CREATE_SPEC = {
  command: 'create',
  short: 'Fnqf:pcdeVAi',
  long: [
    { name: 'dryrun', val: 'n' },
    { name: 'quiet', val: 'q' },
    { name: 'defconfig', arg: 'required', val: 'f' },
    { name: 'vncviewer', val: 'V' },
    { name: 'vncviewer-autopass', val: 'A' },
    { name: 'ignore-global-affinity-masks', val: 'i' },
  ],
  minArgs: 0,
} as const;

type CreateMainVars = CommandArgs & { readonly options?: CreateOptions };

/** `xl create`. Done { rc }: the exit code, 0 or the libxl error's number. */
const mainCreate = flow<CreateMainVars>({
  name: 'main_create',
  steps: {
    start: (v) => {
      const leading = isConfigWord(v.argv[0]) ? v.argv[0] : null;
      const parsed = defGetopt(leading === null ? v.argv : v.argv.slice(1), CREATE_SPEC);
      if (!parsed.ok) return endWith(parsed, v);
      const base = { ...createDefaults, configFile: leading, dryrun: v.env.dryrun };
      const options = applyCreateWords(applyCreateOptions(base, parsed.options), parsed.args);
      if (options === null) return ask(stdoutText(helpCommand('create')), 'usage', v);
      return call('create_domain', { env: v.env, options }, 'created', v);
    },
    usage: () => done({ rc: 2 }),
    created: (_v, reply) =>
      done({ rc: typeof reply.exit === 'number' ? reply.exit : Math.max(0, -reply.rc) }),
    exit: (_v, reply) => done({ rc: reply.rc }),
  },
});

interface CreateDomainVars {
  readonly env: XlEnv;
  readonly options: CreateOptions;
  /** A saved state to start from, and the config text that came with it. */
  readonly restore?: { readonly path: string; readonly config: string; readonly source: string } | null;
  readonly text?: string;
  readonly source?: string;
  readonly uuid?: string;
  readonly genid?: readonly number[];
  readonly maxCpus?: number;
  readonly config?: DomainConfig;
  readonly autoballoon?: boolean;
  readonly domid?: number;
  readonly rc?: number;
  readonly exit?: number;
  /** A start after a reboot: no file is read, and the monitor that asks for it goes on watching. */
  readonly again?: boolean;
}

/** Says why a config file cannot be read, as libxl_read_file_contents() and xl do. */
function unreadable(v: CreateDomainVars, path: string, errno: number): Next<CreateDomainVars> {
  const isDirectory = errno === EISDIR;
  const shown = strerror(isDirectory ? ENOTTY : errno);
  const first = libxlError(
    'libxl_utils.c:346:libxl_read_file_contents',
    null,
    `${path} is not a plain file: ${shown}`,
  );
  const text = stderrText(`Failed to read config file: ${path}: ${shown}\n`);
  return ask(isDirectory ? [first, text] : [text], 'end', { ...v, rc: ERROR_FAIL });
}

/** Begins reading the config whose text and source are known. */
function announce(v: CreateDomainVars, text: string, source: string): Next<CreateDomainVars> {
  const said: Request[] = v.options.quiet ? [] : [stderrText(`Parsing config from ${source}\n`)];
  return ask([...said, { kind: 'uuid' }], 'uuid', { ...v, text, source });
}

const DASH = 45;

/** The value of a lower-case hexadecimal digit. */
const nibble = (code: number): number => (code > 57 ? code - 87 : code - 48);

/** What is known of 128 bits of a uuid as sixteen bytes. */
function uuidBytes(uuid: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < uuid.length; i += 2) {
    if (uuid.charCodeAt(i) === DASH) i++;
    bytes.push(16 * nibble(uuid.charCodeAt(i)) + nibble(uuid.charCodeAt(i + 1)));
  }
  return bytes;
}

/** The cpus of each node, by node id. */
function cpusOfNodes(cpus: HypercallReply<'XEN_SYSCTL_cputopoinfo'>['cpus']): number[][] {
  const nodeCpus: number[][] = [];
  cpus.forEach((cpu, id) => {
    if (cpu === null) return;
    while (nodeCpus.length <= cpu.node) nodeCpus.push([]);
    nodeCpus[cpu.node]!.push(id);
  });
  return nodeCpus;
}

/**
 * Creates a domain from a config file, the stored config of a saved state, or a config kept since an earlier start.
 * Done { rc, exit?, domid }: rc is libxl's error, `exit` the exit status where xl leaves at once.
 */
const createDomain = flow<CreateDomainVars>({
  name: 'create_domain',
  steps: {
    start: (v) => {
      if (v.text !== undefined) return announce(v, v.text, v.source ?? '');
      if (v.again === true) return goto('begin', v);
      const path = v.options.configFile;
      if (path !== null) {
        if (path === '/dev/null') return announce(v, withOverrides('', v.options.extraConfig), path);
        return ask({ kind: 'file', op: 'read', path }, 'read', v);
      }
      if (v.restore !== undefined && v.restore !== null) {
        const said: Request[] = v.options.quiet
          ? []
          : [stderrText(`Parsing config from ${v.restore.source}\n`)];
        const config = fromJson(domainConfigType, v.restore.config);
        if (config === null) return ask(said, 'end', { ...v, rc: ERROR_FAIL, exit: 1 });
        return ask(said, 'parsed', { ...v, config });
      }
      return ask(stderrText('Config file not specified and none in save file\n'), 'end', {
        ...v,
        rc: ERROR_INVAL,
      });
    },
    read: (v, reply) => {
      const path = v.options.configFile ?? '';
      if (reply.rc < 0) return unreadable(v, path, -reply.rc);
      return announce(v, withOverrides(String(reply.text), v.options.extraConfig), path);
    },
    uuid: (v, reply) => {
      const uuid = String(reply.uuid);
      return ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', { ...v, uuid, genid: uuidBytes(uuid) });
    },
    physinfo: (v, reply) => {
      if (reply.rc < 0) {
        return ask(
          [
            libxlError('libxl.c:361:libxl_get_physinfo', null, 'getting physinfo', -reply.rc),
            stderrText('libxl_get_physinfo failed\n'),
          ],
          'end',
          { ...v, rc: ERROR_FAIL, exit: 1 },
        );
      }
      const maxCpus = hypercallReply('XEN_SYSCTL_physinfo', reply).info.maxCpuId + 1;
      return ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'topology', { ...v, maxCpus });
    },
    topology: (v, reply, memo) => {
      const cpus = reply.rc < 0 ? [] : hypercallReply('XEN_SYSCTL_cputopoinfo', reply).cpus;
      const nodeCpus = memo('cpus of nodes', cpus, () => cpusOfNodes(cpus));
      const parsed = parseConfigAgain(memo, {
        text: v.text ?? '',
        source: v.source ?? '',
        xlconf: v.env.xlconf,
        host: { maxCpus: v.maxCpus ?? 0, nodeCpus },
        uuid: v.uuid ?? '',
        genid: v.genid ?? [],
        ignoreGlobalAffinityMasks: v.options.ignoreMasks,
      });
      const said = parsed.stderr === '' ? [] : [stderrText(parsed.stderr)];
      const { text: _text, ...rest } = v;
      if (parsed.config === null) return ask(said, 'end', { ...rest, rc: ERROR_FAIL, exit: parsed.exit });
      return ask(said, 'parsed', { ...rest, config: parsed.config });
    },
    parsed: (v) => {
      const { dryrun, debug } = v.options;
      if (!dryrun && !debug) return goto('begin', v);
      const shown = printfInfo(v.env.xlconf.outputFormat, v.config!);
      const print = shown.stdout.map(dryrun ? stdoutText : stderrText);
      if (shown.exit === null) return ask(print, dryrun ? 'end' : 'begin', { ...v, rc: 0 });
      return ask([...print, stderrText(shown.stderr)], 'end', { ...v, rc: ERROR_FAIL, exit: shown.exit });
    },
    begin: (v) => {
      const setting = v.env.xlconf.autoballoon;
      if (setting === 'auto') return ask(hypercall('XENVER_info', {}), 'commandline', v);
      return goto('lock', { ...v, autoballoon: setting === 'on' });
    },
    commandline: (v, reply) => {
      const line = reply.rc < 0 ? '' : hypercallReply('XENVER_info', reply).commandline;
      return goto('lock', { ...v, autoballoon: autoAutoballoon(line) });
    },
    lock: (v) => {
      if (v.autoballoon !== true) return goto('create', v);
      return ask({ kind: 'lock', path: v.env.xlconf.lockfile }, 'locked', v);
    },
    locked: (v, reply) => {
      if (reply.rc < 0) {
        // The jump to the error exit leaves the result at 0: no domain, and success.
        const text = `cannot open the lockfile ${v.env.xlconf.lockfile} errno=${-reply.rc}\n`;
        return ask(stderrText(text), 'end', { ...v, rc: 0 });
      }
      return call('freemem', { env: v.env, config: v.config }, 'freed', v);
    },
    freed: (v, reply) => {
      if (reply.rc === 0) return goto('create', v);
      return ask(stderrText('failed to free memory for the domain\n'), 'unlockFailed', {
        ...v,
        rc: ERROR_FAIL,
      });
    },
    create: (v) => {
      const restore =
        v.restore === undefined || v.restore === null ? {} : { restore: { path: v.restore.path } };
      return call('libxl_domain_create', { env: v.env, config: v.config, ...restore }, 'created', v);
    },
    created: (v, reply) => {
      const domid = reply.domid as number | undefined;
      const next = domid === undefined ? v : { ...v, domid };
      if (reply.rc !== 0) {
        const failed = { ...next, rc: reply.rc };
        // libxl has destroyed what it made; xl still knows its domid and destroys it again.
        return domid === undefined
          ? goto('unlockFailed', failed)
          : call('libxl_domain_destroy', { domid }, 'unlockFailed', failed);
      }
      return v.autoballoon === true
        ? ask({ kind: 'unlock', path: v.env.xlconf.lockfile }, 'unlocked', next)
        : goto('unlocked', next);
    },
    unlockFailed: (v) =>
      v.autoballoon === true
        ? ask({ kind: 'unlock', path: v.env.xlconf.lockfile }, 'end', v)
        : goto('end', v),
    unlocked: (v) =>
      v.options.paused
        ? goto('running', v)
        : ask(hypercall('XEN_DOMCTL_unpausedomain', { domid: domId(v.domid!) }), 'running', v),
    running: (v) => {
      const { daemonize, monitor } = v.options;
      if (v.again === true || (!daemonize && !monitor)) return goto('end', { ...v, rc: 0 });
      const args = { env: v.env, config: v.config!, options: v.options, domid: v.domid!, daemon: daemonize };
      if (!daemonize) return call('xl_monitor', args, 'watched', v);
      return ask(spawn(`xl-${v.config?.cInfo.name ?? ''}`, 'xl_monitor', args), 'end', { ...v, rc: 0 });
    },
    watched: (v) => goto('end', { ...v, rc: 0 }),
    end: (v) =>
      done({
        rc: v.rc ?? 0,
        ...(v.exit === undefined ? {} : { exit: v.exit }),
        ...(v.domid === undefined ? {} : { domid: v.domid }),
      }),
  },
});

export const xlVmcontrolFlows: Readonly<Record<string, Flow>> = {
  main_create: mainCreate,
  create_domain: createDomain,
};
