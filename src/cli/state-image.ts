/**
 * The image of a host: every cell of its state as of one moment, in one checksummed file that is replaced as a whole.
 *
 * Its header names the journal that goes on from it and how much of the history file belongs to it.
 */
import { crc32 } from 'node:zlib';
import { damaged, StateError } from './state-error.ts';
import { cellLine, hex8, parseCellLine } from './state-record.ts';

const FORMAT = 1;
const MAGIC = 'xlsim-state';

/** What the header of an image says. */
export interface ImageHeader {
  /** Rises with every new image; `journal-<epoch>` goes on from it. */
  readonly epoch: number;
  /** How many changes lie behind this image. */
  readonly seq: number;
  /** The exact size of the journal in bytes. */
  readonly journalBytes: number;
  /** The history file, how many of its bytes belong to this image, and their CRC-32. */
  readonly history: string;
  readonly historyBytes: number;
  readonly historyCrc: number;
}

/** The bytes of an image file. */
export function encodeImage(header: ImageHeader, cells: ReadonlyMap<string, string>): Buffer {
  const lines: string[] = [];
  for (const [key, text] of cells) lines.push(cellLine(key, text));
  const body = Buffer.from(lines.length === 0 ? '' : `${lines.join('\n')}\n`, 'utf8');
  const head = `${MAGIC} ${FORMAT} ${JSON.stringify({ ...header, bytes: body.length, crc: hex8(crc32(body)) })}`;
  return Buffer.concat([Buffer.from(`${head} ${hex8(crc32(head))}\n`, 'latin1'), body]);
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Reads an image file. Throws StateError for one that is damaged, cut short, or of a newer format. */
export function decodeImage(
  file: string,
  data: Buffer,
): { readonly header: ImageHeader; readonly cells: Map<string, string> } {
  const end = data.indexOf(0x0a);
  const line = data.toString('latin1', 0, end < 0 ? Math.min(data.length, 4096) : end);
  if (data.length === 0) throw damaged(file, 'the file is empty');
  if (!line.startsWith(`${MAGIC} `)) throw damaged(file, 'it does not begin as a state of xlsim does');
  const match = /^xlsim-state (\d+) (.*) ([0-9a-f]{8})$/.exec(line);
  if (end < 0 || match === null || hex8(crc32(line.slice(0, -9))) !== match[3]) {
    throw damaged(file, 'its header does not match its checksum');
  }
  if (Number(match[1]) > FORMAT) {
    throw new StateError(
      file,
      `written by a newer xlsim (state format ${match[1]}; this one reads up to ${FORMAT})`,
      'use that newer xlsim, or another --state DIR',
    );
  }
  const head: Record<string, unknown> = JSON.parse(match[2] ?? '{}');
  const { epoch, seq, journalBytes, history, historyBytes, historyCrc, bytes, crc } = head;
  const counts = isCount(epoch) && isCount(seq) && isCount(journalBytes) && isCount(historyBytes);
  if (!counts || !isCount(historyCrc) || typeof history !== 'string' || !/^history-\d+$/.test(history)) {
    throw damaged(file, 'its header lacks what every header has');
  }
  const body = data.subarray(end + 1);
  if (body.length !== bytes) {
    throw damaged(file, `it holds ${body.length} bytes after its header where ${String(bytes)} were written`);
  }
  if (hex8(crc32(body)) !== crc) throw damaged(file, 'its contents do not match their checksum');
  return {
    header: { epoch, seq, journalBytes, history, historyBytes, historyCrc },
    cells: parseCells(body.toString('utf8')),
  };
}

function parseCells(text: string): Map<string, string> {
  const cells = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [key, value] = parseCellLine(line);
    cells.set(key, value ?? 'null');
  }
  return cells;
}
