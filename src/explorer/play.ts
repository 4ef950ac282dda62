/** A scenario on stage: its world, its machine, and what has been found so far. */
import { findHeapDomain } from '../hypervisor/heap-domain.ts';
import { bootHost } from '../hypervisor/host-boot.ts';
import { newMemo } from '../toolstack/memo.ts';
import type { BlockPlan } from './block-plan.ts';
import type { StepOutcome } from './expectation.ts';
import type { HostFacts } from './host-facts.ts';
import { scrubAll } from './idle-scrub.ts';
import { initDom0 } from './init-dom0.ts';
import type { Machine } from './machine.ts';
import { newMachine } from './machine.ts';
import type { Failure } from './result-record.ts';
import { newRun, type Run } from './run-state.ts';
import type { Limits, Stage, StageHost, TranscriptBlock } from './scenario.ts';
import { newTraceLog, noteEvent, type TraceEvent, type TraceLog, type TraceSink } from './trace-event.ts';
import { utf8Bytes, utf8Text } from './utf8.ts';
import { newWorld, type World } from './world.ts';

/** What a replay needs of the outside. Paths are as the scenario writes them, relative to its folder. */
export interface Surroundings {
  /** A file's bytes as one char each, or a negative errno. */
  readonly readFile: (path: string) => string | number;
  /** Everything expectations look at; and the tables people look at. */
  readonly observe: (world: World) => HostFacts;
  readonly tables: (world: World) => string;
  /** A recorded output, or null where there is none yet. */
  readonly readOutput: (path: string) => string | null;
  /** Takes what a step printed instead of comparing it; absent: compare. */
  readonly update?: (path: string, text: string) => void;
  /** The same for the lines below a command of a transcript. */
  readonly updateBlock?: (block: TranscriptBlock, outcome: StepOutcome) => void;
  /** Sees every event, for --trace and --timeline. */
  readonly trace?: TraceSink;
  /** False: what could be served in one go is served one by one. */
  readonly batches: boolean;
}

/** A run of a scenario on one of its hosts. Changed in place as it goes on. */
export interface Play {
  readonly stage: Stage;
  /** The host's name. */
  readonly host: string;
  /** All hosts of the scenario, its own first; null: there is one. */
  readonly hosts: Hosts | null;
  readonly limits: Limits;
  readonly around: Surroundings;
  readonly world: World;
  readonly machine: Machine;
  readonly log: TraceLog;
  readonly run: Run;
  /** Low-memory virqs sent before the scenario began. */
  readonly virqsBefore: number;
  readonly failures: Failure[];
  /** Paths of the files that commands have read. */
  readonly read: Set<string>;
  /** Who reads along what steps print whose output is compared with something. */
  readonly readers: Set<string[]>;
  steps: number;
  /** Where it hung; null while it goes on. */
  hung: readonly string[] | null;
  /** What is special about one of its blocks. */
  readonly plan?: BlockPlan;
}

/** Hosts with one virtual clock. */
export interface Hosts {
  readonly plays: Play[];
  /** Flows that one host runs for another, under way. */
  calls: readonly RemoteCall[];
}

/** A flow that one host runs for another. */
export interface RemoteCall {
  readonly from: Play;
  /** The task that waits for its end. */
  readonly asker: number;
  readonly far: Play;
  readonly task: number;
  /** It cannot have succeeded before: virtual ns. */
  readonly noSooner: number;
}

/** Events kept for "the last events leading to it". */
const KEPT_EVENTS = 200;

/** Boots the hosts of a stage and lays its guests' configs out; the play of its own host. */
export function raise(stage: Stage, limits: Limits, around: Surroundings, plan?: BlockPlan): Play {
  if (stage.others.length === 0) {
    const alone = raiseHost(stage, stage, limits, around, { hosts: null, failures: [] });
    return plan === undefined ? alone : { ...alone, plan };
  }
  const hosts: Hosts = { plays: [], calls: [] };
  // The failures of all hosts are the scenario's.
  const failures: Failure[] = [];
  for (const of of [stage, ...stage.others]) {
    const { trace } = around;
    const told = trace === undefined ? {} : { trace: (e: TraceEvent) => trace({ ...e, host: of.name }) };
    hosts.plays.push(raiseHost(stage, of, limits, { ...around, ...told }, { hosts, failures }));
  }
  const own = hosts.plays[0]!;
  return plan === undefined ? own : { ...own, plan };
}

function raiseHost(
  stage: Stage,
  of: StageHost,
  limits: Limits,
  around: Surroundings,
  shared: Pick<Play, 'hosts' | 'failures'>,
): Play {
  const xen = bootHost(of.host);
  const { seed, xlConf, missingFiles } = of;
  const world = newWorld(xen, { seed, xlConf, missingFiles });
  const dom0 = findHeapDomain(xen.heap, 0);
  if (dom0 !== undefined) initDom0(world, dom0.totPages);
  if (of.isScrubbed) scrubAll(xen.heap);
  const log = newTraceLog(KEPT_EVENTS);
  const trace: TraceSink = (event) => {
    noteEvent(log, event);
    around.trace?.(event);
  };
  const how = { grain: stage.grain, batches: around.batches };
  const machine = newMachine(stage.costs, of.host.cpus, trace, how);
  const read = new Set<string>();
  const outside = {
    readFile: (path: string) => {
      read.add(path);
      return readGuestFile(stage, around, path);
    },
    absolute: (path: string) => path,
    memo: newMemo(),
  };
  return {
    stage,
    host: of.name,
    limits,
    around,
    world,
    machine,
    log,
    run: newRun(world, outside, machine, limits.requests),
    virqsBefore: xen.heap.virqCount,
    read,
    readers: new Set(),
    steps: 0,
    hung: null,
    ...shared,
  };
}

/** A guest's name stands for its config; anything else is a file. */
function readGuestFile(stage: Stage, around: Surroundings, path: string): string | number {
  const guest = stage.guests.get(utf8Text(path));
  if (guest === undefined) return around.readFile(path);
  if (guest.cfg === null) return utf8Bytes(guest.text);
  const text = around.readFile(guest.cfg);
  return typeof text === 'number' ? text : `${text}\n${utf8Bytes(guest.text)}`;
}
