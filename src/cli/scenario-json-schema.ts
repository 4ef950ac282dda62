/** The published JSON Schema of scenario files, made of the schema that checks them. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { ACTIONS, scenarioSchema, stepOrLine, stepSchema } from '../explorer/scenario-schema.ts';

type JsonSchema = { [key: string]: unknown };

/** Draft-07. What needs other parts of the file or the host cannot be said in it and is left to `xlsim replay`. */
export function scenarioJsonSchema(): JsonSchema {
  const made = toJsonSchema(scenarioSchema, {
    target: 'draft-07',
    typeMode: 'input',
    errorMode: 'ignore',
    definitions: { step: stepSchema, stepOrLine },
  });
  // Draft-07 knows them as "definitions".
  const { $defs, $schema, ...rest }: JsonSchema = JSON.parse(
    JSON.stringify(made).replaceAll('#/$defs/', '#/definitions/'),
  );
  const { step, ...others } = $defs as { step: JsonSchema };
  const title = 'xlsim scenario';
  return { $schema, title, ...rest, definitions: { step: { ...step, ...oneAction }, ...others } };
}

/** A step does one thing, or only expects. */
const oneAction: JsonSchema = {
  oneOf: [
    ...ACTIONS.map((action) => ({ required: [action] })),
    { required: ['expect'], not: { anyOf: ACTIONS.map((action) => ({ required: [action] })) } },
  ],
};
