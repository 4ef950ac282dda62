/**
 * A real host with a parallel block on it as a space to search: states are numbers of states seen before.
 *
 * The host stands in one state at a time. A trail of marks leads there; going back along it costs what happened since,
 * going anywhere else means making the steps on the way again.
 */

import {
  actorName,
  actorPath,
  type BlockRun,
  blockEnds,
  blockTurns,
  openBlock,
  takeBlockTurn,
} from '../../src/explorer/block.ts';
import type { AtBlock } from '../../src/explorer/block-prefix.ts';
import { settleForm } from '../../src/explorer/block-text.ts';
import { type BlockValues, putValues, takeValues } from '../../src/explorer/block-values.ts';
import { type Canon, canonId, newCanon } from '../../src/explorer/canonical.ts';
import { NO_CLASS } from '../../src/explorer/ownership-seen.ts';
import { type Cells, newCells, readCells } from '../../src/explorer/world-cells.ts';
import type { WorldEnd, WorldSpace, WorldSpaceHow } from '../../src/explorer/world-space.ts';
import { ASSERT } from '../../src/hypervisor/bug.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { markXen, rollbackXen, type XenMark } from '../../src/hypervisor/xen-mark.ts';

/** A step of the trail: the state, and how to be there again. */
interface Place {
  readonly state: number;
  readonly mark: XenMark;
  readonly values: BlockValues;
}

interface Walker {
  readonly block: BlockRun;
  readonly how: WorldSpaceHow;
  readonly cells: Cells;
  /** States by their texts: numbered in the order in which they are seen. */
  readonly names: Canon;
  readonly began: number;
  readonly trail: Place[];
  /** By state: from which one it was reached first, and by whom. */
  readonly parent: number[];
  readonly by: number[];
  /** By state: who can go on; filled when the state is first seen. */
  readonly turns: (readonly number[])[];
  readonly outcomes: number[];
  readonly ends: WorldEnd[];
  readonly endCanon: Canon;
}

/** The space of everything that can become of a block. cannotDrive() has said null. */
export function newSlowSpace({ play, block: step }: AtBlock, how: WorldSpaceHow): WorldSpace {
  const block = openBlock(play, step, {
    grain: how.grain,
    timed: false,
    forgetFrames: how.ownership === 'class',
  });
  if (how.intercept !== undefined) block.run.intercept = how.intercept;
  const w: Walker = {
    block,
    how,
    cells: newCells(block, how.ownership),
    names: newCanon(),
    began: block.run.world.now,
    trail: [],
    parent: [],
    by: [],
    turns: [],
    outcomes: [],
    ends: [],
    endCanon: newCanon(),
  };
  arrive(w, -1, -1);
  return {
    width: 1,
    get tasks() {
      return block.lanes.length + block.others.length;
    },
    start: (into, at) => {
      into[at] = 0;
    },
    enabled: (state, at, tasks) => {
      const turns = w.turns[state[at]!]!;
      for (let i = 0; i < turns.length; i++) tasks[i] = turns[i]!;
      return turns.length;
    },
    step: (state, at, task, into, intoAt) => {
      const from = state[at]!;
      goTo(w, from);
      takeBlockTurn(block, task);
      into[intoAt] = arrive(w, from, task);
    },
    outcome: (state, at) => w.outcomes[state[at]!]!,
    how,
    taskName: (task) => actorName(block, task),
    taskPath: (task) => actorPath(block, task),
    endOf: (outcome) => w.ends[outcome]!,
    ...NO_CLASS,
    made: 0,
  };
}

/** The state as text: all cells, none of them taken from before. */
function stateText(w: Walker): string {
  const words = new Int32Array(w.cells.count + 64);
  readCells(w.cells, words, null);
  return words.join().replace(/(,0)+$/, '');
}

/** Names the state the host is in now and puts it at the end of the trail. */
function arrive(w: Walker, from: number, by: number): number {
  const { block } = w;
  const { world } = block.run;
  settleForm(block, w.began);
  const known = w.parent.length;
  const state = canonId(w.names, stateText(w));
  if (state === known) {
    w.parent.push(from);
    w.by.push(by);
    const turns = blockTurns(block);
    w.turns.push(turns);
    w.outcomes.push(turns.length === 0 ? outcomeOf(w) : -1);
  }
  w.trail.push({ state, mark: markXen(world.xen), values: takeValues(block) });
  return state;
}

function outcomeOf(w: Walker): number {
  const lanes = blockEnds(w.block, 'stuck');
  const { xen } = w.block.run.world;
  const [broken = null] = [...checkInvariants(xen.heap), ...checkXenInvariants(xen)];
  const end = { lanes, broken };
  const outcome = canonId(w.endCanon, JSON.stringify(end));
  w.ends[outcome] = end;
  return outcome;
}

/** Takes the host to a state seen before. */
function goTo(w: Walker, state: number): void {
  const way: number[] = [];
  let at = state;
  let found = placeOf(w, at);
  while (found < 0) {
    way.push(w.by[at]!);
    at = w.parent[at]!;
    ASSERT(at >= 0, `state ${state} was reached from the start`);
    found = placeOf(w, at);
  }
  const place = w.trail[found]!;
  w.trail.length = found + 1;
  rollbackXen(w.block.run.world.xen, place.mark);
  putValues(w.block, place.values);
  for (let task = way.pop(); task !== undefined; task = way.pop()) {
    const from = w.trail[w.trail.length - 1]!.state;
    takeBlockTurn(w.block, task);
    arrive(w, from, task);
  }
}

/** Where a state is on the trail, the latest place; -1: nowhere. */
function placeOf(w: Walker, state: number): number {
  for (let i = w.trail.length - 1; i >= 0; i--) if (w.trail[i]!.state === state) return i;
  return -1;
}
