/** Repeats played with their rounds left out and one by one, and all that there is to see of a play. */
import { reportHost } from '../../src/cli/host-report.ts';
import { playSteps } from '../../src/explorer/lanes.ts';
import { type Play, raise, type Surroundings } from '../../src/explorer/play.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { parseTranscript } from '../../src/explorer/transcript.ts';
import { saveWorld } from '../../src/explorer/world-save.ts';
import type { SavedHeapDomain } from '../../src/hypervisor/heap-state.ts';
import { heapState } from '../model/heap-drive.ts';

/** Data as text: maps as lists of their entries. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part instanceof Map || part instanceof Set ? [...part] : part,
  );

/** The config `vm.cfg`. */
const VM = 'name = "vm"\ntype = "pvh"\nkernel = "/boot/vmlinuz"\nmemory = 16\n';

/** A play of which `rounds` times the config `vm.cfg` was read. */
export interface Played {
  readonly play: Play;
  readonly reads: number;
}

export interface PlayHow {
  /** Somebody sees each round. */
  readonly isSeen: boolean;
  readonly around?: Partial<Surroundings>;
  /** Done to the host before the first step. */
  readonly prepare?: ((play: Play) => void) | undefined;
}

/** Plays a scenario, given as what its YAML would hold, or a transcript. */
export function playedRounds(scenario: object | string, { isSeen, around, prepare }: PlayHow): Played {
  const parsed =
    typeof scenario === 'string'
      ? parseTranscript(scenario, 'test')
      : parseScenario(JSON.stringify(scenario), 'test');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  let reads = 0;
  const readFile = (path: string): string | number => {
    if (path !== 'vm.cfg') return -2;
    reads++;
    return VM;
  };
  const surroundings: Surroundings = {
    readFile,
    observe: reportHost,
    tables: (world) => textOf(reportHost(world)),
    readOutput: () => null,
    batches: true,
    ...(isSeen ? { trace: () => {} } : {}),
    ...around,
  };
  const { stage, limits } = parsed.value;
  const play = raise(stage, limits, surroundings);
  prepare?.(play);
  playSteps(play, false);
  return { play, reads };
}

/** The frames of flat blocks `first, count, stride, size`, in their order. */
function framesOf(flat: readonly number[]): number[] {
  const frames: number[] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const [first, count, stride, size] = flat.slice(i, i + 4) as [number, number, number, number];
    for (let k = 0; k < count; k++)
      for (let page = 0; page < Math.abs(size); page++)
        frames.push(first + k * stride + (size < 0 ? -page : page));
  }
  return frames;
}

const ascending = (frames: readonly number[]): number[] => frames.toSorted((a, b) => a - b);

/** A saved value, however runs of frames are cut; null: the heap's lists, which heapState() tells. */
function cellSeen(key: string, value: unknown): unknown {
  if (key === 'xen/heap/free' || key === 'xen/heap/dirty') return null;
  if (key === 'xen/heap/xen') return ascending(framesOf(value as number[]));
  if (!key.startsWith('xen/heap/domains/')) return value;
  const { pages, extras, pod, ...rest } = value as SavedHeapDomain;
  return {
    ...rest,
    pages: pages.map(framesOf),
    extras: extras.map(framesOf),
    pod: ascending(framesOf(pod)),
  };
}

/** Events that are shown with a failure. */
const SHOWN = 12;

/** All of a play that anybody is told, then or later: by part. */
export function seenOf({ world, machine, log, failures, hung, run, steps }: Play): Record<string, string> {
  // They are caches of what was written when.
  for (const d of world.xen.heap.domains.values()) {
    d.savedPages = null;
    d.saved = null;
  }
  const seen: Record<string, string> = {};
  for (const [key, cell] of saveWorld(world)) seen[key] = textOf(cellSeen(key, cell.plain()));
  const { trace: _trace, costs: _costs, ...clocks } = machine;
  // Of a run that hangs no more events are shown than with a failure.
  const events = hung === null ? log.events : log.events.slice(-SHOWN);
  const noted = log.dropped + log.events.length;
  return {
    ...seen,
    heap: textOf(heapState(world.xen.heap)),
    machine: textOf(clocks),
    log: textOf({ ...log, events, dropped: noted }),
    failures: textOf(failures),
    hung: textOf(hung),
    run: textOf([run.steps, steps, run.ended, run.observers.size]),
    tables: textOf(reportHost(world)),
  };
}
