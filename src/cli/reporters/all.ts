/** Reporters by the name that --reporter takes. */
import { defaultReporter } from './default.ts';
import { dotReporter } from './dot.ts';
import { githubReporter } from './github.ts';
import { blobReporter, jsonReporter } from './json.ts';
import { junitReporter } from './junit.ts';
import type { Reporter } from './reporter.ts';
import { tapReporter } from './tap.ts';

export const REPORTERS: Readonly<Record<string, Reporter>> = {
  default: defaultReporter,
  dot: dotReporter,
  tap: tapReporter,
  junit: junitReporter,
  json: jsonReporter,
  github: githubReporter,
  blob: blobReporter,
};
