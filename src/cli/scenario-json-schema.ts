/** The published JSON Schema of scenario files, made of the schema that checks them. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { ACTIONS, scenarioSchema, stepOrLine, stepSchema } from '../explorer/scenario-schema.ts';

type JsonSchema = { [key: string]: unknown };

/** Draft-07. What needs other parts of the file or the host cannot be said in it and is left to `xlsim replay`. */
export function scenarioJsonSchema(): JsonSchema {
  const schema = toJsonSchema(scenarioSchema, {
    target: 'draft-07',
    typeMode: 'input',
    errorMode: 'ignore',
    definitions: { step: stepSchema, stepOrLine },
  }) as JsonSchema;
  const definitions = schema.definitions as { step?: JsonSchema };
  if (definitions.step !== undefined) definitions.step = { ...definitions.step, ...oneAction };
  return {
    ...schema,
    $id: 'https://xlsim.invalid/scenario.schema.json',
    title: 'xlsim scenario',
  };
}

/** A step does one thing, or only expects. */
const oneAction: JsonSchema = {
  oneOf: [
    ...ACTIONS.map((action) => ({ required: [action] })),
    { required: ['expect'], not: { anyOf: ACTIONS.map((action) => ({ required: [action] })) } },
  ],
};
