/** A file that is to hold a report: what it holds, or what became of it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemErrorCode } from './store-fs.ts';

export type ReportText =
  | { readonly ok: true; readonly data: unknown }
  /** `isExploration`: as far as it goes it is a report of an exploration. */
  | { readonly ok: false; readonly isExploration: boolean; readonly message: string };

/** How reports are written. */
const WRITE_BLOB = 'xlsim replay --reporter blob --output-file FILE';
const WRITE_EXPLORATION = 'xlsim --json explore --shard I/N';

/** Reads a report; a sentence about a file that cannot be read, or is not all of one. */
export function readReport(cwd: string, name: string): ReportText {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, name), 'utf8');
  } catch (error) {
    const message = `${name}: cannot be read: ${systemErrorCode(error) ?? String(error)}`;
    return { ok: false, isExploration: false, message };
  }
  try {
    return { ok: true, data: JSON.parse(text) };
  } catch {
    const schema = /^\s*\{\s*"schema"\s*:\s*"xlsim\/(explore|replay)\//.exec(text)?.[1];
    const isExploration = schema === 'explore';
    return { ok: false, isExploration, message: `${name}: ${brokenText(text, schema)}` };
  }
}

function brokenText(text: string, schema: string | undefined): string {
  const again =
    schema === undefined
      ? `${WRITE_BLOB}, or ${WRITE_EXPLORATION}`
      : schema === 'explore'
        ? WRITE_EXPLORATION
        : WRITE_BLOB;
  const what = schema === 'explore' ? 'report of an exploration' : schema === 'replay' ? 'blob' : 'report';
  const how = `write it again with ${again}, and let that come to its end`;
  if (text.trim() === '') return `is empty: ${how}`;
  if (isCut(text)) return `is no whole ${what}: it ends at ${endOf(text)}, in the middle: ${how}`;
  if (schema !== undefined) return `is a damaged ${what}, no JSON any more: ${how}`;
  return `is no blob: write one with ${WRITE_BLOB}`;
}

/** Whether a text that is no JSON begins as one and ends too soon: brackets or quotes are open where it ends. */
function isCut(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  let open = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (isQuoted && c === '\\') i++;
    else if (c === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (c === '{' || c === '[')) open++;
    else if (!isQuoted && (c === '}' || c === ']')) open--;
  }
  return isQuoted || open > 0;
}

/** Line and column of the last character that says something, from 1. */
function endOf(text: string): string {
  const said = text.trimEnd();
  const before = said.lastIndexOf('\n');
  const line = said.split('\n').length;
  return `${line}:${said.length - before - 1}`;
}
