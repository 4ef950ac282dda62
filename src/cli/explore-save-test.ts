/** `xlsim explore --save-test FILE`: the counterexample as a scenario that passes as long as its order still ends so. */
import { readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import type { ExploreReport } from '../explorer/explore-record.ts';
import type { Surroundings } from '../explorer/play.ts';
import { remedyNamed } from '../explorer/remedy-table.ts';
import { cannotPin, pinScenario } from '../explorer/scenario-pin.ts';
import { type Cli, complain } from './cli-state.ts';
import type { ExploreChoice } from './explore-options.ts';
import { writeOne } from './explore-output.ts';
import { subjectOf, type Target } from './explore-target.ts';
import { readNearby } from './scenario-files.ts';
import { visibleLine } from './screen.ts';
import { systemErrorCode } from './store-fs.ts';

/** Why no test can be written to `name`, whatever is found: a sentence, or null. */
export function cannotSaveTest(cli: Cli, target: Target, choice: ExploreChoice, name: string): string | null {
  const path = resolve(cli.cwd, name);
  if (/\.xlsim\.(t|txt)$/.test(path)) {
    return `--save-test writes a scenario, and ${name} would be read as a transcript: call it *.xlsim.yaml`;
  }
  const remedy = choice.remedies[0] ?? null;
  const why = cannotPin(remedy === null ? null : (remedyNamed(remedy) ?? null));
  if (why !== null) return `--save-test: ${why}: --save keeps its orders as schedules`;
  if (target.allowOutside) return null;
  const outside = [...target.stage.guests].find(([, { cfg }]) => {
    const there = cfg === null ? '' : cfgFrom(target, path, cfg);
    return there.startsWith('../') || there.startsWith('/');
  });
  if (outside === undefined) return null;
  const [guest, { cfg }] = outside;
  const folder = dirname(target.file);
  return `--save-test ${name}: ${cfg}, the config of ${guest}, would lie outside of its folder: save it in ${folder}, or use --allow-outside`;
}

/** A config's path from where the test lies. */
const cfgFrom = ({ path }: Target, test: string, cfg: string): string =>
  relative(dirname(test), resolve(dirname(path), cfg))
    .split(sep)
    .join('/');

/** Writes the test, if there is something to pin; false if that cannot be done, which has been said. */
export function saveTest(
  cli: Cli,
  target: Target,
  choice: ExploreChoice,
  { version, results }: ExploreReport,
  name: string,
): boolean {
  const [result] = results;
  const found = result?.counterexample;
  if (result === undefined || found == null || result.not_confirmed !== null) {
    complain(cli, `${name} was not written: there is no counterexample to pin`);
    return true;
  }
  const path = resolve(cli.cwd, name);
  const { around, remedy } = subjectOf(target, choice, result.remedy);
  const pin = {
    twin: choice.twin,
    block: choice.block,
    remedy,
    order: { version, grain: result.walk.grain, choices: found.choices },
    verdict: found.verdict,
    story: found.story,
    cfgPath: (cfg: string) => cfgFrom(target, path, cfg),
  };
  try {
    const text = readFileSync(target.path, 'utf8');
    const pinned = pinScenario(text, basename(target.path), pin, seenFrom(around, path, target));
    if (!pinned.ok) {
      const isElsewhere = dirname(path) !== dirname(target.path);
      const hint = isElsewhere ? ' (files that its steps name are looked for from its own folder)' : '';
      complain(cli, `${name} was not written: ${visibleLine(pinned.message)}${hint}`);
      return false;
    }
    return writeOne(cli, name, pinned.text);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === null) throw error;
    complain(cli, `${name}: cannot be written: ${code}`);
    return false;
  }
}

/** What a scenario at `test` sees around it. */
const seenFrom = (around: Surroundings, test: string, { allowOutside }: Target): Surroundings => ({
  ...around,
  readFile: (file) => readNearby(dirname(test), file, allowOutside),
});
