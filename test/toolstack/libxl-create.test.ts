/** The creation path as a task: what a failure at each step undoes, who holds the lock, and that a task is plain data. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENOMEM } from '../../src/hypervisor/errno.ts';
import type { Request, Task } from '../../src/toolstack/task.ts';
import { CONFIGS, type XlRun, xl } from '../golden/scene-run.ts';

const TYPES = ['pv', 'pvh', 'hvm'] as const;
const CREATE = ['-vv', 'create', 'g.cfg', '-p', '-e'];
const files = (type: (typeof TYPES)[number], conf = ''): Record<string, string> => ({
  'g.cfg': CONFIGS[type],
  '/etc/xen/xl.conf': conf,
});

const hypercalls = (run: XlRun): (Request & { kind: 'hypercall' })[] =>
  run.entries.flatMap(({ request }) => (request.kind === 'hypercall' ? [request] : []));

describe('libxl_domain_create', () => {
  for (const type of TYPES) {
    it(`leaves no ${type} domain behind, whichever hypercall fails`, () => {
      const whole = xl(CREATE, files(type));
      expect(whole.exit).toBe(0);
      const count = hypercalls(whole).length;
      const first = whole.state.scene.doms.length;
      for (let n = 0; n < count; n++) {
        const run = xl(CREATE, files(type), { options: { failAt: { n, errno: ENOMEM } } });
        const survives = run.state.doms.size > first;
        const failed = hypercalls(whole)[n]!.name;
        // A failed destroy leaves the domain, in Xen too; nothing else may.
        expect({ n, failed, survives }).toEqual({ n, failed, survives: run.exit === 0 });
      }
    });

    it(`stakes one claim for a ${type} domain and gives it up before anything else is built`, () => {
      const run = xl(CREATE, files(type));
      const claims = hypercalls(run).filter((c) => c.name === 'XENMEM_claim_pages');
      expect(claims.map((c) => (c.args as { nrExtents: number }).nrExtents > 0)).toEqual([true, false]);
    });

    it(`destroys a failed ${type} domain twice, as xl does: the second time it is gone`, () => {
      const run = xl(CREATE, files(type), { host: { populate_limit: '10' } });
      expect(run.exit).toBe(3);
      expect(run.state.destroyed).toEqual([8]);
      expect(run.stderr).toContain('Domain 8:Non-existant domain');
      expect([...run.state.xs.keys()].filter((path) => path.includes('/8'))).toEqual([]);
    });

    it(`goes on from JSON between any two requests of a ${type} build as if nothing had been`, () => {
      const whole = xl(CREATE, files(type));
      const requests = whole.entries.length;
      fc.assert(
        fc.property(fc.integer({ min: 0, max: requests - 1 }), (where) => {
          let n = 0;
          const thaw = (task: Task): Task =>
            n++ === where ? (JSON.parse(JSON.stringify(task)) as Task) : task;
          const run = xl(CREATE, files(type), { between: thaw });
          expect(run.trace).toEqual(whole.trace);
          expect(run.stderr).toBe(whole.stderr);
        }),
        { numRuns: 25 },
      );
    });
  }

  it('asks for no claim where xl.conf turns it off', () => {
    const run = xl(CREATE, files('pv', 'claim_mode=0\n'));
    expect(run.trace.filter((line) => line.includes('claim_pages'))).toEqual([
      'memory_op claim_pages dom=8 nr_extents=0 order=0 flags=0',
    ]);
  });
});

describe('create_domain', () => {
  const locks = (run: XlRun): string[] =>
    run.entries.flatMap(({ request: r }) => {
      if (r.kind === 'lock' || r.kind === 'unlock') return r.path === '/var/lock/xl' ? [r.kind] : [];
      if (r.kind !== 'hypercall') return [];
      const seen = ['XEN_DOMCTL_createdomain', 'XEN_DOMCTL_unpausedomain', 'XEN_DOMCTL_destroydomain'];
      return seen.includes(r.name) ? [r.name.slice('XEN_DOMCTL_'.length)] : [];
    });

  it('holds the lock from freemem to the end of creation, and unpauses after it', () => {
    const run = xl(['create', 'g.cfg'], files('pvh', 'autoballoon="on"\n'));
    expect(locks(run)).toEqual(['lock', 'createdomain', 'unlock', 'unpausedomain']);
  });

  it('takes no lock without autoballoon, so that two creations run side by side', () => {
    expect(locks(xl(['create', 'g.cfg'], files('pvh', 'autoballoon="off"\n')))).toEqual([
      'createdomain',
      'unpausedomain',
    ]);
  });

  it('lets go of the lock after a failure, once both destructions are over', () => {
    const run = xl(['create', 'g.cfg'], files('pvh', 'autoballoon="on"\n'), {
      host: { populate_limit: '10' },
    });
    expect(run.exit).toBe(3);
    expect(locks(run)).toEqual(['lock', 'createdomain', 'destroydomain', 'unlock']);
  });

  it('switches autoballoon off where Xen was booted with dom0_mem, and on where it was not', () => {
    expect(locks(xl(['create', 'g.cfg', '-p'], files('pv')))).toEqual(['createdomain']);
    const without = xl(['create', 'g.cfg', '-p'], files('pv'), { host: { cmdline: 'loglvl=all' } });
    expect(locks(without)).toEqual(['lock', 'createdomain', 'unlock']);
  });
});
