/**
 * Long text put together bit by bit and handed on in pieces, so that one string of everything is never made. Text holds
 * one byte per character.
 */

/** How much text waits before it goes on. */
const SIZE = 32768;

/** Text on its way to `sink`, which gets it piece by piece, in order. */
export interface ByteText {
  readonly sink: (piece: string) => void;
  waiting: string;
}

export const newByteText = (sink: (piece: string) => void): ByteText => ({ sink, waiting: '' });

/** Hands on what is waiting. */
export function flushText(out: ByteText): void {
  const { waiting } = out;
  out.waiting = '';
  // Looking at one character makes one flat string of the many it was put together from.
  if (waiting.charCodeAt(0) >= 0) out.sink(waiting);
}

export function putText(out: ByteText, text: string): void {
  out.waiting += text;
  if (out.waiting.length >= SIZE) flushText(out);
}
