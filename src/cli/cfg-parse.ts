/**
 * `xlsim cfg-parse FILE`: a config's settings as JSON, or what the grammar says against it, for editors and tests.
 */
import { flushText, newByteText } from '../toolstack/byte-text.ts';
import { appendedText, putSettingsJson } from '../toolstack/xlu-cfg-json.ts';
import { xluCfgReaddata } from '../toolstack/xlu-cfg-parse.ts';
import type { Stream } from './terminal.ts';

/** Each `+=` of text is shown with all that came before it; more than so much text is refused. */
const MAX_APPENDED_TEXT = 2 ** 25;

/**
 * Reads the text of `file` and writes what came of it; the exit status: 0, or 2 for a text that is no config. Text in
 * and out holds one byte per character: the caller decodes and encodes it as latin1. stdout gets one JSON object, in
 * pieces: `{"ok": true, "settings_newest_first": […], "lookups": {…}}`, or `{"ok": false, "errno": "EINVAL"}` with the
 * reports on stderr.
 */
export function cfgParse(file: string, text: string, write: (stream: Stream, text: string) => void): number {
  const refuse = (errno: string, reports: string): number => {
    write('stdout', `{"ok": false, "errno": "${errno}"}\n`);
    write('stderr', reports);
    return 2;
  };
  const read = xluCfgReaddata({ source: file, text });
  if (!read.ok) return refuse('EINVAL', read.stderr);
  const appended = appendedText(read.cfg);
  if (appended > MAX_APPENDED_TEXT) {
    return refuse(
      'ENOMEM',
      `${file}: the texts made longer with += hold ${appended} bytes, too many to show\n`,
    );
  }
  const out = newByteText((piece) => write('stdout', piece));
  putSettingsJson(out, read.cfg);
  flushText(out);
  return 0;
}
