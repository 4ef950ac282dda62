/**
 * Scenarios as they were pasted from a terminal, in the manner of cram: `$ xl …` lines with what they print below.
 *
 * stdout and stderr follow each other; a last line `[3]` is an exit code; a line that ends in ` (re)` is a regular
 * expression, one that ends in ` (glob)` has * and ? in it. Lines before the first `$` may set the stage: `# host: {
 * memory: 64G, dom0: 4G }` is read, everything else is prose.
 */
import { splitCommandLine } from './command-line.ts';
import { defaultCosts } from './cost-model.ts';
import { didYouMean } from './did-you-mean.ts';
import type { StepOutcome } from './expectation.ts';
import type { Mismatch } from './expectation-text.ts';
import { type ReadRegex, readRegex } from './regex.ts';
import { matchesRegex } from './regex-program.ts';
import type { Scenario, Step, TranscriptBlock } from './scenario.ts';
import { parseScenario } from './scenario-file.ts';
import type { NamedFile } from './scenario-named-files.ts';
import type { Checked, Problem } from './scenario-problem.ts';
import { inOrder } from './schema-reading.ts';

const EXIT_LINE = /^\[(\d+)\]$/;
const HEADER = /^(#\s*)((?:host|xlconf|guests):.*)$/;
/** A line that sets something, whatever it calls it; prose does not look so. */
const SETTING = /^(#\s*)([\w-]+):\s*\{/;
/** What can be set. */
const SETTINGS = ['host', 'xlconf', 'guests'];

/** Reads a transcript. Indented by two spaces, as cram has it, or not at all. `refusal`: see parseScenario(). */
export function parseTranscript(
  text: string,
  fileName: string,
  refusal?: (file: NamedFile) => string | null,
): Checked<Scenario> {
  const lines = text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n');
  const problems: Problem[] = [];
  const headers: { readonly text: string; readonly line: number; readonly column: number }[] = [];
  const steps: Step[] = [];
  for (let i = 0; i < lines.length; i++) {
    const header = HEADER.exec(lines[i]!);
    if (header !== null && steps.length === 0)
      headers.push({ text: header[2]!, line: i + 1, column: header[1]!.length + 1 });
    const unknown = header === null ? SETTING.exec(lines[i]!) : null;
    if (unknown !== null && steps.length === 0) {
      const place = { line: i + 1, column: unknown[1]!.length + 1 };
      problems.push({ ...place, message: `unknown key "${unknown[2]}": ${settingHint(unknown[2]!)}` });
    }
    const command = /^( {2})?\$ (.*)$/.exec(lines[i]!);
    if (command === null) continue;
    const indent = command[1] ?? '';
    const end = outputEnd(lines, i + 1, indent);
    const body = lines.slice(i + 1, end).map((line) => line.slice(indent.length));
    while (indent === '' && body.length > 0 && body[body.length - 1] === '') body.pop();
    const split = splitCommandLine(command[2]!);
    const place = { line: i + 1, column: indent.length + 3 };
    if (!split.ok) problems.push({ ...place, message: split.message });
    else if (split.words[0] !== 'xl' && split.words[0] !== 'xlsim') {
      problems.push({ ...place, message: 'a command line begins with xl' });
    } else {
      const output = block(body, i + 2, indent.length + 1);
      problems.push(...refusedLines(output));
      steps.push(step(command[2]!, split.words, output, place));
    }
    i = end - 1;
  }
  if (steps.length === 0 && problems.length === 0) {
    problems.push({
      line: 1,
      column: 1,
      message: 'has no command: a transcript has lines that begin with "$ xl"',
    });
  }
  // The stage is that of an ordinary scenario, so that its keys and defaults are the same.
  const yaml = [...headers.map((header) => header.text), 'steps: [{ run: xl list }]\n'].join('\n');
  const stage = parseScenario(yaml, fileName, refusal);
  if (!stage.ok) {
    const placed = stage.problems.map(({ line, column, message }) => {
      const header = headers[line - 1];
      return { line: header?.line ?? 1, column: column + (header?.column ?? 1) - 1, message };
    });
    problems.push(...placed);
  }
  if (!stage.ok || problems.length > 0) return { ok: false, problems: inOrder(problems) };
  const name = fileName.replace(/\.xlsim\.t(xt)?$/, '');
  return {
    ok: true,
    value: { ...stage.value, name, stage: { ...stage.value.stage, costs: defaultCosts, steps } },
  };
}

function settingHint(word: string): string {
  const meant = didYouMean(word, SETTINGS);
  if (meant !== null && word !== 'hosts') return `did you mean "${meant}"?`;
  return `a transcript sets ${SETTINGS.join(', ')}`;
}

/** Output goes on until the next command; with cram's indentation also until the indentation ends. */
function outputEnd(lines: readonly string[], from: number, indent: string): number {
  let end = from;
  while (end < lines.length) {
    // Empty lines that lost their indentation belong to the output that goes on below them.
    let filled = end;
    while (indent !== '' && lines[filled] === '') filled++;
    if (filled === lines.length || !isOutput(lines[filled]!, indent)) break;
    end = filled + 1;
  }
  return end;
}

function isOutput(line: string, indent: string): boolean {
  if (line.startsWith(`${indent}$ `)) return false;
  return line.startsWith(indent) && (indent !== '' || !line.startsWith('# '));
}

function block(body: readonly string[], from: number, column: number): TranscriptBlock {
  const exit = EXIT_LINE.exec(body[body.length - 1] ?? '');
  const lines = exit === null ? body : body.slice(0, -1);
  return { lines, exit: exit === null ? 0 : Number(exit[1]), from, to: from + body.length, column };
}

const step = (
  line: string,
  argv: readonly string[],
  transcript: TranscriptBlock,
  place: { line: number; column: number },
): Step => ({
  ...place,
  label: line.trim(),
  action: { do: 'run', line, argv },
  times: null,
  at: 0,
  settle: 'idle',
  output: null,
  expect: null,
  transcript,
});

/** What a command printed, in the order a terminal shows it as far as that is known: stdout, then stderr. */
const printed = ({ stdout, stderr }: StepOutcome): string[] => {
  const lines = (stdout + stderr).split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
};

/** Compares what a step printed with the lines below it; a difference is where the first line of it stands. */
export function transcriptMismatches(expected: TranscriptBlock, outcome: StepOutcome): Mismatch[] {
  const got = printed(outcome);
  const { column } = expected;
  const found: Mismatch[] = [];
  const first = firstDifference(expected.lines, got);
  if (first !== null) {
    const show = (lines: readonly string[]): string => (lines.length === 0 ? '(nothing)' : lines.join('\n'));
    // What is printed beyond the last line belongs below it.
    const line = expected.from + Math.min(first, expected.lines.length - 1);
    found.push({ what: 'output', expected: show(expected.lines), got: show(got), line, column });
  }
  if ((outcome.rc ?? 0) !== expected.exit) {
    // Without a line that names the code, what is wrong is that there is none.
    const line = expected.to - 1;
    found.push({ what: 'exit', expected: String(expected.exit), got: String(outcome.rc), line, column });
  }
  return found;
}

/** The number of the first line that is not as expected, counted from 0; null: all are. */
export function firstDifference(expected: readonly string[], got: readonly string[]): number | null {
  const most = Math.max(expected.length, got.length);
  for (let i = 0; i < most; i++) {
    const [wanted, line] = [expected[i], got[i]];
    if (wanted === undefined || line === undefined || !isLine(wanted, line)) return i;
  }
  return null;
}

/** Where a terminal puts what follows a tab. */
const TAB_STOPS = 8;

/** A line as a terminal gives it out again: blanks for tabs, none at its end. */
function asPasted(line: string): string {
  let shown = '';
  for (const [i, part] of line.split('\t').entries()) {
    if (i > 0) shown += ' '.repeat(TAB_STOPS - (shown.length % TAB_STOPS));
    shown += part;
  }
  return shown.trimEnd();
}

/** Whether a line of a recorded session stands for what was printed. */
export function isLine(expected: string, line: string): boolean {
  return isSame(expected, line) || isSame(asPasted(expected), asPasted(line));
}

function isSame(expected: string, line: string): boolean {
  if (expected === line) return true;
  const read = markedRegex(expected);
  return read?.ok === true && matchesRegex(read.regex, line);
}

/** What a line says that stands for others, as a regular expression; null: it stands for itself only. */
function markedRegex(line: string): ReadRegex | null {
  const marked = /^(.*) \((re|glob)\)$/.exec(line);
  if (marked === null) return null;
  const text = marked[1]!;
  if (marked[2] === 're') return readRegex(`^(?:${text})$`);
  const escaped = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return readRegex(`^${escaped}$`);
}

/** Lines of an output that are regular expressions of a kind that is not taken. What is none stands for itself. */
function refusedLines({ lines, from, column }: TranscriptBlock): Problem[] {
  return lines.flatMap((line, i) => {
    const read = markedRegex(line);
    return read === null || read.ok || read.isNone ? [] : [{ line: from + i, column, message: read.why }];
  });
}

/** A transcript's text with the outputs of its steps replaced by what they printed this time. */
export function updatedTranscript(
  text: string,
  outputs: readonly { readonly block: TranscriptBlock; readonly outcome: StepOutcome }[],
): string {
  const lines = text.replace(/\n$/, '').split('\n');
  for (const { block: old, outcome } of [...outputs].reverse()) {
    const indent = /^( *)\$/.exec(lines[old.from - 2] ?? '')?.[1] ?? '';
    const fresh = printed(outcome).map((line, i) => {
      const before = old.lines[i];
      return indent + (before !== undefined && isLine(before, line) ? before : line);
    });
    if ((outcome.rc ?? 0) !== 0) fresh.push(`${indent}[${outcome.rc}]`);
    lines.splice(old.from - 1, old.to - old.from, ...fresh);
  }
  return `${lines.join('\n')}\n`;
}
