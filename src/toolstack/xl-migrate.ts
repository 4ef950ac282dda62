/**
 * `xl save`, `xl restore` and `xl migrate`: who holds the memory, and when.
 *
 * Models tools/xl/xl_saverestore.c and xl_migrate.c. A saved guest gives its memory back once the file is written; a
 * migrated one keeps it until the receiver has started it, so that for a while both hosts hold it.
 */
import { domId } from '../hypervisor/units.ts';
import { parseSavedState, SAVE_MAGIC, savedDataLength } from './libxl-stream.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next } from './task.ts';
import { helpCommand } from './xl-cmdtable.ts';
import { applyCreateOptions, type CreateOptions, createDefaults } from './xl-create-args.ts';
import type { CommandArgs, XlEnv } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { parseGlobalConfig, XL_GLOBAL_CONFIG } from './xl-global-config.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';

interface SuspendVars {
  readonly domid: number;
  readonly config?: string;
  /** Looks at the domain left before it counts as stuck. */
  readonly looks?: number;
}

/**
 * Stops a guest for saving and says what it is. Done { rc, text }: the saved state's text. Models
 * libxl_domain_suspend(): the guest acknowledges control/shutdown = suspend, then shuts down with reason suspend.
 */
const domainSuspend = flow<SuspendVars>({
  name: 'libxl_domain_suspend',
  steps: {
    start: (v) => call('libxl_retrieve_domain_configuration', { domid: v.domid }, 'config', v),
    config: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const next = { ...v, config: String(reply.json) };
      return call('libxl_domain_control', { domid: v.domid, word: 'suspend' }, 'asked', next);
    },
    asked: (v, reply) => {
      if (reply.rc === 0) return look({ ...v, looks: 60 });
      const message = `guest didn't suspend, rc=${reply.rc}`;
      return ask(
        libxlError('libxl_dom_suspend.c:330:domain_suspend_callback_common_done', v.domid, message),
        'failed',
        v,
      );
    },
    look: (v) => look(v),
    looked: (v, reply) => {
      const info = reply.rc > 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (info?.domid !== v.domid) return done({ rc: -3 });
      if (info.shutdown && info.shutdownReason === 2) {
        const text = JSON.stringify({ magic: SAVE_MAGIC, config: v.config, pages: info.totPages });
        return done({ rc: 0, text });
      }
      const looks = (v.looks ?? 0) - 1;
      if (looks <= 0) return done({ rc: -8 });
      return ask({ kind: 'wait', paths: ['@releaseDomain'], ns: 1e9 }, 'look', { ...v, looks });
    },
    failed: () => done({ rc: -3 }),
  },
});

function look(v: SuspendVars): Next<SuspendVars> {
  const args = { firstDomain: domId(v.domid), maxDomains: 1 };
  return ask(hypercall('XEN_SYSCTL_getdomaininfolist', args), 'looked', v);
}

type SaveVars = CommandArgs & {
  readonly checkpoint?: boolean;
  readonly pause?: boolean;
  readonly path?: string;
  readonly domid?: number;
  readonly text?: string;
};

/** `xl save [-c|-p] D FILE`. */
const mainSave = flow<SaveVars>({
  name: 'main_save',
  steps: {
    start: (v) => {
      const parsed = defGetopt(v.argv, { command: 'save', short: 'cp', minArgs: 2 });
      if (!parsed.ok) return endWith(parsed, v);
      if (parsed.args.length > 3) return ask(stdoutText(helpCommand('save')), 'usage', v);
      const has = (letter: string): boolean => parsed.options.some((o) => o.opt === letter);
      const next = { ...v, checkpoint: has('c'), pause: has('p'), path: parsed.args[1] ?? '' };
      return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', next);
    },
    found: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const domid = reply.domid as number;
      return call('libxl_retrieve_domain_configuration', { domid }, 'config', { ...v, domid });
    },
    config: (v, reply) => {
      if (reply.rc !== 0) return ask(stderrText('unable to retrieve domain configuration\n'), 'failed', v);
      const length = savedDataLength(String(reply.json));
      const said = stderrText(`Saving to ${v.path} new xl format (info 0x3/0x0/${length})\n`);
      return ask(said, 'suspend', v);
    },
    suspend: (v) => call('libxl_domain_suspend', { domid: v.domid }, 'suspended', v),
    suspended: (v, reply) => {
      if (reply.rc !== 0)
        return ask(stderrText('Failed to save domain, resuming domain\n'), 'resumeFailed', v);
      return ask({ kind: 'file', op: 'write', path: v.path!, text: String(reply.text) }, 'written', v);
    },
    written: (v, reply) => {
      if (reply.rc < 0) return ask(stderrText('Failed to save domain, resuming domain\n'), 'resumeFailed', v);
      const domid = domId(v.domid!);
      if (v.pause === true) {
        const pause = hypercall('XEN_DOMCTL_pausedomain', { domid });
        return ask([pause, hypercall('XEN_DOMCTL_resumedomain', { domid })], 'ended', v);
      }
      if (v.checkpoint === true) return ask(hypercall('XEN_DOMCTL_resumedomain', { domid }), 'ended', v);
      return call('libxl_domain_destroy', { domid: v.domid }, 'ended', v);
    },
    resumeFailed: (v) => ask(hypercall('XEN_DOMCTL_resumedomain', { domid: domId(v.domid!) }), 'failed', v),
    ended: () => done({ rc: 0 }),
    usage: () => done({ rc: 1 }),
    failed: () => done({ rc: 1 }),
    exit: (_v, reply) => done({ rc: reply.rc }),
  },
});

type RestoreVars = CommandArgs & { readonly options?: CreateOptions; readonly path?: string };

/** `xl restore [-p -e -d -V -A -c -F] [CFG] FILE`. */
const mainRestore = flow<RestoreVars>({
  name: 'main_restore',
  steps: {
    start: (v) => {
      const parsed = defGetopt(v.argv, {
        command: 'restore',
        short: 'FcpdeVA',
        long: [
          { name: 'vncviewer', val: 'V' },
          { name: 'vncviewer-autopass', val: 'A' },
        ],
        minArgs: 1,
      });
      if (!parsed.ok) return endWith(parsed, v);
      if (parsed.args.length > 2) return ask(stdoutText(helpCommand('restore')), 'usage', v);
      const [first, second] = parsed.args;
      const base = { ...createDefaults, configFile: second === undefined ? null : (first ?? null) };
      const path = second ?? first ?? '';
      const next = { ...v, options: applyCreateOptions(base, parsed.options), path };
      return ask({ kind: 'file', op: 'read', path }, 'read', next);
    },
    read: (v, reply) => {
      const state = reply.rc < 0 ? null : parseSavedState(String(reply.text));
      if (reply.rc < 0) return ask(stderrText(`Can't open "${v.path}": restore failed\n`), 'failed', v);
      if (state === null) {
        return ask(
          stderrText('File has wrong magic number - corrupt or for a different tool?\n'),
          'failed',
          v,
        );
      }
      const text = `Loading new save file ${v.path} (new xl fmt info 0x3/0x0/${savedDataLength(state.config)})\n Savefile contains xl domain config in JSON format\n`;
      const args = {
        env: v.env,
        options: v.options,
        restore: { path: v.path, config: state.config, source: '<saved>' },
      };
      return ask(stderrText(text), 'create', { ...v, args });
    },
    create: (v) => call('create_domain', (v as RestoreVars & { args: object }).args, 'created', v),
    created: (_v, reply) => done({ rc: reply.rc === 0 ? 0 : 1 }),
    usage: () => done({ rc: 2 }),
    failed: () => done({ rc: 1 }),
    exit: (_v, reply) => done({ rc: reply.rc }),
  },
});

type MigrateVars = CommandArgs & {
  readonly host?: string;
  readonly domid?: number;
  readonly name?: string;
};

/** `xl migrate D HOST`. */
const mainMigrate = flow<MigrateVars>({
  name: 'main_migrate',
  steps: {
    start: (v) => {
      const long = [
        { name: 'debug', val: 'd' },
        { name: 'live', val: 'l' },
      ];
      const parsed = defGetopt(v.argv, { command: 'migrate', short: 'FC:s:ep', long, minArgs: 2 });
      if (!parsed.ok) return endWith(parsed, v);
      return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', { ...v, host: parsed.args[1] ?? '' });
    },
    found: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const domid = reply.domid as number;
      return call('libxl_domid_to_name', { domids: [domid] }, 'named', { ...v, domid });
    },
    named: (v, reply) => {
      const name = (reply.names as readonly (string | null)[])[0] ?? '';
      return call('libxl_domain_suspend', { domid: v.domid }, 'suspended', { ...v, name });
    },
    suspended: (v, reply) => {
      if (reply.rc !== 0) {
        const text = 'Migration failed, failed to suspend at sender.\n';
        return ask(
          stderrText(`migration sender: libxl_domain_suspend failed (rc=${reply.rc})\n${text}`),
          'failed',
          v,
        );
      }
      const frame = {
        flow: 'migrate_receive',
        at: 'start',
        vars: { env: v.env as never, text: String(reply.text) },
      };
      return ask({ kind: 'remote', host: v.host!, frame }, 'received', v);
    },
    received: (v, reply) => {
      if (reply.rc !== 0) {
        const text = `migration sender: Target reported failure (code ${reply.rc}).\nMigration failed, resuming at sender.\n`;
        return ask(stderrText(text), 'resume', v);
      }
      return ask(stderrText('migration sender: Target has acknowledged transfer.\n'), 'away', v);
    },
    away: (v) => {
      const args = { domid: v.domid, oldName: v.name, newName: `${v.name}--migratedaway` };
      return call('libxl__domain_rename', args, 'renamed', v);
    },
    renamed: (v) => {
      const vars = { name: v.name! };
      const frame = { flow: 'migrate_start', at: 'start', vars };
      const said = stderrText('migration sender: Giving target permission to start.\n');
      return ask([said, { kind: 'remote', host: v.host!, frame }], 'started', v);
    },
    started: (v, reply) => {
      if (reply.rc !== 0) {
        const back = { domid: v.domid, oldName: `${v.name}--migratedaway`, newName: v.name };
        return call('libxl__domain_rename', back, 'backAgain', v);
      }
      return ask(stderrText('migration sender: Target reports successful startup.\n'), 'destroy', v);
    },
    backAgain: (v) => ask(stderrText('Migration failed, resuming at sender.\n'), 'resume', v),
    destroy: (v) => call('libxl_domain_destroy', { domid: v.domid }, 'destroyed', v),
    destroyed: (v) => ask(stderrText('Migration successful.\n'), 'ended', v),
    resume: (v) => ask(hypercall('XEN_DOMCTL_resumedomain', { domid: domId(v.domid!) }), 'failed', v),
    ended: () => done({ rc: 0 }),
    failed: () => done({ rc: 1 }),
    exit: (_v, reply) => done({ rc: reply.rc }),
  },
});

interface ReceiveVars {
  readonly env: XlEnv;
  readonly text: string;
  readonly domid?: number;
}

/** Where a migration's stream lies on the receiving host while it is read. */
const incomingPath = (name: string): string => `/var/lib/xen/save/incoming-${name}`;

/** The guest's name in a stream. */
const nameIn = (config: string): string =>
  (JSON.parse(config) as { c_info?: { name?: string } }).c_info?.name ?? '';

/**
 * The receiver: builds the guest from the stream and leaves it paused under the name `X--incoming`.
 * Done { rc, domid }. Models the first half of migrate_receive().
 */
const migrateReceive = flow<ReceiveVars>({
  name: 'migrate_receive',
  steps: {
    start: (v) => ask({ kind: 'file', op: 'read', path: XL_GLOBAL_CONFIG }, 'conf', v),
    // It is an xl of its own: the far host's xl.conf holds.
    conf: (v, reply, memo) => {
      const state = parseSavedState(v.text);
      if (state === null) return done({ rc: 1 });
      const text = reply.rc < 0 ? '' : String(reply.text);
      const { xlconf } = memo('xl.conf', text, () => parseGlobalConfig(text));
      const path = incomingPath(nameIn(state.config));
      const next = { ...v, env: { ...v.env, xlconf } };
      return ask({ kind: 'file', op: 'write', path, text: v.text }, 'written', next);
    },
    written: (v) => {
      const state = parseSavedState(v.text)!;
      const name = nameIn(state.config);
      const config = state.config.replace(JSON.stringify(name), JSON.stringify(`${name}--incoming`));
      const options: CreateOptions = {
        ...createDefaults,
        paused: true,
        quiet: true,
        monitor: false,
        daemonize: false,
      };
      const restore = { path: incomingPath(name), config, source: 'incoming migration stream' };
      return call('create_domain', { env: v.env, options, restore }, 'created', v);
    },
    created: (v, reply) => {
      if (reply.rc === 0) return done({ rc: 0, domid: reply.domid });
      return ask(stderrText(`migration target: Domain creation failed (code ${reply.rc}).\n`), 'failed', v);
    },
    failed: () => done({ rc: 3 }),
  },
});

/** The receiver's second half: the guest gets its own name and runs. Done { rc }. Models the end of migrate_receive(). */
const migrateStart = flow<{ readonly name: string; readonly domid?: number }>({
  name: 'migrate_start',
  steps: {
    start: (v) => call('libxl_name_to_domid', { name: `${v.name}--incoming` }, 'found', v),
    found: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const domid = Number(reply.domid);
      const args = { domid, oldName: `${v.name}--incoming`, newName: v.name };
      return call('libxl__domain_rename', args, 'renamed', { ...v, domid });
    },
    renamed: (v, reply) =>
      reply.rc === 0
        ? ask(hypercall('XEN_DOMCTL_unpausedomain', { domid: domId(v.domid!) }), 'running', v)
        : done({ rc: reply.rc }),
    running: (_v, reply) => done({ rc: reply.rc < 0 ? 1 : 0 }),
  },
});

export const xlMigrateFlows: Readonly<Record<string, Flow>> = {
  libxl_domain_suspend: domainSuspend,
  main_save: mainSave,
  main_restore: mainRestore,
  main_migrate: mainMigrate,
  migrate_receive: migrateReceive,
  migrate_start: migrateStart,
};
