/** `xl uptime`: how long dom0 and the guests have run. Models tools/xl/xl_info.c. */
import { foundDomid, foundNames, listedInfos } from './libxl-list.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, type Next, xs, xsReply } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';

type UptimeVars = CommandArgs & {
  readonly short?: boolean;
  /** Words still to be looked up. */
  readonly words?: readonly string[];
  /** Domains still to be printed, first one next. */
  readonly domids?: readonly number[];
  /** time(2), and the seconds since dom0 came up. */
  readonly time?: number;
  readonly sinceBoot?: number;
  readonly seconds?: number;
};

/** Models uptime_to_string(). */
function uptimeToString(uptime: number, short: boolean): string {
  const day = Math.floor(uptime / 86400);
  const hour = Math.floor((uptime % 86400) / 3600);
  const min = Math.floor((uptime % 3600) / 60);
  const days = day > 1 ? `${day} days, ` : day === 1 ? '1 day, ' : '';
  const clock = sprintf('%2d:%02d', hour, min);
  return days + (short ? clock : `${clock}${sprintf(':%02d', uptime % 60)}`);
}

/** The wall clock in UTC. Models current_time_to_string(). */
const timeOfDay = (time: number): string =>
  sprintf('%02d:%02d:%02d', Math.floor((time % 86400) / 3600), Math.floor((time % 3600) / 60), time % 60);

function uptimeRow(vars: UptimeVars, name: string | null, domid: number): string {
  const uptime = uptimeToString(vars.seconds ?? 0, vars.short === true);
  return vars.short
    ? sprintf(' %s up %s, %s (%d)\n', timeOfDay(vars.time ?? 0), uptime, name, domid)
    : sprintf('%-33s %4d %s\n', name, domid, uptime);
}

/** Looks up the next word, or asks for the time when all are known. */
function nextWord(vars: UptimeVars): Next<UptimeVars> {
  const word = vars.words?.[0];
  return word === undefined
    ? ask({ kind: 'now' }, 'time', vars)
    : call('find_domain', { p: word }, 'found', vars);
}

/** Goes on with the next domain to print. Models print_uptime(). */
function nextDomain(vars: UptimeVars): Next<UptimeVars> {
  const domid = vars.domids?.[0];
  if (domid === undefined) return done({ rc: 0 });
  if (domid === 0) {
    return call('libxl_domid_to_name', { domids: [0] }, 'named', { ...vars, seconds: vars.sinceBoot ?? 0 });
  }
  return ask(xs({ op: 'read', path: `/local/domain/${domid}/vm` }), 'vmPath', vars);
}

const dropDomain = (vars: UptimeVars): UptimeVars => ({ ...vars, domids: vars.domids?.slice(1) ?? [] });

/** Xen: main_uptime. `xl uptime [-s] [Domain…]`. */
const mainUptime = flow<UptimeVars>({
  name: 'main_uptime',
  clock: [],
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'uptime', short: 's', minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      const short = parsed.options.length > 0;
      return nextWord({ ...vars, short, words: parsed.args, domids: [] });
    },
    found: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: 1 });
      const domids = [...(vars.domids ?? []), foundDomid(reply)];
      return nextWord({ ...vars, words: vars.words?.slice(1) ?? [], domids });
    },
    time: (vars, reply) => {
      const sinceBoot = Math.floor((reply.ns as number) / 1e9);
      const next = { ...vars, time: reply.time as number, sinceBoot };
      const head = vars.short ? [] : [stdoutText(sprintf('%-33s %4s %s\n', 'Name', 'ID', 'Uptime'))];
      return ask(head, 'headed', next);
    },
    headed: (vars) =>
      (vars.domids ?? []).length > 0 ? nextDomain(vars) : call('libxl_list_vm', {}, 'listed', vars),
    listed: (vars, reply) => {
      if (reply.rc !== 0) {
        // dom0 is printed before the list is asked for.
        return ask(stderrText('Could not list vms.\n'), 'next', { ...vars, domids: [-1, 0] });
      }
      const guests = listedInfos(reply).flatMap((info) => (info.domid === 0 ? [] : [info.domid]));
      return nextDomain({ ...vars, domids: [0, ...guests] });
    },
    vmPath: (vars, reply) => {
      const path = xsReply(reply).value ?? '(null)';
      return ask(xs({ op: 'read', path: `${path}/start_time` }), 'startTime', vars);
    },
    startTime: (vars, reply) => {
      const { rc, value } = xsReply(reply);
      const domid = vars.domids?.[0] ?? 0;
      if (rc < 0) {
        const site = 'libxl_domain.c:2245:libxl_vm_get_start_time';
        return ask(libxlError(site, domid, "Can't get start time of domain"), 'next', vars);
      }
      const start = Number.parseInt(value ?? '', 10) || 0;
      // A start later than now wraps, as xl's 32-bit arithmetic does.
      const seconds = ((vars.time ?? 0) - start + 2 ** 32) % 2 ** 32;
      return call('libxl_domid_to_name', { domids: [domid] }, 'named', { ...vars, seconds });
    },
    named: (vars, reply) => {
      const row = uptimeRow(vars, foundNames(reply)[0] ?? null, vars.domids?.[0] ?? 0);
      return ask(stdoutText(row), 'next', vars);
    },
    next: (vars) => nextDomain(dropDomain(vars)),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** The flows of this file by name. */
export const xlUptimeFlows: Readonly<Record<string, Flow>> = { main_uptime: mainUptime };
