/** `xl mem-set` and `xl mem-max`. Models tools/xl/xl_mem.c. */
import { ask, call, done, type Flow, flow } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { stderrText } from './xl-log.ts';
import { parseMemSizeKb } from './xl-mem-size.ts';

type MemVars = CommandArgs & { readonly domid?: number; readonly size?: string };

/** One of the two commands: they differ in libxl's call and in what a failure says. */
function memCommand(name: 'main_memset' | 'main_memmax', command: 'mem-set' | 'mem-max'): Flow {
  const set = command === 'mem-set';
  return flow<MemVars>({
    name,
    steps: {
      start: (v) => {
        const parsed = defGetopt(v.argv, { command, short: '', minArgs: 2 });
        if (!parsed.ok) return endWith(parsed, v);
        return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', {
          ...v,
          size: parsed.args[1] ?? '',
        });
      },
      found: (v, reply) => {
        if (reply.rc !== 0) return done({ rc: reply.rc });
        const domid = reply.domid as number;
        const kb = parseMemSizeKb(v.size ?? '');
        if (kb === null) return ask(stderrText(`invalid memory size: ${v.size}\n`), 'failed', v);
        const next = { ...v, domid };
        return set
          ? call(
              'libxl_set_memory_target',
              { domid, target: kb.toString(), relative: false, enforce: true },
              'set',
              next,
            )
          : call('libxl_domain_setmaxmem', { domid, maxMemkb: kb.toString() }, 'set', next);
      },
      set: (v, reply) => {
        if (reply.rc === 0) return done({ rc: 0 });
        const what = set ? 'dynamic' : 'static';
        return ask(
          stderrText(`cannot set domid ${v.domid} ${what} max memory to : ${v.size}\n`),
          'failed',
          v,
        );
      },
      failed: () => done({ rc: 1 }),
      exit: (_v, reply) => done({ rc: reply.rc }),
    },
  });
}

export const xlMemFlows: Readonly<Record<string, Flow>> = {
  main_memset: memCommand('main_memset', 'mem-set'),
  main_memmax: memCommand('main_memmax', 'mem-max'),
};
