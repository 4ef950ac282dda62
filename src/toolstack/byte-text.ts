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

/** Writes `text` in double quotes, each character that `escapes` has an entry for as that entry says. */
export function putEscaped(out: ByteText, text: string, escapes: readonly (string | undefined)[]): void {
  putText(out, '"');
  let raw = 0;
  for (let i = 0; i < text.length; i++) {
    const written = escapes[text.charCodeAt(i)];
    if (written === undefined) continue;
    if (i > raw) putText(out, text.slice(raw, i));
    putText(out, written);
    raw = i + 1;
  }
  putText(out, raw === 0 ? text : text.slice(raw));
  putText(out, '"');
}
