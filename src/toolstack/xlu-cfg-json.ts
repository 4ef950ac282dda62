/**
 * A config's settings, and what the getters answer for each name, as JSON for editors and tests. Bytes outside
 * printable ASCII are written `\u00XX`, one per byte, so that the result is plain ASCII.
 */
import { EINVAL, ERANGE, ESRCH } from '../hypervisor/errno.ts';
import {
  getList,
  getLong,
  getString,
  isList,
  settingAt,
  type XluConfig,
  type XluList,
  type XluValue,
} from './xlu-cfg.ts';

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  [EINVAL]: 'EINVAL',
  [ERANGE]: 'ERANGE',
  [ESRCH]: 'ESRCH',
};
const errnoName = (errno: number): string => `"${ERRNO_NAMES[errno] ?? errno}"`;

const quote = (text: string): string =>
  `"${text.replace(/[^ !#-[\]-~]/g, (c) =>
    c === '"' || c === '\\' ? `\\${c}` : `\\u00${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )}"`;

/** Writes a value without recursion: lists may be thousands deep. */
function valueJson(value: XluValue): string {
  if (!isList(value)) return quote(value);
  const parts: string[] = ['['];
  const stack: { readonly list: XluList; next: number }[] = [{ list: value, next: 0 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    if (top.next === top.list.values.length) {
      parts.push(']');
      stack.pop();
      continue;
    }
    if (top.next > 0) parts.push(', ');
    const element = top.list.values[top.next++]!;
    if (isList(element)) {
      parts.push('[');
      stack.push({ list: element, next: 0 });
    } else {
      parts.push(quote(element));
    }
  }
  return parts.join('');
}

function lookupJson(cfg: XluConfig, name: string): string {
  const text = getString(cfg, name);
  const list = getList(cfg, name);
  const length = list.value === undefined ? errnoName(list.errno) : String(list.value.values.length);
  if (text.value === undefined) return `{"get_string": ${errnoName(text.errno)}, "get_list_len": ${length}}`;
  const long = getLong(cfg, name);
  const number = long.value === undefined ? errnoName(long.errno) : `"${long.value}"`;
  return `{"get_string": {"v": ${quote(text.value)}}, "get_long": ${number}, "get_list_len": ${length}}`;
}

/** How the settings are listed: newest first, each name's lookup where its newest setting stands. */
export function settingsJson(cfg: XluConfig): string {
  const settings: string[] = [];
  const lookups: string[] = [];
  for (let i = cfg.names.length - 1; i >= 0; i--) {
    const { name, value, append, line } = settingAt(cfg, i);
    settings.push(
      `  {"name": "${name}", "op": "${append ? '+=' : '='}", "line": ${line}, "value": ${valueJson(value)}}`,
    );
    if (cfg.newest.get(name) === i) lookups.push(`  "${name}": ${lookupJson(cfg, name)}`);
  }
  const block = (lines: readonly string[]): string =>
    lines.length === 0 ? '\n' : `\n${lines.join(',\n')}\n`;
  return `{"ok": true, "settings_newest_first": [${block(settings)}], "lookups": {${block(lookups)}}}\n`;
}
