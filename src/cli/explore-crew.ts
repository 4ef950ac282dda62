/**
 * Threads that walk one space together: one leads, which began the walk and will tell what came of it; the others help.
 *
 * Each has a port to the one who leads. Words between two who help go through that one: so it knows that all is done
 * when nobody has anything to do and everybody has heard all that there was for them.
 */
import type { MessagePort } from 'node:worker_threads';
import { mateGraph } from '../explorer/explore-walking.ts';
import type { StopReason } from '../explorer/exploring.ts';
import {
  continueMate,
  hearWord,
  type Mate,
  type MateLetter,
  newMate,
  type SharedWalk,
} from '../explorer/row-mate.ts';
import type { GraphPart } from '../explorer/whole-graph.ts';
import type { WalkedSpace } from '../explorer/world-space.ts';

/** What the one who leads says. */
type LeadWord =
  /** A walk: `thread` is who you are in it. */
  | {
      readonly say: 'walk';
      readonly thread: number;
      readonly ownership: 'class' | 'exact';
      readonly shared: SharedWalk;
    }
  | { readonly say: 'letters'; readonly letters: readonly MateLetter[] }
  /** Give your part. */
  | { readonly say: 'part' }
  /** No more walks. */
  | { readonly say: 'over' };

/** What the others say. */
type HelpWord =
  | {
      readonly say: 'letters';
      readonly letters: readonly MateLetter[];
      /** Letters that it has heard. */
      readonly heard: number;
      readonly isIdle: boolean;
      readonly states: number;
      readonly isFull: boolean;
    }
  | { readonly say: 'part'; readonly part: GraphPart };

interface Helper {
  readonly port: MessagePort;
  thread: number;
  sent: number;
  isIdle: boolean;
  states: number;
  part: GraphPart | null;
}

/** Those who help one that leads. */
export interface Crew {
  helpers: Helper[];
  /** Of those who have a part in the walk under way. */
  walking: Helper[];
  mate: Mate | null;
  isEnding: boolean;
  /** Somebody is gone, and what it knew with it. */
  isLost: boolean;
  isFull: boolean;
  /** Why the walk is to end before it is finished. */
  stopped: StopReason | null;
  /** Called when something was heard. */
  wake: () => void;
}

export const newCrew = (): Crew => ({
  helpers: [],
  walking: [],
  mate: null,
  isEnding: false,
  isLost: false,
  isFull: false,
  stopped: null,
  wake: () => {},
});

/** Takes somebody in, who is at the other end of the port. */
export function joinCrew(crew: Crew, port: MessagePort): void {
  const helper: Helper = { port, thread: -1, sent: 0, isIdle: true, states: 0, part: null };
  crew.helpers.push(helper);
  port.on('message', (word: HelpWord) => {
    if (word.say === 'part') helper.part = word.part;
    else {
      if (!crew.isEnding) for (const letter of word.letters) deliver(crew, letter);
      helper.isIdle = word.isIdle && word.heard === helper.sent;
      helper.states = word.states;
      crew.isFull ||= word.isFull;
    }
    crew.wake();
  });
  port.on('close', () => {
    crew.helpers = crew.helpers.filter((one) => one !== helper);
    crew.isLost ||= crew.walking.includes(helper);
    crew.wake();
  });
}

const tell = ({ port }: Helper, word: LeadWord): void => port.postMessage(word);

/** Lets all who are there into a walk. */
export function beginTogether(
  crew: Crew,
  mate: Mate,
  shared: SharedWalk,
  ownership: 'class' | 'exact',
): void {
  crew.mate = mate;
  crew.walking = [...crew.helpers];
  crew.isEnding = false;
  crew.isLost = false;
  for (const [i, helper] of crew.walking.entries()) {
    Object.assign(helper, { thread: i + 1, sent: 0, isIdle: false, states: 0, part: null });
    tell(helper, { say: 'walk', thread: i + 1, ownership, shared });
  }
}

/** Carries a letter to whom it is for; -1: to all but its writer. */
function deliver(crew: Crew, letter: MateLetter): void {
  const { from, to, word } = letter;
  if (to === 0 || (to < 0 && from !== 0)) hearWord(crew.mate!, from, word);
  for (const helper of crew.walking) {
    if (helper.thread !== to && (to >= 0 || helper.thread === from)) continue;
    helper.sent++;
    helper.isIdle = false;
    tell(helper, { say: 'letters', letters: [letter] });
  }
}

/** This thread's share of the walk, for about `budget` steps. */
export function walkTogether(crew: Crew, budget: number): 'busy' | 'waits' | 'over' {
  const mate = crew.mate!;
  if (crew.isEnding) return crew.walking.every(({ part }) => part !== null) ? 'over' : 'waits';
  const state = continueMate(mate, budget);
  for (const letter of mate.out.splice(0)) deliver(crew, letter);
  if (state === 'busy') return 'busy';
  if (state === 'idle' && crew.walking.every(({ isIdle }) => isIdle)) askParts(crew);
  return 'waits';
}

/** The walk is over for all. */
export function endTogether(crew: Crew): void {
  crew.mate = null;
  crew.walking = [];
  crew.stopped = null;
}

/** Ends the walk, finished or not: everybody gives their part. */
export function askParts(crew: Crew): void {
  if (crew.isEnding) return;
  crew.isEnding = true;
  for (const helper of crew.walking) tell(helper, { say: 'part' });
}

/** All parts, once walkTogether() says that it is over. */
export const partsOf = ({ mate, walking }: Crew): GraphPart[] => [
  mateGraph(mate!),
  ...walking.map(({ part }) => part!),
];

/** States whose steps the others have made: nobody else makes them. */
export const crewStates = ({ walking }: Crew): number => walking.reduce((sum, { states }) => sum + states, 0);

/** Lets everybody go. */
export function dismiss(crew: Crew): void {
  crew.walking = [];
  for (const { port } of crew.helpers.splice(0)) {
    port.postMessage({ say: 'over' } satisfies LeadWord);
    port.close();
  }
}

/** Waits until something is heard, or for some ms. */
export async function hearSomething(crew: Crew, ms: number): Promise<void> {
  await new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    crew.wake = () => {
      clearTimeout(timer);
      done();
    };
  });
  crew.wake = () => {};
}

/** How somebody helps. */
export interface Helping {
  readonly open: (ownership: 'class' | 'exact') => WalkedSpace;
  /** Calls with a number of steps again and again, until that says true. */
  readonly inSlices: (slice: (steps: number) => boolean) => Promise<void>;
  /** Looks at the memory that it takes. */
  readonly isFull: (mate: Mate) => boolean;
}

/** Helps whoever is at the other end of the port, until it is over. */
export async function help(port: MessagePort, { open, inSlices, isFull }: Helping): Promise<void> {
  const inbox: LeadWord[] = [];
  let wake = (): void => {};
  let isOver = false;
  port.on('message', (word: LeadWord) => {
    inbox.push(word);
    wake();
  });
  port.on('close', () => {
    isOver = true;
    wake();
  });
  let mate: Mate | null = null;
  let heard = 0;
  const take = (word: LeadWord): void => {
    if (word.say === 'over') isOver = true;
    else if (word.say === 'walk') {
      mate = newMate(open(word.ownership), word.thread, word.shared);
      heard = 0;
    } else if (mate === null) return;
    else if (word.say === 'part') {
      const part = mateGraph(mate);
      const { first, edges, ends, met } = part;
      const given = [first, edges, ends, met].map(({ buffer }) => buffer as ArrayBuffer);
      port.postMessage({ say: 'part', part } satisfies HelpWord, given);
      mate = null;
    } else {
      heard += word.letters.length;
      for (const letter of word.letters) hearWord(mate, letter.from, letter.word);
    }
  };
  const slice = (steps: number): boolean => {
    for (const word of inbox.splice(0)) take(word);
    if (mate === null || isOver) return true;
    const state = continueMate(mate, steps);
    const { search } = mate.walk;
    port.postMessage({
      say: 'letters',
      letters: mate.out.splice(0),
      heard,
      isIdle: state === 'idle',
      states: search.expanded,
      isFull: isFull(mate),
    } satisfies HelpWord);
    return state !== 'busy';
  };
  while (!isOver) {
    await inSlices(slice);
    if (inbox.length === 0 && !isOver) {
      await new Promise<void>((done) => {
        wake = done;
      });
      wake = () => {};
    }
  }
  port.close();
}
