/** Set-up, populate and destroy of large guests, by size, order, nodes and state of the memory; builders in turn. */
import { availableParallelism, loadavg } from 'node:os';
import { coldCase, type HeapCase, ownCase, runCase } from './bench-heap-case.ts';
import { cell, medianMs, missed, ms } from './bench-measure.ts';

const WARM_REPEATS = 15;
const COLD_REPEATS = 9;
const TURN_REPEATS = 3;
const TARGET_MS = 20;
const TARGET_MIB = 100;
const TURN_TARGET_MS = 1500;
const TURN_TARGET_MIB = 150;
/**
 * Xen's own code, compiled natively on a 2-core x86-64 machine, 1028 GiB host: the least that set-up, populating and
 * destruction took together, by order.
 */
const NATIVE_MS: Readonly<Record<number, number>> = {
  0: 21_000 + 19_000 + 14_000,
  9: 21_000 + 3_000 + 14_000,
};
/** Words of this section's title. */
const SECTION = 'set up the heap';

const plain = { order: 0, nodes: 1, bootscrub: 'idle', unpaused: false, builders: 1 } as const;

/** The tables; or, in a process started for one case, its cost as JSON. */
export function benchHeapBuild(print: (line: string) => void): void {
  const own = ownCase();
  if (own !== null) {
    print(JSON.stringify(runCase(own)));
    return;
  }
  print(
    `  cold: the first work of a new process, median of ${COLD_REPEATS}; warm: median of ${WARM_REPEATS} in one process`,
  );
  print(
    `  targets for 1024 GiB: ${TARGET_MS} ms, and ${TARGET_MIB} MiB resident for the whole process; its start is not counted`,
  );
  const load = loadavg()[0]!;
  if (load > availableParallelism() / 2)
    print(
      `  others keep this machine busy (load ${load.toFixed(1)}, ${availableParallelism()} processors): times are longer than they need be`,
    );
  print('     guest  order  nodes  memory              cold ms   warm ms   MiB   Xen natively');
  for (const nodes of [1, 2])
    for (const bootscrub of ['idle', 'off'] as const)
      for (const order of [0, 9, 18]) row(print, { ...plain, gib: 1024, order, nodes, bootscrub });
  for (const order of [0, 9]) row(print, { ...plain, gib: 1024, order, unpaused: true });
  print('  by size');
  for (const gib of [64, 256, 1024, 16384]) row(print, { ...plain, gib });
  benchTurns(print);
}

function row(print: (line: string) => void, c: HeapCase): void {
  const cold = coldCase(c, COLD_REPEATS, SECTION);
  const warm = medianMs(WARM_REPEATS, () => runCase(c));
  const state = (c.bootscrub === 'idle' ? 'dirty' : 'clean') + (c.unpaused ? ', unpaused' : '');
  const native = c.gib === 1024 ? NATIVE_MS[c.order] : undefined;
  const times = native === undefined ? '' : `${Math.round(native / cold.ms)} times longer`;
  print(
    `${cell(`${c.gib} GiB`, 10)}${cell(c.order, 7)}${cell(c.nodes, 7)}  ${state.padEnd(17)}${cell(ms(cold.ms), 10)}${cell(ms(warm), 10)}${cell(cold.mib.toFixed(0), 6)}   ${times}`,
  );
  if (c.gib !== 1024) return;
  missed(print, cold.ms, TARGET_MS, 'ms');
  missed(print, cold.mib, TARGET_MIB, 'MiB');
}

/** Builders that take turns page by page, and end one after the other. */
function benchTurns(print: (line: string) => void): void {
  print(
    '  1024 GiB by builders in turn, page by page, destroyed one after the other: in a new process, median of 3',
  );
  print(`  targets: ${TURN_TARGET_MS} ms for each end, ${TURN_TARGET_MIB} MiB resident`);
  print('  builders   in all ms   MiB   each end, ms');
  for (const builders of [2, 3, 4, 5, 7]) {
    const cost = coldCase({ ...plain, gib: 1024, builders }, TURN_REPEATS, SECTION);
    const ends = cost.ends.map((t) => t.toFixed(0)).join(' ');
    print(`${cell(builders, 10)}${cell(cost.ms.toFixed(0), 12)}${cell(cost.mib.toFixed(0), 6)}   ${ends}`);
    missed(print, Math.max(...cost.ends), TURN_TARGET_MS, 'ms');
    missed(print, cost.mib, TURN_TARGET_MIB, 'MiB');
  }
}
