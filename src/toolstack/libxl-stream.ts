/**
 * A saved guest, and the memory it gets back when it is restored.
 *
 * Models the effects of tools/libs/light/libxl_stream_{write,read}.c and tools/libs/guest/xg_sr_{save,restore}*.c on
 * memory. Simplified: the state is a small text that says how much memory the guest had, not what was in it; the frames
 * that come back are the lowest ones. Batches go out as one request of many.
 */
import { EBUSY, strerror } from '../hypervisor/errno.ts';
import { domId, gfn, order } from '../hypervisor/units.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import type { SettledConfig } from './libxl-setdefault.ts';
import { ask, done, type Flow, flow, goto, hypercall, type Next, type Request } from './task.ts';
import { buildLayout } from './xg-layout.ts';
import { libxlError, xcLog } from './xl-log.ts';

/** A guest saved to a file. Its JSON text begins with the magic word. */
export interface SavedState {
  readonly magic: typeof SAVE_MAGIC;
  /** The guest's config as libxl's JSON. */
  readonly config: string;
  /** Pages the guest owned. */
  readonly pages: number;
}

/** The first word of a saved file. */
export const SAVE_MAGIC = 'xlsim saved domain 1';

/** Reads a saved file; null when it is none. */
export function parseSavedState(text: string): SavedState | null {
  if (!text.startsWith(`{"magic":"${SAVE_MAGIC}"`)) return null;
  try {
    const state = JSON.parse(text) as SavedState;
    const usable = typeof state.config === 'string' && Number.isSafeInteger(state.pages) && state.pages >= 0;
    return usable ? state : null;
  } catch {
    return null;
  }
}

/** Length of the optional data of a saved file: four bytes, the config, a NUL. Models save_domain_core_writeconfig(). */
export const savedDataLength = (config: string): number => 4 + config.length + 1;

/** Order-0 extents that go out in one request: 256 batches of the stream's 1024. */
const SMALL_STEP = 256 * 1024;
/** Order-9 extents that go out in one request: 1 GiB. */
const LARGE_STEP = 512;
const SUPERPAGE = 512;

/** A run to be populated: superpages where a whole aligned one fits and the guest is not PV. */
interface Piece {
  readonly first: number;
  readonly count: number;
  readonly order: 0 | 9;
}

interface ReadVars {
  readonly settled: SettledConfig;
  readonly domid: number;
  readonly path: string;
  readonly pieces?: readonly Piece[];
  /** Pages of ordinary memory in the stream, special pages not counted. */
  readonly present?: number;
}

/** What is to be populated for `pages` pages of a guest, lowest frames first, special pages last. */
function restorePieces(settled: SettledConfig, pagesSaved: number): Piece[] {
  const pv = settled.type === 'pv';
  const pieces: Piece[] = [];
  let left = pagesSaved;
  const special: Piece[] = pv
    ? []
    : [
        {
          first: settled.type === 'hvm' ? 0xfeff0 : 0xfeff8,
          count: settled.type === 'hvm' ? 16 : 8,
          order: 0,
        },
      ];
  for (const piece of special) left -= piece.count;
  const add = (first: number, end: number): void => {
    let at = first;
    const stop = Math.min(end, first + Math.max(0, left));
    left -= Math.max(0, stop - at);
    while (at < stop) {
      const aligned = at % SUPERPAGE === 0;
      const whole = Math.floor((stop - at) / SUPERPAGE);
      if (!pv && aligned && whole > 0) {
        pieces.push({ first: at, count: whole, order: 9 });
        at += whole * SUPERPAGE;
      } else {
        const toBoundary = pv ? stop - at : SUPERPAGE - (at % SUPERPAGE);
        const count = Math.min(stop - at, toBoundary);
        pieces.push({ first: at, count, order: 0 });
        at += count;
      }
    }
  };
  for (const range of buildLayout(settled).ranges) {
    if (settled.type === 'hvm' && range.start === 0 && range.end > 0xc0) {
      add(0, 0xa0);
      add(0xc0, range.end);
    } else add(range.start, range.end);
  }
  return [...pieces, ...special];
}

/** As much of a run as goes out in one request, and the rest of it. */
function firstStep(piece: Piece): { readonly step: Piece; readonly rest: readonly Piece[] } {
  const count = Math.min(piece.count, piece.order === 9 ? LARGE_STEP : SMALL_STEP);
  const rest = { ...piece, first: piece.first + count * 2 ** piece.order, count: piece.count - count };
  return { step: { ...piece, count }, rest: rest.count === 0 ? [] : [rest] };
}

const populate = (domid: number, piece: Piece): Request =>
  hypercall('XENMEM_populate_physmap', {
    domid: domId(domid),
    extentOrder: order(piece.order),
    nrExtents: piece.count,
    extentStart: [{ first: gfn(piece.first), count: piece.count, stride: 2 ** piece.order }],
    memFlags: {},
  });

function nextPiece(v: ReadVars): Next<ReadVars> {
  const piece = v.pieces?.[0];
  if (piece !== undefined) return ask(populate(v.domid, firstStep(piece).step), 'populated', v);
  const pv = v.settled.type === 'pv';
  return done({ rc: 0, storeMfn: pv ? 1 : 0xfeffc, consoleMfn: pv ? 2 : 0xfefff, present: v.present });
}

/**
 * Gives a restored domain its memory, as its pages arrive. No claim is staked. Done { rc, storeMfn, consoleMfn }.
 * `path` names the saved file; a migration brings its text along instead.
 */
const streamRead = flow<ReadVars>({
  name: 'libxl__stream_read',
  steps: {
    start: (v) => ask({ kind: 'file', op: 'read', path: v.path }, 'read', v),
    read: (v, reply) => {
      const state = reply.rc < 0 ? null : parseSavedState(String(reply.text));
      if (state === null) return goto('invalid', v);
      const pieces = restorePieces(v.settled, state.pages);
      const special = v.settled.type === 'pv' ? 0 : 1;
      const ram = pieces.slice(0, pieces.length - special);
      const present = ram.reduce((sum, piece) => sum + piece.count * 2 ** piece.order, 0);
      return nextPiece({ ...v, pieces, present });
    },
    invalid: (v) =>
      ask(
        libxlError(
          'libxl_stream_read.c:300:stream_header_done',
          v.domid,
          'Invalid ident: not a saved domain',
        ),
        'failed',
        v,
      ),
    populated: (v, reply) => {
      const [piece, ...later] = v.pieces ?? [];
      const { step, rest } = firstStep(piece!);
      const pieces = [...rest, ...later];
      const did = Math.max(0, reply.rc);
      if (did === step.count) return nextPiece({ ...v, pieces });
      const first = step.first + did * 2 ** step.order;
      const left = step.count - did;
      // Superpages that cannot be had are populated page by page.
      if (step.order === 9) {
        return nextPiece({ ...v, pieces: [{ first, count: left * SUPERPAGE, order: 0 }, ...pieces] });
      }
      const errno = reply.rc < 0 ? -reply.rc : EBUSY;
      return ask(
        [
          xcLog('detail', `Failed allocation for dom ${v.domid}: ${left} extents of order 0`),
          xcLog('error', `Failed to populate physmap (${errno} = ${strerror(errno)}): Internal error`),
          xcLog('error', `Restore failed (${errno} = ${strerror(errno)}): Internal error`),
          libxlError(
            'libxl_stream_read.c:850:libxl__xc_domain_restore_done',
            v.domid,
            'restoring domain',
            errno,
          ),
        ],
        'failed',
        v,
      );
    },
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

export const libxlStreamFlows: Readonly<Record<string, Flow>> = { libxl__stream_read: streamRead };
