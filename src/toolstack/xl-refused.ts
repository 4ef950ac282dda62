/**
 * The commands a simulator has no business doing: consoles, devices, policies, platform features.
 *
 * Each still answers `-h`, wrong options, missing words and unknown domains as xl does; then it is refused by name.
 * Option letters and counts are those of the main_ functions under tools/xl.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { ask, call, done, type Flow, flow } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt, type LongOption } from './xl-getopt.ts';
import { stderrText } from './xl-log.ts';

interface Refused {
  readonly short: string;
  readonly minArgs: number;
  readonly long?: readonly LongOption[];
  /** The first word names a domain, which xl looks up before anything else. */
  readonly domain?: boolean;
  /** What xl says before it looks at any word. */
  readonly warning?: string;
}

const none = (minArgs: number): Refused => ({ short: '', minArgs });
const ofDomain = (minArgs: number): Refused => ({ short: '', minArgs, domain: true });

/** By command name. */
export const REFUSED: Readonly<Record<string, Refused>> = {
  'pci-attach': ofDomain(2),
  'pci-detach': { short: 'f', minArgs: 2, domain: true },
  'pci-list': ofDomain(1),
  'pci-assignable-add': { short: 'n:', minArgs: 1, long: [{ name: 'name', arg: 'required', val: 'n' }] },
  'pci-assignable-remove': { short: 'r', minArgs: 1 },
  console: { short: 'n:t:', minArgs: 1, domain: true },
  vncviewer: {
    short: 'a',
    minArgs: 1,
    domain: true,
    long: [
      { name: 'autopass', val: 'a' },
      { name: 'vncviewer-autopass', val: 'a' },
    ],
  },
  'migrate-receive': { short: 'Fedrp', minArgs: 0 },
  'dump-core': ofDomain(2),
  'cd-insert': ofDomain(3),
  'cd-eject': ofDomain(2),
  'button-press': {
    ...ofDomain(2),
    warning: 'WARNING: "button-press" is deprecated. Please use "trigger"\n',
  },
  trigger: ofDomain(2),
  sysrq: ofDomain(2),
  'set-parameters': none(1),
  'network-attach': ofDomain(1),
  'network-detach': ofDomain(2),
  'channel-list': ofDomain(1),
  'block-attach': ofDomain(2),
  'block-detach': { short: 'f', minArgs: 2, domain: true, long: [{ name: 'force', val: 'f' }] },
  'vtpm-attach': ofDomain(1),
  'vtpm-list': ofDomain(1),
  'vtpm-detach': ofDomain(2),
  'vkb-attach': ofDomain(1),
  'vkb-list': ofDomain(1),
  'vkb-detach': ofDomain(2),
  'vdispl-attach': ofDomain(1),
  'vdispl-list': ofDomain(1),
  'vdispl-detach': ofDomain(2),
  'vsnd-attach': ofDomain(1),
  'vsnd-list': ofDomain(1),
  'vsnd-detach': ofDomain(2),
  'cpupool-destroy': none(1),
  'cpupool-rename': none(2),
  'cpupool-cpu-add': none(2),
  'cpupool-cpu-remove': none(2),
  'cpupool-migrate': none(2),
  setenforce: none(1),
  loadpolicy: none(1),
  remus: { short: 'Fbundi:s:N:ecp', minArgs: 2, domain: true },
  devd: { short: 'Fp:', minArgs: 0, long: [{ name: 'pidfile', arg: 'required', val: 'p' }] },
  'psr-cmt-attach': ofDomain(1),
  'psr-cmt-detach': ofDomain(1),
  'psr-cmt-show': none(1),
  'psr-cat-set': {
    short: 's:l:cd',
    minArgs: 2,
    long: [
      { name: 'socket', arg: 'required', val: 's' },
      { name: 'data', val: 'd' },
      { name: 'code', val: 'c' },
      { name: 'level', arg: 'required', val: 'l' },
    ],
  },
  'psr-cat-show': { short: 'l:', minArgs: 0, long: [{ name: 'level', arg: 'required', val: 'l' }] },
  'psr-mba-set': { short: 's:', minArgs: 2, long: [{ name: 'socket', arg: 'required', val: 's' }] },
  'psr-mba-show': none(0),
  'usbctrl-attach': ofDomain(1),
  'usbctrl-detach': ofDomain(2),
  'usbdev-attach': ofDomain(2),
  'usbdev-detach': ofDomain(3),
  'usb-list': ofDomain(1),
  'qemu-monitor-command': ofDomain(2),
};

type RefusedVars = CommandArgs & { readonly command: string };

/** Answers for the words of a command that is not simulated, then refuses it. `{ argv, env, command }`; done `{ rc }`. */
const mainRefused = flow<RefusedVars>({
  name: 'main_refused',
  steps: {
    start: (vars) => {
      const refused = REFUSED[vars.command];
      ASSERT(refused !== undefined, `${vars.command} is neither answered nor refused`);
      return ask(refused.warning === undefined ? [] : stderrText(refused.warning), 'warned', vars);
    },
    warned: (vars) => {
      const refused = REFUSED[vars.command];
      ASSERT(refused !== undefined, `${vars.command} is neither answered nor refused`);
      const { short, minArgs, long = [] } = refused;
      const parsed = defGetopt(vars.argv, { command: vars.command, short, long, minArgs });
      if (!parsed.ok) return endWith(parsed, vars);
      if (refused.domain) return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', vars);
      return refuse(vars);
    },
    found: (vars, reply) => (reply.rc === 0 ? refuse(vars) : done({ rc: reply.rc })),
    refused: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

const refuse = (vars: RefusedVars) => {
  const text = `xl ${vars.command} is not simulated: no guest, device or platform feature stands behind it here.\n`;
  return ask<RefusedVars>(stderrText(text), 'refused', vars);
};

/** The flows of this file by name. */
export const xlRefusedFlows: Readonly<Record<string, Flow>> = { main_refused: mainRefused };
