/** xlsim's own options, which may stand before the command word and, as none is also xl's, after it. */
import { parseDuration, timeForm } from '../explorer/amount.ts';
import type { Settle } from '../explorer/run.ts';

/** What xlsim's options said. */
export interface GlobalOptions {
  readonly state: string | null;
  readonly host: string;
  readonly tables: 'auto' | 'always' | 'never';
  readonly json: boolean;
  readonly settle: Settle;
  /** A file whose text takes the place of the host's xl.conf for this command. */
  readonly xlConf: string | null;
  readonly traceHypercalls: string | null;
  /** Seconds to wait for the state's lock. */
  readonly lockTimeout: number;
}

/** A command line taken apart: xlsim's options, xl's global options, and the rest. */
export type ParsedLine =
  | {
      readonly ok: true;
      readonly options: GlobalOptions;
      /** `-v` and the like, in front of the command word. */
      readonly xlOptions: readonly string[];
      readonly word: string | null;
      readonly args: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

const VALUED = ['state', 'host', 'tables', 'settle', 'xl-conf', 'trace-hypercalls', 'lock-timeout'] as const;
type Valued = (typeof VALUED)[number];
const isValued = (name: string): name is Valued => VALUED.some((other) => other === name);

/** What holds when a command line says nothing. Reads $XLSIM_TABLES and $XLSIM_XL_CONF. */
export function defaultOptions(env: Readonly<Record<string, string | undefined>>): GlobalOptions | string {
  const base: GlobalOptions = {
    state: null,
    host: 'default',
    tables: 'auto',
    json: false,
    settle: 'idle',
    xlConf: nonEmpty(env.XLSIM_XL_CONF),
    traceHypercalls: null,
    lockTimeout: 60,
  };
  const tables = nonEmpty(env.XLSIM_TABLES);
  return tables === null ? base : readValues(new Map([['tables', tables]]), false, base);
}

/** Takes `argv` (without the program's name) apart. `base` holds what it does not say. */
export function parseLine(argv: readonly string[], base: GlobalOptions): ParsedLine {
  const values = new Map<Valued, string>();
  const xlOptions: string[] = [];
  const args: string[] = [];
  let json = false;
  let word: string | null = null;
  let ended = false;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? '';
    const option = ended ? null : /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(arg);
    const name = option?.[1] ?? '';
    if (isValued(name)) {
      const value = option?.[2] ?? argv[++i];
      if (value === undefined) return { ok: false, message: `option --${name} needs a value` };
      values.set(name, value);
    } else if (name === 'json' && option?.[2] === undefined) {
      json = true;
    } else if (word !== null) {
      if (arg === '--') ended = true;
      args.push(arg);
    } else if (/^-[vftTN]+$/.test(arg)) {
      xlOptions.push(arg);
    } else {
      word = arg;
    }
  }
  const options = readValues(values, json, base);
  return typeof options === 'string'
    ? { ok: false, message: options }
    : { ok: true, options, xlOptions, word, args };
}

/** The options, or a sentence about the one that is wrong. */
function readValues(
  values: ReadonlyMap<Valued, string>,
  json: boolean,
  base: GlobalOptions,
): GlobalOptions | string {
  const tables = values.get('tables') ?? base.tables;
  if (tables !== 'auto' && tables !== 'always' && tables !== 'never') {
    return `--tables is auto, always or never, not ${JSON.stringify(tables)}`;
  }
  const settleText = values.get('settle') ?? 'idle';
  const settle = settleText === 'idle' || settleText === 'none' ? settleText : parseDuration(settleText);
  if (settle === null) {
    return `--settle is none, idle or ${timeForm(settleText)}, not ${JSON.stringify(settleText)}`;
  }
  const timeout = values.get('lock-timeout') ?? String(base.lockTimeout);
  const lockTimeout = /^\d+(\.\d+)?$/.test(timeout) ? Number(timeout) : Number.NaN;
  if (!(lockTimeout <= 86_400)) {
    return `--lock-timeout is a number of seconds up to 86400, not ${JSON.stringify(timeout)}`;
  }
  return {
    state: values.get('state') ?? base.state,
    host: values.get('host') ?? base.host,
    tables,
    json: json || base.json,
    settle: values.has('settle') ? settle : base.settle,
    xlConf: values.get('xl-conf') ?? base.xlConf,
    traceHypercalls: values.get('trace-hypercalls') ?? base.traceHypercalls,
    lockTimeout,
  };
}

const nonEmpty = (value: string | undefined): string | null =>
  value === undefined || value === '' ? null : value;
