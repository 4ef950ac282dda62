/** What is explored: a scenario file, and one of its stages with a remedy on it. */
import { resolve } from 'node:path';
import { didYouMean } from '../explorer/did-you-mean.ts';
import type { Subject } from '../explorer/explore-how.ts';
import { remedyNamed } from '../explorer/remedy-table.ts';
import type { Scenario, Stage } from '../explorer/scenario.ts';
import type { ExploreChoice } from './explore-options.ts';
import { reportHost } from './host-report.ts';
import { paint } from './paint.ts';
import { NO_NAME, readNearby, readScenario } from './scenario-files.ts';
import { renderTables } from './tables.ts';

/** A scenario file as it was read, and the stage that is explored. */
export interface Target {
  readonly path: string;
  readonly file: string;
  readonly hash: string;
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly allowOutside: boolean;
}

/** The target that `path` names, relative to `cwd`; or what is wrong with it, in sentences. */
export function readTarget(
  cwd: string,
  path: string,
  choice: ExploreChoice,
  allowOutside: boolean,
): Target | string {
  if (path === '') return NO_NAME;
  const real = resolve(cwd, path);
  const { hash, scenario, problems } = readScenario(real, { outside: allowOutside, update: false });
  if (scenario === null) {
    return problems.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`).join('\n');
  }
  const base = { path: real, file: path, hash, scenario, allowOutside };
  if (choice.twin === null) return { ...base, stage: scenario.stage };
  const twin = scenario.twins.find(({ name }) => name === choice.twin);
  if (twin !== undefined) return { ...base, stage: twin.stage };
  const names = scenario.twins.map(({ name }) => name);
  const meant = didYouMean(choice.twin, names);
  return `${path} has no twin "${choice.twin}": ${meant === null ? `its twins are ${names.join(', ') || 'none'}` : `did you mean "${meant}"?`}`;
}

/** The target with the remedy of that name in force; null: as it is. */
export function subjectOf(
  { path, scenario, stage, allowOutside }: Target,
  choice: ExploreChoice,
  name: string | null,
): Subject {
  const remedy = name === null ? null : (remedyNamed(name) ?? null);
  const plain = paint(false);
  const folder = resolve(path, '..');
  return {
    stage: remedy?.stage?.(stage) ?? stage,
    limits: scenario.limits,
    around: {
      readFile: (file) => readNearby(folder, file, allowOutside),
      observe: reportHost,
      tables: (world) => renderTables(reportHost(world), plain),
      readOutput: () => null,
      batches: true,
    },
    block: choice.block,
    remedy,
  };
}
