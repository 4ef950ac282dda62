/**
 * A config's settings, and what the getters answer for each name, as JSON for editors and tests. Bytes outside
 * printable ASCII are written `\u00XX`, one per byte, so that the result is plain ASCII.
 */
import { EINVAL, ERANGE, ESRCH } from '../hypervisor/errno.ts';
import { type ByteText, putEscaped, putText } from './byte-text.ts';
import { appendsAt, isNewest, listAt, longAt, nameAt, stringAt, valueAt, type XluConfig } from './xlu-cfg.ts';
import {
  isList,
  isListAt,
  listLength,
  nextInList,
  scalarAt,
  scalarLength,
  valueEnd,
  type XluList,
} from './xlu-cfg-value.ts';

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  [EINVAL]: 'EINVAL',
  [ERANGE]: 'ERANGE',
  [ESRCH]: 'ESRCH',
};
const errnoName = (errno: number): string => `"${ERRNO_NAMES[errno] ?? errno}"`;

/** How each byte that JSON or a terminal does not take as it is is written; undefined for all others. */
const ESCAPES: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, c) => {
  if (c === 34 || c === 92) return `\\${String.fromCharCode(c)}`;
  return c < 32 || c > 126 ? `\\u00${c.toString(16).padStart(2, '0')}` : undefined;
});

const putQuoted = (out: ByteText, text: string): void => putEscaped(out, text, ESCAPES);

/** Writes a list without recursion: lists may be thousands deep. */
function putList(out: ByteText, { text, parts }: XluList): void {
  let comma = false;
  putText(out, '[');
  for (const part of parts) {
    let at = part + 1;
    for (let depth = 1; depth > 0; ) {
      at = nextInList(text, at);
      if (text[at] === ']') {
        depth--;
        at++;
        if (depth === 0) break;
        putText(out, ']');
        comma = true;
        continue;
      }
      if (comma) putText(out, ', ');
      comma = !isListAt(text, at);
      if (comma) {
        putQuoted(out, scalarAt(text, at));
        at = valueEnd(text, at);
      } else {
        putText(out, '[');
        depth++;
        at++;
      }
    }
  }
  putText(out, ']');
}

function putLookup(out: ByteText, cfg: XluConfig, index: number): void {
  const text = stringAt(cfg, index);
  const list = listAt(cfg, index);
  const length = list.value === undefined ? errnoName(list.errno) : String(listLength(list.value));
  if (text.value === undefined) {
    putText(out, `{"get_string": ${errnoName(text.errno)}, "get_list_len": ${length}}`);
    return;
  }
  const long = longAt(cfg, index);
  const number = long.value === undefined ? errnoName(long.errno) : `"${long.value}"`;
  putText(out, '{"get_string": {"v": ');
  putQuoted(out, text.value);
  putText(out, `}, "get_long": ${number}, "get_list_len": ${length}}`);
}

/** How much text all settings hold that `+=` has added text to. */
export function appendedText(cfg: XluConfig): number {
  const lengths = new Float64Array(cfg.count);
  let sum = 0;
  for (let i = 0; i < cfg.count; i++) {
    const start = cfg.valueStarts[i]!;
    if (isListAt(cfg.text, start)) continue;
    const older = cfg.older[i]!;
    lengths[i] = scalarLength(cfg.text, start) + (older < 0 ? 0 : lengths[older]!);
    if (older >= 0) sum += lengths[i]!;
  }
  return sum;
}

/** The settings newest first. What `+=` adds to is the beginning of what comes of it, so that one text serves all. */
function putSettings(out: ByteText, cfg: XluConfig): void {
  const beginnings = new Map<number, string>();
  for (let i = cfg.count - 1; i >= 0; i--) {
    const op = appendsAt(cfg, i) ? '+=' : '=';
    putText(out, `  {"name": "${nameAt(cfg, i)}", "op": "${op}", "line": ${cfg.lines[i]!}, "value": `);
    const value = beginnings.get(i) ?? valueAt(cfg, i);
    if (isList(value)) putList(out, value);
    else {
      putQuoted(out, value);
      const older = cfg.older[i]!;
      beginnings.delete(i);
      if (older >= 0) {
        const added = scalarAt(cfg.text, cfg.valueStarts[i]!).length;
        beginnings.set(older, value.slice(0, value.length - added));
      }
    }
    putText(out, i > 0 ? '},\n' : '}\n');
  }
}

/** Writes the settings newest first, then each name's lookup in the order of their newest settings. */
export function putSettingsJson(out: ByteText, cfg: XluConfig): void {
  putText(out, '{"ok": true, "settings_newest_first": [\n');
  putSettings(out, cfg);
  putText(out, '], "lookups": {\n');
  let names = 0;
  for (let i = cfg.count - 1; i >= 0; i--) {
    if (!isNewest(cfg, i)) continue;
    putText(out, `${names++ > 0 ? ',\n' : ''}  "${nameAt(cfg, i)}": `);
    putLookup(out, cfg, i);
  }
  putText(out, names > 0 ? '\n}}\n' : '}}\n');
}
