/** What a remedy may do to a scenario: other settings, a host prepared, a word between a task and Xen. */
import type { Interceptor } from './intercept.ts';
import type { Stage } from './scenario.ts';
import type { World } from './world.ts';

/** One answer to the race: a file in remedies/, a row of remedy-table.ts. */
export interface Remedy {
  /** As options and schedules name it. */
  readonly name: string;
  /** As tables show it. */
  readonly title: string;
  readonly source: string;
  /** What the remedy is not where it was only proposed; '' where Xen or xl has it. */
  readonly simplified?: string;
  /** The scenario under the remedy. */
  readonly stage?: (stage: Stage) => Stage;
  /** Changes the host when the parallel block begins. */
  readonly prepare?: (world: World) => void;
  /** Comes between tasks and the world while the block runs. Knows nothing but the world it is shown. */
  readonly intercept?: Interceptor;
}
