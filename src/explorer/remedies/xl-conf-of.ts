/** Stages with other settings of xl.conf, for the remedies that are settings of xl's. */
import { xlConfText } from '../guest-cfg.ts';
import type { Stage, Step } from '../scenario.ts';

type Settings = Readonly<Record<string, string | number>>;

/** The stage with `settings` in xl.conf, from the beginning and whatever its steps say about the same keys. */
export function withXlConf(stage: Stage, settings: Settings): Stage {
  return { ...stage, xlConf: replaced(stage.xlConf, settings), steps: stepsWith(stage.steps, settings) };
}

/** The text without lines that set one of the keys, and with the new ones at its end. */
function replaced(text: string, settings: Settings): string {
  const keys = Object.keys(settings);
  const kept = text
    .split('\n')
    .filter((line) => !keys.some((key) => new RegExp(`^\\s*${key}\\s*=`).test(line)));
  const before = kept.join('\n').trimEnd();
  return `${before === '' ? '' : `${before}\n`}${xlConfText(settings)}`;
}

function stepsWith(steps: readonly Step[], settings: Settings): Step[] {
  return steps.map((step): Step => {
    const { action } = step;
    if (action.do === 'parallel' || action.do === 'repeat') {
      return { ...step, action: { ...action, steps: stepsWith(action.steps, settings) } };
    }
    if (action.do !== 'set' || action.conditions.xlconf === undefined) return step;
    const xlconf = replaced(xlConfText(action.conditions.xlconf), settings);
    return { ...step, action: { ...action, conditions: { ...action.conditions, xlconf } } };
  });
}
