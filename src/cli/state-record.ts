/**
 * The journal's records: how one acknowledged change of a host's cells lies on disk.
 *
 * A journal file has a fixed size, zeros where nothing was written yet, and the size is stated in the image it
 * belongs to, so that a cut file is recognised. A record fills whole sectors with text that holds no zero byte.
 * Hence a record of which a whole sector is zero was never synced, so never acknowledged, and is dropped; a record that
 * is wrong in any other way was damaged later, and the file is refused.
 */
import { crc32 } from 'node:zlib';

export const SECTOR = 512;
const HEAD = 64;
const MAGIC = 'xlsim-record';

/** A host's state as keyed texts; null takes a key away. */
export type CellChanges = ReadonlyMap<string, string | null>;

/** One record: the cells that changed, and the command lines that changed them. */
export interface JournalRecord {
  readonly seq: number;
  readonly changes: CellChanges;
  readonly history: readonly string[];
}

/** What a journal holds. `torn`: after the last record lies one that was never acknowledged. */
export interface JournalContent {
  readonly records: readonly JournalRecord[];
  readonly used: number;
  readonly torn: boolean;
  /** What is wrong, if the journal must be refused. */
  readonly wrong: string | null;
}

export const hex8 = (n: number): string => n.toString(16).padStart(8, '0');

/** One line a cell: the key, a tab, the text; a key alone was taken away. Keys and texts are JSON. */
export function cellLine(key: string, text: string | null): string {
  return text === null ? JSON.stringify(key) : `${JSON.stringify(key)}\t${text}`;
}

/** The inverse of cellLine. */
export function parseCellLine(line: string): [string, string | null] {
  const tab = line.indexOf('\t');
  const quoted = tab < 0 ? line : line.slice(0, tab);
  const key = quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
  return [key, tab < 0 ? null : line.slice(tab + 1)];
}

/** The bytes of a record: whole sectors. */
export function encodeRecord(record: JournalRecord): Buffer {
  const lines = [JSON.stringify(record.history)];
  for (const [key, text] of record.changes) lines.push(cellLine(key, text));
  const body = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
  const sectors = Math.ceil((HEAD + body.length) / SECTOR);
  const out = Buffer.alloc(sectors * SECTOR, 0x20);
  body.copy(out, HEAD);
  const head = `${MAGIC} ${pad(record.seq, 12)} ${pad(sectors, 8)} ${hex8(crc32(out.subarray(HEAD)))} `;
  out.write(`${head}${hex8(crc32(head))}`, 0, 'latin1');
  out[HEAD - 1] = 0x0a;
  return out;
}

const pad = (n: number, width: number): string => String(n).padStart(width, '0');

interface Head {
  readonly seq: number;
  readonly sectors: number;
  readonly crc: string;
}

function parseHead(data: Buffer, at: number): Head | null {
  const text = data.toString('latin1', at, at + HEAD);
  const match = /^xlsim-record (\d{12}) (\d{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) {11}\n$/.exec(text);
  if (match === null) return null;
  const [, seq, sectors, crc, own] = match;
  const signed = text.slice(0, MAGIC.length + 1 + 12 + 1 + 8 + 1 + 8 + 1);
  if (hex8(crc32(signed)) !== own) return null;
  return { seq: Number(seq), sectors: Number(sectors), crc: crc ?? '' };
}

const isZero = (data: Buffer, from: number, to: number): boolean =>
  data.subarray(from, to).equals(Buffer.alloc(to - from));

function hasZeroSector(data: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += SECTOR) if (isZero(data, at, at + SECTOR)) return true;
  return false;
}

/** Whether a sound record lies anywhere from `from` on: then what precedes it was acknowledged. */
function recordFollows(data: Buffer, from: number): boolean {
  for (let at = from; at + SECTOR <= data.length; at += SECTOR) {
    const head = data[at] === 0x78 ? parseHead(data, at) : null;
    if (head !== null && bodyIsSound(data, at, head)) return true;
  }
  return false;
}

const bodyIsSound = (data: Buffer, at: number, head: Head): boolean =>
  at + head.sectors * SECTOR <= data.length &&
  head.sectors > 0 &&
  hex8(crc32(data.subarray(at + HEAD, at + head.sectors * SECTOR))) === head.crc;

/** The end of what was written at `at`: up to the last sector that is not zero. */
function writtenEnd(data: Buffer, at: number): number {
  if (isZero(data, at, data.length)) return at;
  let end = data.length;
  while (end > at && isZero(data, end - SECTOR, end)) end -= SECTOR;
  return end;
}

/** Reads a whole journal whose first record must carry `firstSeq`. Never throws; says what is wrong instead. */
export function readJournal(data: Buffer, firstSeq: number): JournalContent {
  const records: JournalRecord[] = [];
  let at = 0;
  const end = (torn: boolean, wrong: string | null): JournalContent => ({ records, used: at, torn, wrong });
  while (at < data.length) {
    const head = parseHead(data, at);
    if (head !== null && head.seq === firstSeq + records.length && bodyIsSound(data, at, head)) {
      const record = parseBody(data.toString('utf8', at + HEAD, at + head.sectors * SECTOR), head.seq);
      if (record === null)
        return end(false, `record ${head.seq} at byte ${at} is not one this version wrote`);
      records.push(record);
      at += head.sectors * SECTOR;
      continue;
    }
    const written = writtenEnd(data, at);
    if (written === at) return end(false, null);
    const extent = head === null ? written : Math.min(data.length, at + head.sectors * SECTOR);
    const torn = hasZeroSector(data, at, extent) && !recordFollows(data, at + SECTOR);
    return torn ? end(true, null) : end(false, `the record at byte ${at} does not match its checksum`);
  }
  return end(false, null);
}

function parseBody(text: string, seq: number): JournalRecord | null {
  const lines = text.split('\n');
  try {
    const history: unknown = JSON.parse(lines[0] ?? '');
    if (!Array.isArray(history)) return null;
    const changes = new Map<string, string | null>();
    for (let i = 1; i < lines.length - 1; i++) changes.set(...parseCellLine(lines[i] ?? ''));
    return { seq, changes, history: history.map(String) };
  } catch {
    return null;
  }
}
