/** The published JSON Schema of what `xlsim explore --json` prints, made of the schema that types it. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { exploreSchema } from '../explorer/explore-record.ts';

/** Draft-07. */
export const exploreJsonSchema = (): object => ({
  title: 'What xlsim explore --json prints',
  ...toJsonSchema(exploreSchema, { target: 'draft-07', errorMode: 'ignore' }),
});
