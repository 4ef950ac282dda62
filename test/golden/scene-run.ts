/** Runs `xl` on the base scene of the recorded builds, for tests of flows. */
import { readFileSync } from 'node:fs';
import { flows } from '../../src/toolstack/flows.ts';
import { newTask, type Task } from '../../src/toolstack/task.ts';
import { defaultXlEnv } from '../../src/toolstack/xl-env.ts';
import { runOnScene, type SceneRun } from './scene.ts';
import { parseScene } from './scene-file.ts';
import { openScene, type SceneOptions, type SceneState } from './scene-state.ts';

const baseScene = readFileSync('test/golden/data/build/scenes/base.scene', 'latin1');

/** A run and what it left behind. */
export interface XlRun extends SceneRun {
  readonly state: SceneState;
}

/** Runs `xl ARGV…`; `files` are texts by path, xl.conf included; `host` replaces keys of the scene. */
export function xl(
  argv: readonly string[],
  files: Readonly<Record<string, string>>,
  more: {
    readonly host?: Readonly<Record<string, string>>;
    readonly options?: SceneOptions;
    readonly profile?: string;
    readonly between?: (task: Task) => Task;
  } = {},
): XlRun {
  const scene = parseScene(baseScene);
  const state = openScene(
    { ...scene, host: { ...scene.host, ...more.host } },
    { readFile: (path) => files[path] ?? -2, ...more.options },
  );
  const env = { ...defaultXlEnv, profile: more.profile ?? '4.17' };
  const run = runOnScene(flows, newTask('xl', 'main', { argv, env }), state, more.between);
  return { ...run, state };
}

/** Configs of one small guest of each type. */
export const CONFIGS: Readonly<Record<'pv' | 'pvh' | 'hvm', string>> = {
  pv: 'name="g"\ntype="pv"\nkernel="/boot/pv.elf"\nmemory=64\n',
  pvh: 'name="g"\ntype="pvh"\nkernel="/boot/pvh.elf"\nmemory=1030\n',
  hvm: 'name="g"\ntype="hvm"\nmemory=32\nmaxmem=64\n',
};
