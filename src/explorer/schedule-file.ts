/**
 * A schedule as a file: which order was taken through the parallel block of which scenario, so that it can be taken
 * again. JSON, versioned; the choices are run-length coded and carry names, for people.
 */
import * as v from 'valibot';
import { parseYaml, type YamlTree } from './scenario-yaml.ts';
import { checkAgainst } from './schema-reading.ts';
import { choicesSchema, MAX_CHOICES } from './turn-order.ts';

/** The schema's name, with its version. */
export const SCHEDULE_SCHEMA = 'xlsim/schedule/1';

/** Mistakes told of one file: a program wrote it, or somebody changed a little of it. */
const MAX_TOLD = 3;

const whole = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be 0 or more'));
const orNull = v.nullable(v.string());

const fileSchema = v.strictObject({
  schema: v.literal(SCHEDULE_SCHEMA),
  /** Of the xlsim that wrote it. */
  version: v.string(),
  scenario: v.strictObject({ file: v.string(), sha256: v.string() }),
  /** The twin that was explored; null: the scenario itself. */
  twin: orNull,
  /** Which parallel block, counted from 0. */
  block: whole,
  /** What one choice is. */
  grain: v.string(),
  /** The remedy that was in force; null: the scenario as it is. */
  remedy: orNull,
  /** What states told of memory where it was found: which frame is whose, or only how many. */
  ownership: v.optional(v.picklist(['class', 'exact'])),
  /** What this order ends in. */
  verdict: v.string(),
  choices: choicesSchema,
});

/** See the file's header. */
export type ScheduleFile = v.InferOutput<typeof fileSchema>;

export type ReadSchedule =
  | { readonly ok: true; readonly schedule: ScheduleFile }
  | { readonly ok: false; readonly message: string };

/** The file's text. */
export const scheduleText = (schedule: ScheduleFile): string => {
  const { choices, ...head } = schedule;
  const fields = Object.entries(head).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`,
  );
  const runs = choices.map((run) => `    ${JSON.stringify(run)}`);
  return `{\n${fields.join('\n')}\n  "choices": [\n${runs.join(',\n')}\n  ]\n}\n`;
};

/** Reads a schedule's text; a sentence about what is wrong with it. */
export function readSchedule(text: string): ReadSchedule {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return { ok: false, message: 'is no schedule: it is not JSON' };
  }
  const schema = (data as { schema?: unknown } | null)?.schema;
  if (schema !== SCHEDULE_SCHEMA) {
    const has = typeof schema === 'string' ? `its schema is ${JSON.stringify(schema)}` : 'it names no schema';
    return { ok: false, message: `is no schedule that this version reads: ${has}, not "${SCHEDULE_SCHEMA}"` };
  }
  const checked = v.safeParse(fileSchema, data);
  if (!checked.success) return { ok: false, message: `is no valid schedule: ${mistakes(text, data)}` };
  const total = checked.output.choices.reduce((sum, { times }) => sum + times, 0);
  if (total > MAX_CHOICES) return { ok: false, message: `holds ${total} choices; ${MAX_CHOICES} at most` };
  return { ok: true, schedule: checked.output };
}

/** What is wrong with it, in the words in which scenarios are told, and where. JSON is YAML, whose reader knows the places. */
function mistakes(text: string, data: unknown): string {
  const read = parseYaml(text);
  const nowhere = { line: 0, column: 0 };
  const tree: YamlTree = read.ok
    ? read.value
    : { data, duplicates: [], placeOf: () => nowhere, keyPlaceOf: () => nowhere };
  const checked = checkAgainst(fileSchema, tree);
  const told = (checked.ok ? [] : checked.problems).map(({ line, column, message }) =>
    line === 0 ? message : `${line}:${column}: ${message}`,
  );
  const more = told.length > MAX_TOLD ? `; and ${told.length - MAX_TOLD} more` : '';
  return told.slice(0, MAX_TOLD).join('; ') + more;
}

/** What keeps a schedule from being run on a scenario, each in a sentence; none: it fits. */
export function scheduleMismatch(
  schedule: ScheduleFile,
  here: { readonly version: string; readonly sha256: string; readonly file: string },
): string[] {
  const found: string[] = [];
  if (schedule.version !== here.version) {
    found.push(`it was written by xlsim ${schedule.version}, this is ${here.version}`);
  }
  if (schedule.scenario.sha256 !== here.sha256) {
    found.push(
      `it belongs to ${schedule.scenario.file} with SHA-256 ${schedule.scenario.sha256.slice(0, 12)}…, ` +
        `${here.file} has ${here.sha256.slice(0, 12)}…`,
    );
  }
  return found;
}
