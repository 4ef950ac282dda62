/** The race of the builders in Spin: generated, compiled and run, with what it counted. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ASSERT } from '../hypervisor/bug.ts';

const MODEL = resolve('test', 'bench', 'spin', 'builders.pml');

/** Builders that all claim or none does; sizes in units. */
export interface SpinModel {
  readonly builders: number;
  readonly units: number;
  readonly free: number;
  readonly claim: boolean;
}

export interface SpinAnswer {
  readonly states: number;
  /** Its first state and its looks at end states count as transitions. */
  readonly transitions: number;
  /** How builders ended: 1 started, 2 late, 3 refused. Sorted. */
  readonly ends: readonly string[];
  readonly ms: { readonly generate: number; readonly compile: number; readonly run: number };
}

/** What is missing, as a sentence; null: Spin can be run. */
export function spinMissing(): string | null {
  const missing = ['spin', 'gcc'].filter((program) => {
    const asked = spawnSync(program, [program === 'spin' ? '-V' : '--version']);
    return asked.error !== undefined || asked.status !== 0;
  });
  return missing.length === 0 ? null : `${missing.join(' and ')} not installed`;
}

function timed(command: string, args: readonly string[], cwd: string): { ms: number; stdout: string } {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  ASSERT(status === 0, `${command} ended with ${status}: ${stderr}`);
  return { ms, stdout };
}

/**
 * Runs the model. The directives are those that make Spin fastest on it: safety alone, no fairness, no bounds checks.
 * NOREDUCE: every order, as a search without reduction.
 */
export function runSpin({ builders, units, free, claim }: SpinModel): SpinAnswer {
  const dir = mkdtempSync(join(tmpdir(), 'xlsim-spin-'));
  try {
    const defines = [
      `-DBUILDERS=${builders}`,
      `-DUNITS=${units}`,
      `-DFREE=${free}`,
      `-DCLAIM=${claim ? 1 : 0}`,
    ];
    const generate = timed('spin', ['-a', ...defines, MODEL], dir);
    const directives = ['-DSAFETY', '-DNOREDUCE', '-DNOFAIR', '-DNOBOUNDCHECK'];
    const compile = timed('gcc', ['-O2', '-w', ...directives, '-o', 'pan', 'pan.c'], dir);
    const run = timed(join(dir, 'pan'), ['-m100000', '-w22'], dir);
    const number = (what: RegExp): number => Number(what.exec(run.stdout)?.[1] ?? Number.NaN);
    return {
      states: number(/(\d+) states, stored/),
      transitions: number(/(\d+) transitions/),
      ends: [...run.stdout.matchAll(/^end: (.*)$/gm)].map((found) => found[1]!).sort(),
      ms: { generate: generate.ms, compile: compile.ms, run: run.ms },
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
