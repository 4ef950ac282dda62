/**
 * Looking at a host without loading it: `xl list` and its like, answered by the replies that are kept with the state.
 *
 * A host of many domains takes longer to load than such a command may take. A command that asks for anything else than
 * what is kept, or that would still run when another task's time comes, is to be run on the loaded host instead; the
 * answers are the same.
 */
import { ESRCH } from '../hypervisor/errno.ts';
import { type Flow, newTask, type Reply, type Request, step } from '../toolstack/task.ts';
import { defaultXlEnv, logLine } from '../toolstack/xl-env.ts';
import { XL_GLOBAL_CONFIG } from '../toolstack/xl-global-config.ts';
import { requestCost } from './request-cost.ts';
import { cellCount, cellRecord, type LoadedCells } from './saved-cells.ts';
import { timeReply } from './serve.ts';
import { calendarSeconds } from './world.ts';
import { serveXs, type XsState } from './xenstored.ts';
import { loadStore } from './xs-save.ts';

/** What a command printed, in order, and its exit status. */
export interface LookEnd {
  readonly chunks: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
  readonly rc: number;
}

/** The saved host that is looked at. */
interface Looked {
  readonly cells: LoadedCells;
  readonly host: Record<string, unknown>;
  readonly store: XsState;
  readonly xlConf: string;
  now: number;
}

/** Requests that are answered here; a command that asks more than this many is not one that only looks. */
const REQUEST_LIMIT = 1_000_000;

/** The replies are there, made by this version of xlsim, and belong to this moment of the host. */
export function canLook(cells: LoadedCells, by: string): boolean {
  const look = cells.get('look') as { readonly by?: string } | undefined;
  const host = cells.get('look/host') as { readonly now?: number } | undefined;
  return look?.by === by && host?.now === cellCount(cellRecord(cells, 'clock'), 'now');
}

/** Runs `xl ARGV…` on the saved host, for which canLook() holds; null: it has to be run on the loaded one. */
export function runLook(
  flows: Readonly<Record<string, Flow>>,
  cells: LoadedCells,
  argv: readonly string[],
  xlConf: string | null,
): LookEnd | null {
  const host = cellRecord(cells, 'look/host');
  const looked: Looked = {
    cells,
    host,
    store: loadStore(cells),
    xlConf: xlConf ?? String(cellRecord(cells, 'config').xlConf),
    now: cellCount(host, 'now'),
  };
  const due = host.due === null ? Number.POSITIVE_INFINITY : cellCount(host, 'due');
  const env = { ...defaultXlEnv, profile: String(cellRecord(cells, 'look').profile) };
  const chunks: { stream: 'stdout' | 'stderr'; text: string }[] = [];
  let task = newTask('xl', 'main', { argv, env });
  let reply: Reply = { rc: 0 };
  for (let asked = 0; asked < REQUEST_LIMIT && looked.now < due; asked++) {
    const stepped = step(flows, task, reply);
    if (stepped.request === null) return { chunks, rc: stepped.value.rc };
    const { request } = stepped;
    task = stepped.task;
    if (request.kind === 'stdout' || request.kind === 'stderr') {
      chunks.push({ stream: request.kind, text: request.text });
      reply = { rc: 0 };
    } else if (request.kind === 'log') {
      const text = logLine(task, request, calendarSeconds(looked.now));
      if (text !== null) chunks.push({ stream: 'stderr', text });
      reply = { rc: 0 };
    } else {
      const served = serveLook(looked, request);
      if (served === null) return null;
      reply = served;
      looked.now += requestCost(request, reply, 0);
    }
  }
  return null;
}

/** The reply, as serveRequest() would give it; null: not kept. */
function serveLook(looked: Looked, request: Request): Reply | null {
  switch (request.kind) {
    case 'hypercall':
      return serveHypercall(looked, request);
    case 'xs':
      if (request.call.op !== 'read' && request.call.op !== 'directory') return null;
      return { ...serveXs(looked.store, request.call).reply };
    case 'now':
      return timeReply(looked.now);
    case 'file':
      if (request.op !== 'read' || request.path !== XL_GLOBAL_CONFIG) return null;
      return { rc: 0, text: looked.xlConf };
    case 'userdata': {
      if (request.op !== 'retrieve') return null;
      const text = looked.cells.get(`userdata/${request.domid}/${request.name}`);
      return { rc: 0, text: text === undefined ? null : String(text) };
    }
    default:
      return null;
  }
}

function serveHypercall(looked: Looked, call: Extract<Request, { kind: 'hypercall' }>): Reply | null {
  const { cells, host } = looked;
  const domids = host.domids as readonly number[];
  switch (call.name) {
    case 'XENVER_info':
      return cellRecord(cells, 'look')[call.name] as Reply;
    case 'XEN_SYSCTL_physinfo':
    case 'XEN_SYSCTL_numainfo':
      return host[call.name] as Reply;
    case 'XEN_SYSCTL_cpupool_op':
      return call.args.sub === 'freeinfo' ? (host[call.name] as Reply) : null;
    case 'XEN_DOMCTL_getdomaininfo': {
      const found = domids.find((domid) => domid >= call.args.domid);
      // What a refused call leaves in `info` is nobody's business.
      if (found === undefined) return { rc: -ESRCH };
      return { rc: 0, info: cellRecord(cells, `look/domain/${found}`) };
    }
    case 'XEN_SYSCTL_getdomaininfolist': {
      const { firstDomain, maxDomains } = call.args;
      const infos = domids
        .filter((domid) => domid >= firstDomain)
        .slice(0, maxDomains)
        .map((domid) => cellRecord(cells, `look/domain/${domid}`));
      return { rc: infos.length, infos };
    }
    default:
      return null;
  }
}
