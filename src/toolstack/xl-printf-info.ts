/** A parsed configuration as `xl create -n` and friends print it. Models printf_info(), tools/xl/xl_info.c. */
import { flushText, newByteText, putText } from './byte-text.ts';
import { type DomainConfig, domainConfigType } from './domain-config.ts';
import { putJson } from './libxl-json.ts';
import type { XlConf } from './xl-conf.ts';
import { printfInfoSexp } from './xl-sxp.ts';

/** What is printed, in pieces, and what ends xl. */
export interface PrintedInfo {
  readonly stdout: readonly string[];
  readonly stderr: string;
  /** The exit status where xl leaves, else null. */
  readonly exit: number | null;
}

/** Text is printed in pieces of about this size: a config may hold ten times more than it costs to write it down. */
const PIECE = 2 ** 20;

/** The configuration as JSON and a newline. */
function jsonPieces(config: DomainConfig): string[] {
  const pieces: string[] = [];
  let waiting: string[] = [];
  let length = 0;
  const hand = (): void => {
    pieces.push(waiting.join(''));
    waiting = [];
    length = 0;
  };
  const out = newByteText((piece) => {
    waiting.push(piece);
    length += piece.length;
    if (length >= PIECE) hand();
  });
  putJson(out, domainConfigType, config);
  putText(out, '\n');
  flushText(out);
  hand();
  return pieces.filter((piece) => piece !== '');
}

/** The text in the format xl.conf asks for; a PVH guest as an s-expression ends xl with 1. */
export function printfInfo(format: XlConf['outputFormat'], config: DomainConfig): PrintedInfo {
  if (format !== 'sxp') return { stdout: jsonPieces(config), stderr: '', exit: null };
  const sexp = printfInfoSexp(-1, config, null);
  return { ...sexp, stdout: [sexp.stdout] };
}
