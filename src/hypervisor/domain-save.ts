/** A domain's record as JSON and back; the size follows its runs. */
import type { Domain, PagingPool, PodState } from './domain-state.ts';
import type { ExtentGroup } from './extent-group.ts';
import type { Intervals } from './intervals.ts';
import { p2mFromRuns, p2mRuns } from './p2m.ts';
import { type P2mRun, p2mEnd } from './p2m-run.ts';
import {
  elements,
  field,
  flag,
  oneOf,
  orNull,
  type Saved,
  SavedDataError,
  text,
  whole,
  wholes,
} from './saved-value.ts';

/** A domain as plain data. */
export function saveDomain(d: Domain): object {
  return {
    ...d,
    p2m: p2mRuns(d.p2m).map((run) => [run.gfn, ...saveGroup(run)]),
    paging: {
      ...d.paging,
      freelist: d.paging.freelist.map(saveGroup),
      p2mPages: d.paging.p2mPages.map(saveGroup),
    },
    pod: {
      ...d.pod,
      super: d.pod.super.map(saveGroup),
      single: d.pod.single.map(saveGroup),
      // In halves of a frame, for 2 MiB pages are marked by one.
      recent: d.pod.recent.map((frame) => frame * 2),
    },
    structures: d.structures.map(saveGroup),
  };
}

/**
 * order, count, then frame and stride of each lane. A lane of one extent has no stride: the one it carries tells of the
 * run of free pages it was cut from, which a heap that was read back may hold in other pieces.
 */
function saveGroup({ order, count, lanes }: ExtentGroup): number[] {
  const saved = [order, count];
  for (const [i, { mfn, stride }] of lanes.entries()) saved.push(mfn, count > i + lanes.length ? stride : 0);
  return saved;
}

/** The domain that saveDomain() wrote. Throws SavedDataError. */
export function loadDomain(saved: Saved): Domain {
  const vnodes = (list: Saved): (number | null)[] => elements(list).map((each) => orNull(each, whole));
  return {
    domid: whole(field(saved, 'domid')),
    type: oneOf(field(saved, 'type'), ['pv', 'hvm', 'pvh']),
    hap: flag(field(saved, 'hap')),
    handle: text(field(saved, 'handle')),
    maxVcpus: whole(field(saved, 'maxVcpus')),
    vcpus: elements(field(saved, 'vcpus')).map(loadVcpu),
    cpupool: whole(field(saved, 'cpupool')),
    autoNodeAffinity: flag(field(saved, 'autoNodeAffinity')),
    controllerPauseCount: whole(field(saved, 'controllerPauseCount')),
    shutdownCode: orNull(field(saved, 'shutdownCode'), whole),
    isShutDown: flag(field(saved, 'isShutDown')),
    p2m: p2mFromRuns(loadP2mRuns(field(saved, 'p2m'))),
    maxMappedPfn: whole(field(saved, 'maxMappedPfn')),
    tables: {
      l3: loadIntervals(field(field(saved, 'tables'), 'l3')),
      l2: loadIntervals(field(field(saved, 'tables'), 'l2')),
      l1: loadIntervals(field(field(saved, 'tables'), 'l1')),
    },
    paging: loadPaging(field(saved, 'paging')),
    pod: loadPod(field(saved, 'pod')),
    vnodes: orNull(field(saved, 'vnodes'), vnodes),
    structures: loadGroups(field(saved, 'structures')),
  };
}

function loadVcpu(saved: Saved): Domain['vcpus'][number] {
  const affinity = field(saved, 'affinity');
  return {
    online: flag(field(saved, 'online')),
    affinity: {
      hard: orNull(field(affinity, 'hard'), wholes),
      soft: orNull(field(affinity, 'soft'), wholes),
    },
  };
}

function loadPaging(saved: Saved): PagingPool {
  return {
    freelist: loadGroups(field(saved, 'freelist')),
    freePages: whole(field(saved, 'freePages')),
    totalPages: whole(field(saved, 'totalPages')),
    p2mPages: loadGroups(field(saved, 'p2mPages')),
    p2mPagesCount: whole(field(saved, 'p2mPagesCount')),
  };
}

function loadPod(saved: Saved): PodState {
  return {
    entryCount: whole(field(saved, 'entryCount')),
    count: whole(field(saved, 'count')),
    super: loadGroups(field(saved, 'super')),
    single: loadGroups(field(saved, 'single')),
    maxGuest: whole(field(saved, 'maxGuest')),
    reclaimSingle: whole(field(saved, 'reclaimSingle')),
    recent: wholes(field(saved, 'recent'), -2).map((half) => half / 2),
    recentIndex: whole(field(saved, 'recentIndex')),
    written: loadIntervals(field(saved, 'written')),
  };
}

const loadGroups = (saved: Saved): ExtentGroup[] => elements(saved).map((each) => loadGroup(each, 0));

/** The group written from number `from` of a list on. */
function loadGroup(saved: Saved, from: number): ExtentGroup {
  const numbers = wholes(saved, Number.MIN_SAFE_INTEGER);
  const [order, count] = [numbers[from], numbers[from + 1]];
  if (
    order === undefined ||
    count === undefined ||
    order < 0 ||
    count < 1 ||
    (numbers.length - from) % 2 !== 0
  ) {
    throw new SavedDataError(`${saved.at} is not a group of extents`);
  }
  const lanes = [];
  for (let i = from + 2; i < numbers.length; i += 2)
    lanes.push({ mfn: numbers[i]!, stride: numbers[i + 1]! });
  return { order, count, lanes };
}

function loadP2mRuns(saved: Saved): P2mRun[] {
  let end = 0;
  return elements(saved).map((each) => {
    const run = { gfn: wholes(each, Number.MIN_SAFE_INTEGER)[0] ?? -1, ...loadGroup(each, 1) };
    if (run.gfn < end) throw new SavedDataError(`${each.at} lies below the run before it`);
    end = p2mEnd(run);
    return run;
  });
}

function loadIntervals(saved: Saved): Intervals {
  return elements(saved).map((each): readonly [number, number] => {
    const [first, end] = wholes(each);
    if (first === undefined || end === undefined || first >= end) {
      throw new SavedDataError(`${each.at} is not an interval`);
    }
    return [first, end];
  });
}
