/**
 * Long text put together byte by byte and handed on in pieces, so that neither one string a byte nor one string of
 * everything is ever made. Text holds one byte per character.
 */

const SIZE = 8192;
/** Runs of this length go on as they are. */
const LONG_RUN = 1024;

/** Text on its way to `sink`, which gets it piece by piece, in order. */
export interface ByteText {
  readonly sink: (piece: string) => void;
  readonly bytes: Uint8Array;
  used: number;
}

export const newByteText = (sink: (piece: string) => void): ByteText => ({
  sink,
  bytes: new Uint8Array(SIZE),
  used: 0,
});

/** Hands on what is waiting. */
export function flushText(out: ByteText): void {
  if (out.used > 0) out.sink(Reflect.apply(String.fromCharCode, null, out.bytes.subarray(0, out.used)));
  out.used = 0;
}

export function putByte(out: ByteText, byte: number): void {
  if (out.used === SIZE) flushText(out);
  out.bytes[out.used++] = byte;
}

/** Adds `text` from `start` to `end`. */
export function putText(out: ByteText, text: string, start = 0, end = text.length): void {
  if (end - start < LONG_RUN) {
    for (let i = start; i < end; i++) putByte(out, text.charCodeAt(i));
    return;
  }
  flushText(out);
  out.sink(text.slice(start, end));
}
