import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initDom0 } from '../../src/explorer/init-dom0.ts';
import { canLook, runLook } from '../../src/explorer/look.ts';
import { saveLook } from '../../src/explorer/look-save.ts';
import { runCommand, type Settle } from '../../src/explorer/run.ts';
import { type LoadedCells, parsedCells, type SavedCells } from '../../src/explorer/saved-cells.ts';
import { newWorld, type World } from '../../src/explorer/world.ts';
import { loadWorld, saveWorld } from '../../src/explorer/world-save.ts';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import { xlLookFlows } from '../../src/toolstack/xl-look-flows.ts';

const DOM0 = 65536;

function bootedWorld(): World {
  const config = {
    memoryPages: 262144,
    nodes: 2,
    nodeMemoryPages: [131072, 131072],
    cpus: 4,
    dom0Pages: DOM0,
    xen: '4.22',
  } as const;
  const world = newWorld(bootHost({ ...config, bootscrub: 'idle' }), {
    seed: 7,
    xlConf: '',
    missingFiles: [],
  });
  initDom0(world, DOM0);
  return world;
}

const guest = (extra: string): string => `type="pvh"\nmemory=32\nkernel="/boot/vmlinuz"\n${extra}`;
const FILES: Readonly<Record<string, string>> = {
  '/plain.cfg': guest('name="a"\n'),
  '/pod.cfg': guest('name="b"\nmaxmem=64\nvcpus=2\n'),
};
const outside = { readFile: (path: string) => FILES[path] ?? -2, absolute: (path: string) => path };

interface Said {
  readonly text: string;
  readonly rc: number;
}

function run(world: World, line: string, settle: Settle = 'idle'): Said {
  let text = '';
  const write = (stream: string, chunk: string): void => {
    text += `${stream}:${chunk}`;
  };
  const end = runCommand(world, outside, { write }, line.split(' '), settle);
  return { text, rc: end.rc };
}

const texts = (cells: SavedCells): Map<string, string> =>
  new Map([...cells].map(([key, { plain }]) => [key, JSON.stringify(plain())]));

/** What can be compared as text: the heap may hold the same memory as other runs after loading. */
const comparable = (world: World): Map<string, string> => {
  const cells = saveWorld(world);
  saveLook(cells, world, 'test');
  return new Map([...texts(cells)].filter(([key]) => !/^xen\/heap\/(domains|free|xen|dirty)/.test(key)));
};

function saved(world: World): LoadedCells {
  const cells = saveWorld(world);
  saveLook(cells, world, 'test');
  return parsedCells(texts(cells));
}

const CHANGES = [
  'create /plain.cfg',
  'create -p /pod.cfg',
  'create /plain.cfg name="c"',
  'mem-set a 16',
  'mem-max b 100',
  'rename a z',
  'pause b',
  'unpause b',
  'shutdown a',
  'reboot b',
  'destroy a',
  'destroy c',
  'save b /b.save',
  'restore /b.save',
  'vcpu-set b 1',
];
const LOOKS = [
  'list',
  'list a',
  'list 0 nobody',
  'vm-list',
  'claims',
  'info',
  'domid b',
  'domname 1',
  'uptime',
  'sharing',
];

const changes = fc.array(fc.tuple(fc.constantFrom(...CHANGES), fc.constantFrom<Settle>('idle', 'none')), {
  maxLength: 8,
});

describe('loadWorld', () => {
  it('gives back the world that was saved, after whatever was run on it', () => {
    fc.assert(
      fc.property(changes, (lines) => {
        const world = bootedWorld();
        for (const [line, settle] of lines) run(world, line, settle);
        const again = loadWorld(saved(world));
        expect(comparable(again)).toEqual(comparable(world));
        // And it goes on as the other does.
        for (const line of ['create /plain.cfg', 'list', 'destroy b']) {
          expect(run(again, line)).toEqual(run(world, line));
        }
        expect(comparable(again)).toEqual(comparable(world));
      }),
      {
        numRuns: 60,
        examples: [
          // A page table cut alone out of a run of free pages, which the saved heap holds in other pieces.
          [
            [
              ['create -p /pod.cfg', 'idle'],
              ['mem-max b 100', 'idle'],
              ['unpause b', 'idle'],
              ['create /plain.cfg', 'idle'],
              ['rename a z', 'idle'],
            ],
          ],
        ],
      },
    );
  });

  it('says which value is missing', () => {
    const cells = texts(saveWorld(bootedWorld()));
    cells.delete('clock');
    expect(() => loadWorld(parsedCells(cells))).toThrow('clock is missing');
  });
});

describe('runLook', () => {
  it('prints what the loaded host prints, or leaves it to that', () => {
    let looked = 0;
    fc.assert(
      fc.property(changes, fc.constantFrom(...LOOKS), (lines, look) => {
        const world = bootedWorld();
        for (const [line, settle] of lines) run(world, line, settle);
        const cells = saved(world);
        expect(canLook(cells, 'test')).toBe(true);
        const end = runLook(xlLookFlows, cells, look.split(' '), null);
        if (end === null) return;
        looked += 1;
        const text = end.chunks.map((chunk) => `${chunk.stream}:${chunk.text}`).join('');
        expect({ text, rc: end.rc }).toEqual(run(loadWorld(cells), look, 'none'));
      }),
      { numRuns: 100 },
    );
    expect(looked).toBeGreaterThan(30);
  });

  it('leaves the host alone that another version saved, or that has moved on since', () => {
    const world = bootedWorld();
    const cells = saveWorld(world);
    saveLook(cells, world, 'test');
    expect(canLook(parsedCells(texts(cells)), 'another')).toBe(false);
    const later = texts(cells);
    later.set('clock', JSON.stringify({ ...JSON.parse(later.get('clock') ?? '{}'), now: 1 + world.now }));
    expect(canLook(parsedCells(later), 'test')).toBe(false);
  });
});
