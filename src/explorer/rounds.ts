/**
 * A repeat whose rounds have come to repeat themselves is moved on in one go.
 *
 * A play has no memory but what standing.ts tells. Where it stands after a lap of rounds as it stood before, but for counts
 * and the clock, the next lap is the same but for them, and so on; nobody sees each of these laps, so all but the last are
 * left out, and counts and clock go on as if they had been played.
 */
import type { SavedHeap } from '../hypervisor/heap-save.ts';
import { DOMID_FIRST_RESERVED } from '../hypervisor/xen.ts';
import { isSameLap, type Lap, lapBetween, lastDomidAt, type RoundSearch, type Stops } from './lap.ts';
import { moveLaps } from './move-laps.ts';
import { namedNumbers } from './named-numbers.ts';
import type { Play } from './play.ts';
import { looksOf } from './repeat-body.ts';
import { isSameValue } from './same-value.ts';
import type { Step } from './scenario.ts';
import { heapStanding, isSameStanding, type Standing, standingOf } from './standing.ts';
import type { Rounds } from './standing-rules.ts';

/** Events that are shown with a failure, and more: those are to be real. */
const SHOWN_EVENTS = 16;

/** Texts remembered of what is printed. */
const MOST_PRINTED = 65_536;

/** Records of the heap that are written down in the time in which a request is served. */
const RECORDS = 64;
/** Looking at the heap may take this part of the time that playing takes. */
const SHARE = 4;
/** Requests that may be spent at once. */
const CREDIT = 1000;

/** The search in a repeat of `steps`; null: somebody sees each round, or there is no telling what else does. */
export function newRoundSearch(play: Play, steps: readonly Step[]): RoundSearch | null {
  const { around, machine, hosts, plan, run } = play;
  if (!machine.batches || hosts !== null || plan !== undefined) return null;
  const { trace, update, updateBlock } = around;
  if (trace !== undefined || update !== undefined || updateBlock !== undefined) return null;
  const looks = looksOf(steps);
  if (looks.numbers || looks.moving) return null;
  const printed: string[] = [];
  if (looks.printed) play.readers.add(printed);
  return {
    looksAtCounts: looks.counts,
    kept: null,
    patience: 1,
    lap: null,
    stops: null,
    named: null,
    printed,
    unplayed: run.steps,
    spent: 0,
  };
}

/** The repeat is over. */
export function endRoundSearch({ readers }: Play, search: RoundSearch | null): void {
  if (search !== null) readers.delete(search.printed);
}

/** A round of a repeat is over and another is to come: forgets what nobody asks for again, and moves on if that can be. */
export function leaveRound(play: Play, rounds: Rounds, search: RoundSearch | null): void {
  const { hosts, run, log } = play;
  if (hosts !== null) return;
  run.ended.clear();
  // What a task goes on with in the next round is another event.
  log.open.clear();
  if (search !== null) look(play, rounds, search);
}

function look(play: Play, rounds: Rounds, search: RoundSearch): void {
  const { printed } = search;
  if (!isWorthLooking(play, search)) {
    printed.length = 0;
    return;
  }
  if (printed.length > MOST_PRINTED) Object.assign(search, { kept: null, lap: null, patience: 1 });
  const { kept, lap } = search;
  const passed = kept === null ? 0 : rounds.round - kept.round;
  if (lap !== null && kept !== null && passed < lap.rounds) return;
  const here = standingOf(play, rounds);
  if (here === null) return;
  if (kept !== null && isSameStanding(kept.at, here) && isSameHeap(play, search, kept.at, here)) {
    meetLap(play, rounds, search, lapBetween(kept.at, here, passed, [...printed]));
    return;
  }
  if (kept !== null && lap !== null) Object.assign(search, { lap: null, patience: 1 });
  else if (kept !== null && passed < search.patience) return;
  here.heap ??= heapNow(play, search);
  if (here.heap === null) return;
  keep(search, here, rounds.round);
  if (kept !== null) search.patience *= 2;
}

function keep(search: RoundSearch, at: Standing, round: number): void {
  search.kept = { at, round };
  search.printed.length = 0;
}

function isWorthLooking({ world }: Play, search: RoundSearch): boolean {
  const { stops } = search;
  if (stops === null) return true;
  const { lastDomid } = world.xen;
  if (lastDomid >= stops.after && lastDomid < stops.domid && world.now < stops.at) return false;
  search.stops = null;
  return true;
}

/** A lap has been played. One that is like the lap before is left out as often as that can be. */
function meetLap(play: Play, rounds: Rounds, search: RoundSearch, lap: Lap): void {
  const { to } = lap;
  const isKnown = search.lap !== null && isSameLap(search.lap, lap);
  search.lap = lap;
  keep(search, to, rounds.round);
  const isCounted = search.looksAtCounts && EXPECTED.some((name) => lap.counts[name] !== 0);
  // All that goes on is a number where it is printed.
  const isSeen = isCounted || lap.printed.some((text) => /\d/.test(text));
  if (!isKnown || isSeen) return;
  const stops = stopsOf(play, search, lap);
  // It met itself what is not like all others. Each creation is an event.
  const isRound = lap.counts['xen.lastDomid']! < 0 || lap.events >= DOMID_FIRST_RESERVED;
  if (isRound || stops.domid <= lastDomidAt(to)) return;
  search.stops = stops;
  search.kept = null;
  const laps = lapsAhead(play, rounds, search, stops);
  if (laps < 1) return;
  moveLaps(play, rounds, lap, laps);
  search.unplayed += laps * lap.counts['run.steps']!;
}

/** The heap as it is; null: it would cost too much to look, as things are. */
function heapNow(play: Play, search: RoundSearch): SavedHeap | null {
  const { run, world } = play;
  const { runLimit, regionMfn, pgMeta, listLimit } = world.xen.heap;
  const records = runLimit + listLimit + (regionMfn.length === 0 ? 0 : pgMeta.length);
  const price = records / RECORDS;
  if (search.spent + price > CREDIT + (run.steps - search.unplayed) / SHARE) return null;
  search.spent += price;
  return heapStanding(play);
}

function isSameHeap(play: Play, search: RoundSearch, kept: Standing, here: Standing): boolean {
  here.heap = heapNow(play, search);
  return here.heap !== null && isSameValue(kept.heap, here.heap);
}

/** How many laps like the search's can be left out now. */
function lapsAhead({ run, limits, log }: Play, rounds: Rounds, search: RoundSearch, stops: Stops): number {
  const { counts, events, ns, to, ...lap } = search.lap!;
  const isExact = [to.now, ...Object.values(to.counts)].every(Number.isSafeInteger);
  if (!isExact) return 0;
  // What is kept of events is there again at the end, and as much as is shown wherever something could come to an end.
  const refill = events === 0 ? 0 : Math.ceil(log.limit / events);
  const shown = events === 0 ? 0 : Math.ceil(SHOWN_EVENTS / events);
  // The last round is played, whatever it leaves.
  let laps = Math.floor((rounds.rounds - rounds.round - 1) / lap.rounds) - refill;
  const stopBefore = (room: number, each: number): void => {
    if (each > 0) laps = Math.min(laps, Math.floor(room / each) - shown - 1);
  };
  stopBefore(run.budget - run.steps, counts['run.steps']!);
  stopBefore(Math.min(limits.ns, stops.at, Number.MAX_SAFE_INTEGER) - to.now, ns);
  stopBefore(stops.domid - 1 - lastDomidAt(to), counts['xen.lastDomid']!);
  for (const [name, each] of Object.entries(counts)) {
    stopBefore(Number.MAX_SAFE_INTEGER - to.counts[name]!, each);
  }
  return laps;
}

/** What laps that go on as `lap` did come to. */
function stopsOf(play: Play, search: RoundSearch, { from, to, counts }: Lap): Stops {
  const untouched = new Set(from.tasks);
  let at = Number.POSITIVE_INFINITY;
  for (const task of to.tasks) {
    if (task.at !== null && task.at > to.now && untouched.has(task)) at = Math.min(at, task.at);
  }
  const after = lastDomidAt(from);
  if (counts['xen.lastDomid'] === 0) return { domid: Number.POSITIVE_INFINITY, after, at };
  search.named = namedNumbers(play, search.named);
  const { numbers } = search.named;
  // The last ones are for those who hold memory: of these a step makes two at most (see conditions.ts).
  let domid = DOMID_FIRST_RESERVED - 2 * counts['play.steps']!;
  const note = (other: number): void => {
    if (other > after && other < domid) domid = other;
  };
  for (const living of play.world.xen.domains.keys()) note(living);
  for (const recent of from.recentDomids) note(recent.domid);
  for (const named of numbers) note(named);
  return { domid, after, at };
}

/** Counts that expectations look at. */
const EXPECTED = [
  'heap.virqCount',
  'machine.heapLockWait',
  'counts.enomem',
  'counts.claimRefused',
  'counts.lockWait',
];
