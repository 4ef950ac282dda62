/**
 * A host on disk: an image, the journal that goes on from it, and the history of what was run.
 *
 * Reading takes no lock: an image is replaced by a rename, and its journal is named after it, so a reader that finds the
 * journal gone reads again. Writing is for the holder of the state's lock alone. A change is one record and one sync;
 * when the journal is full a new image takes its place, so that loading costs the same however long the history is.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { damaged, StateError, stateErrorOf } from './state-error.ts';
import { decodeImage, encodeImage, type ImageHeader } from './state-image.ts';
import { type CellChanges, encodeRecord, type JournalRecord, readJournal, SECTOR } from './state-record.ts';
import { type StoreFs, syncDirectory, systemErrorCode, writeAll, writeSynced } from './store-fs.ts';

const JOURNAL_MIN = 256 * 1024;
const JOURNAL_MAX = 64 * 1024 * 1024;
const IMAGE = 'state';

/** A host as read from disk, with what is needed to append to it. */
export interface StoredHost {
  readonly dir: string;
  readonly header: ImageHeader;
  /** The state: image and journal together. */
  readonly cells: ReadonlyMap<string, string>;
  /** Changes since the host was made; rises by one with each record. */
  readonly seq: number;
  /** Command lines that are in the journal but not yet in the history file. */
  readonly recent: readonly string[];
  readonly journalUsed: number;
  /** A record that was never acknowledged lies in the journal: the next change makes a new image. */
  readonly torn: boolean;
}

const journalName = (epoch: number): string => `journal-${epoch}`;

/** A short pause between two tries of a reader, without a timer. */
const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

/** Reads the host in `dir`. Throws StateError when a file is damaged, newer, or cannot be read. */
export function readHost(fs: StoreFs, dir: string, retries = 5): StoredHost {
  // A reader may meet a writer that is replacing the image or is in the middle of a record: it looks again.
  for (let tries = 0; ; tries++) {
    const found = tryReadHost(fs, dir);
    if (!(found instanceof StateError)) return found;
    if (tries === retries) throw found;
    pause(2 ** tries);
  }
}

function tryReadHost(fs: StoreFs, dir: string): StoredHost | StateError {
  const file = join(dir, IMAGE);
  const { header, cells } = decodeImage(file, readState(fs, file));
  const journalFile = join(dir, journalName(header.epoch));
  let data: Buffer;
  try {
    data = fs.readFileSync(journalFile);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return damaged(journalFile, 'the file is missing');
    throw stateErrorOf(error, journalFile, 'read the journal');
  }
  if (data.length !== header.journalBytes) {
    return damaged(journalFile, `it has ${data.length} bytes where ${header.journalBytes} were written`);
  }
  const journal = readJournal(data, header.seq + 1);
  if (journal.wrong !== null) return damaged(journalFile, journal.wrong);
  const recent: string[] = [];
  for (const record of journal.records) {
    applyChanges(cells, record.changes);
    recent.push(...record.history);
  }
  const seq = header.seq + journal.records.length;
  return { dir, header, cells, seq, recent, journalUsed: journal.used, torn: journal.torn };
}

function readState(fs: StoreFs, file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw damaged(file, 'the file is missing');
    throw stateErrorOf(error, file, 'read the state');
  }
}

function applyChanges(cells: Map<string, string>, changes: CellChanges): void {
  for (const [key, text] of changes) {
    if (text === null) cells.delete(key);
    else cells.set(key, text);
  }
}

/** What differs between two states. */
export function cellChanges(
  from: ReadonlyMap<string, string>,
  to: ReadonlyMap<string, string>,
): Map<string, string | null> {
  const changes = new Map<string, string | null>();
  for (const [key, text] of to) if (from.get(key) !== text) changes.set(key, text);
  for (const key of from.keys()) if (!to.has(key)) changes.set(key, null);
  return changes;
}

/**
 * Writes one change so that it survives kill -9 and a power loss; only then returns the host as it is now.
 * Throws StateError when it cannot; then the host on disk is what it was. The caller holds the lock.
 */
export function appendChange(
  fs: StoreFs,
  host: StoredHost,
  cells: ReadonlyMap<string, string>,
  history: readonly string[],
): StoredHost {
  const record: JournalRecord = { seq: host.seq + 1, changes: cellChanges(host.cells, cells), history };
  const bytes = encodeRecord(record);
  const next: StoredHost = { ...host, cells, seq: record.seq, recent: [...host.recent, ...history] };
  if (host.torn || host.journalUsed + bytes.length > host.header.journalBytes) return writeImage(fs, next);
  const file = join(host.dir, journalName(host.header.epoch));
  try {
    const fd = fs.openSync(file, 'r+');
    try {
      appendOrErase(fs, fd, bytes, host.journalUsed);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    throw stateErrorOf(error, file, 'write the state');
  }
  return { ...next, journalUsed: host.journalUsed + bytes.length };
}

/** A record that could not be synced must not be found by the next command: its place is zeroed again. */
function appendOrErase(fs: StoreFs, fd: number, bytes: Buffer, position: number): void {
  try {
    writeAll(fs, fd, bytes, position);
    fs.fdatasyncSync(fd);
  } catch (error) {
    writeAll(fs, fd, Buffer.alloc(SECTOR), position);
    writeAll(fs, fd, Buffer.alloc(bytes.length), position);
    fs.fdatasyncSync(fd);
    throw error;
  }
}

/** Replaces image and journal by new ones that hold `host` whole. All or nothing, as appendChange. */
export function writeImage(fs: StoreFs, host: StoredHost): StoredHost {
  const { dir } = host;
  const temporary = join(dir, `${IMAGE}.new`);
  let doing = join(dir, host.header.history);
  try {
    const historyPart = appendHistory(fs, host);
    const header: ImageHeader = {
      ...host.header,
      ...historyPart,
      epoch: host.header.epoch + 1,
      seq: host.seq,
      journalBytes: journalSize(host.cells),
    };
    doing = join(dir, journalName(header.epoch));
    writeSynced(fs, doing, Buffer.alloc(header.journalBytes));
    doing = temporary;
    writeSynced(fs, temporary, encodeImage(header, host.cells));
    syncDirectory(fs, dir);
    fs.renameSync(temporary, join(dir, IMAGE));
    syncDirectory(fs, dir);
    removeQuietly(fs, join(dir, journalName(host.header.epoch)));
    return { ...host, header, recent: [], journalUsed: 0, torn: false };
  } catch (error) {
    removeQuietly(fs, temporary);
    throw stateErrorOf(error, doing, 'write the state');
  }
}

/** As large as the image, within bounds, so that writing images costs a fixed share of writing records. */
function journalSize(cells: ReadonlyMap<string, string>): number {
  let size = 0;
  for (const [key, text] of cells) size += key.length + text.length + 4;
  const wanted = Math.min(JOURNAL_MAX, Math.max(JOURNAL_MIN, size));
  return Math.ceil(wanted / SECTOR) * SECTOR;
}

function removeQuietly(fs: StoreFs, file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    // A file that stays behind is not referred to by any image.
  }
}

/** Moves the journal's command lines to the history file, which the new image then vouches for. */
function appendHistory(fs: StoreFs, host: StoredHost): Pick<ImageHeader, 'historyBytes' | 'historyCrc'> {
  const { historyBytes, historyCrc } = host.header;
  if (host.recent.length === 0) return { historyBytes, historyCrc };
  const lines = Buffer.from(host.recent.map((line) => `${JSON.stringify(line)}\n`).join(''), 'utf8');
  const fd = fs.openSync(join(host.dir, host.header.history), 'r+');
  try {
    writeAll(fs, fd, lines, historyBytes);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  return { historyBytes: historyBytes + lines.length, historyCrc: crc32(lines, historyCrc) };
}

/** The command lines that made this host what it is, oldest first. */
export function readHistory(fs: StoreFs, host: StoredHost): string[] {
  const file = join(host.dir, host.header.history);
  const data = readState(fs, file).subarray(0, host.header.historyBytes);
  if (data.length < host.header.historyBytes) {
    throw damaged(file, `it has ${data.length} bytes where ${host.header.historyBytes} were written`);
  }
  if (crc32(data) !== host.header.historyCrc) throw damaged(file, 'its contents do not match their checksum');
  const lines = data.toString('utf8').split('\n').slice(0, -1);
  return [...lines.map((line) => String(JSON.parse(line))), ...host.recent];
}

/** Makes the files of a new host in the empty directory `dir`; nothing refers to them until it is renamed. */
export function writeNewHost(
  fs: StoreFs,
  dir: string,
  cells: ReadonlyMap<string, string>,
  history: readonly string[],
  seq: number,
): void {
  const lines = Buffer.from(history.map((line) => `${JSON.stringify(line)}\n`).join(''), 'utf8');
  const header: ImageHeader = {
    epoch: 1,
    seq,
    journalBytes: journalSize(cells),
    history: 'history-1',
    historyBytes: lines.length,
    historyCrc: crc32(lines),
  };
  writeSynced(fs, join(dir, header.history), lines);
  writeSynced(fs, join(dir, journalName(header.epoch)), Buffer.alloc(header.journalBytes));
  writeSynced(fs, join(dir, IMAGE), encodeImage(header, cells));
  syncDirectory(fs, dir);
}
