/** A scenario as the runner takes it: checked, with every default filled in and every step at its place in the file. */
import type { HostConfig } from '../hypervisor/host-config.ts';
import type { CostModel } from './cost-model.ts';
import type { ExpectationInput } from './expectation-schema.ts';
import type { GuestAction } from './guest-action.ts';
import type { Grain } from './machine.ts';
import type { Place } from './scenario-problem.ts';
import type { ConditionsInput } from './scenario-schema.ts';
import type { TurnOrder } from './turn-order.ts';

/** What a step does. */
export type Action =
  | { readonly do: 'run'; readonly line: string; readonly argv: readonly string[] }
  | {
      readonly do: 'hypercall';
      readonly name: string;
      readonly args: Readonly<Record<string, unknown>>;
      /** The domain that issues it: an id, or a guest's name. */
      readonly caller: number | string;
    }
  | { readonly do: 'guest'; readonly guest: string; readonly action: GuestAction }
  /** Null: until nothing is left to happen. */
  | { readonly do: 'wait'; readonly ns: number | null }
  | { readonly do: 'parallel'; readonly steps: readonly Step[] }
  | { readonly do: 'repeat'; readonly count: number; readonly steps: readonly Step[] }
  | { readonly do: 'set'; readonly conditions: ConditionsInput }
  | { readonly do: 'nothing' };

export interface Step extends Place {
  /** Its name, or what it does: how reports and twins call it. */
  readonly label: string;
  readonly action: Action;
  /** In a parallel block: how many of it start; null: one that is not counted. */
  readonly times: number | null;
  /** In a parallel block: ns after its start. */
  readonly at: number;
  /** The node whose CPU issues the step's hypercalls; absent: 0. Says where Xen allocates what belongs to no domain. */
  readonly node?: number;
  /** The host it is of, by name; absent: the stage's own. */
  readonly host?: string;
  /** How far the rest of the host runs on after the step. */
  readonly settle: 'none' | 'idle' | number;
  /** A file with what the step must print, relative to the scenario. */
  readonly output: string | null;
  readonly expect: ExpectationInput | null;
  /** Where each expectation stands, by the name that reports give it; absent: nothing is expected. */
  readonly places?: ReadonlyMap<string, Place>;
  /** Of a parallel block: the order in which its tasks go on; absent: the clock decides. */
  readonly order?: PinnedOrder;
  /** Transcripts: the lines the step must print, stderr among them, and where they stand. */
  readonly transcript: TranscriptBlock | null;
}

/** An order that a scenario file gives, and where it does. */
export interface PinnedOrder extends TurnOrder, Place {
  /** Of the xlsim that wrote it. */
  readonly version: string;
  /** Of each line of its choices. */
  readonly places: readonly Place[];
}

/** The recorded output below a `$` line. */
export interface TranscriptBlock {
  readonly lines: readonly string[];
  /** The exit code a last line `[3]` names; 0 without one. */
  readonly exit: number;
  /** Lines of the file it fills: first, and one past the last; counted from 1. */
  readonly from: number;
  readonly to: number;
  /** Where its lines begin, behind the indentation; counted from 1. */
  readonly column: number;
}

/** A guest's config: a text of its own, or a file and settings after it. */
export interface GuestConfig extends Place {
  readonly cfg: string | null;
  readonly text: string;
}

/** A host before it boots. */
export interface StageHost {
  /** What `xl migrate` calls it. */
  readonly name: string;
  readonly host: HostConfig;
  readonly seed: number;
  /** Idle CPUs have scrubbed all free memory before the first step. */
  readonly isScrubbed: boolean;
  readonly missingFiles: readonly string[];
  readonly xlConf: string;
}

/** What a run starts from: a host, and what happens on it. */
export interface Stage extends StageHost {
  /** Hosts beside it. */
  readonly others: readonly StageHost[];
  readonly guests: ReadonlyMap<string, GuestConfig>;
  readonly costs: CostModel;
  readonly grain: Grain;
  readonly steps: readonly Step[];
}

export interface Limits {
  /** Requests served before a run is given up. */
  readonly requests: number;
  /** Virtual ns before a run is given up. */
  readonly ns: number;
}

/** The same story without its safeguard, and where it must fail. */
export interface Twin extends Place {
  readonly name: string;
  readonly because: string;
  readonly stage: Stage;
  /** Failures as reports print them: `step: expectation`. */
  readonly fails: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly story: string;
  readonly sources: readonly string[];
  readonly stage: Stage;
  readonly limits: Limits;
  readonly twins: readonly Twin[];
}
