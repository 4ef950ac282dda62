/** What the step under way asks for, and who comes between: noted as it goes. */
import type { Request } from '../toolstack/task.ts';
import type { BlockRun } from './block.ts';
import type { DomainsNow, Footprint, FootprintOf } from './footprint.ts';
import type { Interceptor } from './intercept.ts';
import { type Looked, lookedAtNothing, noting } from './intercept-looks.ts';

/** A request, and who asks from where. */
export interface Asked {
  readonly request: Request;
  readonly by: { readonly caller: number; readonly node: number };
  readonly footprint: Footprint;
}

/** See the file's header. */
export interface Listening {
  /** The domains as they are on the host. */
  readonly now: DomainsNow;
  /** Who comes between tasks and the world, and what they looked at. */
  readonly intercept: Interceptor | null;
  readonly looked: Looked;
  readonly asked: Asked[];
}

/** Listens to all steps that the block makes from now on. */
export function listenTo(block: BlockRun, footprint: FootprintOf, intercept: Interceptor | null): Listening {
  const { run } = block;
  const asked: Asked[] = [];
  const looked = lookedAtNothing();
  if (intercept !== null) run.intercept = noting(intercept, looked);
  const now = domainsNow(block);
  run.asked = (request, { id, domid }) => {
    const by = { caller: domid ?? 0, node: run.observers.get(id)?.node ?? 0 };
    asked.push({ request, by, footprint: footprint(request, by.caller, now) });
  };
  return { now, intercept, looked, asked };
}

/** Another step begins. */
export function listenAnew({ asked, looked }: Listening): void {
  asked.length = 0;
  Object.assign(looked, lookedAtNothing());
}

/** What footprints ask of the domains as they are on the host. */
function domainsNow({ run }: BlockRun): DomainsNow {
  const { xen } = run.world;
  return {
    lives: (domid) => xen.domains.has(domid),
    hasPod: (domid) => (xen.domains.get(domid)?.pod.entryCount ?? 0) > 0,
  };
}
