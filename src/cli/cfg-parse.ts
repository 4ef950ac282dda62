/**
 * `xlsim cfg-parse FILE`: a config's settings as JSON, or what the grammar says against it, for editors and tests.
 */
import { settingsJson } from '../toolstack/xlu-cfg-json.ts';
import { xluCfgReaddata } from '../toolstack/xlu-cfg-parse.ts';

/** What the command prints and its exit status: 0, or 2 for a text that is no config. */
export interface CfgParsed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

/**
 * Reads the text of `file`. Text in and out holds one byte per character: the caller decodes and encodes it as latin1.
 * stdout is always one JSON object: `{"ok": true, "settings_newest_first": […], "lookups": {…}}`, or
 * `{"ok": false, "errno": "EINVAL"}` with the reports on stderr.
 */
export function cfgParse(file: string, text: string): CfgParsed {
  const read = xluCfgReaddata({ source: file, text });
  if (read.ok) return { stdout: settingsJson(read.cfg), stderr: '', exit: 0 };
  return { stdout: '{"ok": false, "errno": "EINVAL"}\n', stderr: read.stderr, exit: 2 };
}
