/** Moving a play on by laps that are not played: what goes on with each of them goes on as often. */
import { frameFromNow } from './frame-clock.ts';
import { type Lap, lastDomidAt } from './lap.ts';
import type { Machine } from './machine.ts';
import type { Play } from './play.ts';
import { DOMID_REUSE_NS } from './serve.ts';
import { ownersOf, type Rounds } from './standing-rules.ts';
import type { TraceLog } from './trace-event.ts';
import type { RunningTask, World } from './world.ts';

/** Moves a play that stands at the end of `lap` on by `laps` more of its like. */
export function moveLaps(play: Play, rounds: Rounds, lap: Lap, laps: number): void {
  const { world, machine, log } = play;
  const passed = laps * lap.ns;
  world.recentDomids = markedDomids(world, lap, laps);
  const untouched = new Set(lap.from.tasks);
  world.tasks = world.tasks.map((task) => (untouched.has(task) ? task : later(task, passed)));
  moveMachine(machine, lap, passed);
  moveLog(log, lap, passed);
  if (lap.events > 0) {
    log.dropped += log.events.length + laps * lap.events;
    log.events.length = 0;
  }
  addCounts(play, rounds, lap, laps);
  rounds.round += laps * lap.rounds;
  world.now += passed;
}

/** Adds to every count what it goes on by. */
function addCounts(play: Play, rounds: Rounds, lap: Lap, laps: number): void {
  for (const [name, of, rules] of ownersOf(play, rounds)) {
    const change: Record<string, number> = {};
    for (const [field, rule] of Object.entries(rules)) {
      const key = `${name}.${field}`;
      if (rule === 'count') change[field] = lap.to.counts[key]! + laps * lap.counts[key]!;
    }
    // xenstore is a value.
    if (of === play.world.store) play.world.store = { ...play.world.store, ...change };
    else Object.assign(of, change);
  }
}

/** The task as it is when so much time has passed: everything it holds against the clock is as long from then. */
const later = (running: RunningTask, passed: number): RunningTask => ({
  ...running,
  at: running.at === null ? null : running.at + passed,
  task: { ...running.task, frames: running.task.frames.map((frame) => frameFromNow(frame, -passed)) },
});

function moveMachine(machine: Machine, { from, to }: Lap, passed: number): void {
  if (from.since[0]!.at !== to.since[0]!.at) machine.heapLockFreeAt += passed;
  machine.scrubSeen += passed;
  for (const [id, at] of machine.onCpu) machine.onCpu.set(id, at + passed);
  for (const [id, at] of machine.waiting) machine.waiting.set(id, at + passed);
  for (const [i, scrub] of machine.scrubs.entries()) {
    if (scrub !== undefined) machine.scrubs[i] = { ...scrub, done: scrub.done + passed };
  }
}

/** What is held anew in every lap is held since that much later. */
function moveLog({ holders, claims, populating }: TraceLog, { from, to }: Lap, passed: number): void {
  // In the order of Standing.since, whose first is the heap lock.
  let i = 1;
  const moved = <T extends { readonly since: number }>(held: Map<unknown, T>): void => {
    for (const [key, value] of held) {
      if (from.since[i]!.at !== to.since[i]!.at) held.set(key, { ...value, since: value.since + passed });
      i++;
    }
  };
  moved(holders as Map<unknown, { since: number }>);
  moved(claims as Map<unknown, { since: number }>);
  moved(populating as Map<unknown, { since: number }>);
}

/** The domids given back lately, those of the laps that are left out among them. */
function markedDomids({ recentDomids }: World, lap: Lap, laps: number): World['recentDomids'] {
  const { marks, ns, counts, to } = lap;
  const last = marks.at(-1);
  if (last === undefined) return recentDomids;
  // With each one those that are too old are forgotten.
  const end = to.now + (laps - 1) * ns + last.at;
  const isRecent = ({ at }: { readonly at: number }): boolean => end - at < DOMID_REUSE_NS;
  const first = ns === 0 ? 0 : Math.max(0, laps - 1 - Math.ceil(DOMID_REUSE_NS / ns));
  const found = recentDomids.filter(isRecent);
  const domids = counts['xen.lastDomid']!;
  for (let k = first; k < laps; k++) {
    for (const { domid, at } of marks) {
      const mark = { domid: lastDomidAt(to) + k * domids + domid, at: to.now + k * ns + at };
      if (isRecent(mark)) found.push(mark);
    }
  }
  return found;
}
