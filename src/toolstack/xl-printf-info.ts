/** A parsed configuration as `xl create -n` and friends print it. Models printf_info(), tools/xl/xl_info.c. */
import { type DomainConfig, domainConfigType } from './domain-config.ts';
import { genJson } from './libxl-json.ts';
import type { XlConf } from './xl-conf.ts';
import { printfInfoSexp, type Sexp } from './xl-sxp.ts';

/** The text in the format xl.conf asks for; a PVH guest as an s-expression ends xl with 1. */
export function printfInfo(format: XlConf['outputFormat'], config: DomainConfig): Sexp {
  if (format === 'sxp') return printfInfoSexp(-1, config, null);
  return { stdout: `${genJson(domainConfigType, config)}\n`, stderr: '', exit: null };
}
