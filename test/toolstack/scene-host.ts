/** A small pretended host for tests of commands: two guests on four cpus and two nodes. */
import { flows } from '../../src/toolstack/flows.ts';
import { newTask } from '../../src/toolstack/task.ts';
import { defaultXlEnv } from '../../src/toolstack/xl-env.ts';
import { runOnScene, type SceneRun } from '../golden/scene.ts';
import { parseScene } from '../golden/scene-file.ts';
import { openScene, type SceneOptions } from '../golden/scene-state.ts';

const HOST = `host nr_cpus=4
host nr_nodes=2
host threads_per_core=1
host cores_per_socket=2
host total_pages=1048576
host free_pages=524288
host outstanding_pages=256
host node0_size=2147483648
host node0_free=1073741824
host node1_size=2147483648
host node1_free=1073741824
dom id=0 tot=262144 max=262144 cpu_time=250000000 online=4 maxvcpu=3 flags=running uuid=00000000-0000-0000-0000-000000000000
dom id=5 tot=25600 max=25856 outstanding=256 shr=512 online=2 maxvcpu=3 flags=hvm,hap,paused uuid=00000000-0000-4000-8000-000000000005
dom id=9 tot=2 max=25856 online=1 maxvcpu=0 shutdown=3 uuid=00000000-0000-4000-8000-000000000009
xs /local/domain/0/name Domain-0
xs /local/domain/5/name guest
xs /local/domain/5/vm /vm/00000000-0000-4000-8000-000000000005
xs /vm/00000000-0000-4000-8000-000000000005/start_time 1767402122.00
xs /local/domain/9/name 42
xs /local/pool/0/name Pool-0
`;

/** Runs `xl WORDS…` there. `extra` are more lines of the scene. */
export function xl(
  words: readonly string[],
  options: SceneOptions & { readonly extra?: string } = {},
): SceneRun {
  const state = openScene(parseScene(HOST + (options.extra ?? '')), options);
  return runOnScene(flows, newTask('xl', 'main', { argv: words, env: defaultXlEnv }), state);
}
