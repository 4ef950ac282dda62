import { describe, expect, it } from 'vitest';
import { modelHost } from './model-host.ts';

const GUESTS = {
  pvh: 'name="g"\ntype="pvh"\nkernel="/k"\nmemory=64\n',
  hvm: 'name="g"\ntype="hvm"\nmemory=64\n',
  pv: 'name="g"\ntype="pv"\nkernel="/k"\nmemory=64\n',
};

describe('libxl_domain_destroy', () => {
  it.each(Object.entries(GUESTS))(
    'leaves nothing of a %s guest in xenstore but the kinds of backends',
    (_type, cfg) => {
      const host = modelHost();
      const life = (): string => {
        expect(host.xl(['create', 'cfg'], cfg).rc).toBe(0);
        expect(host.xl(['destroy', 'g']).rc).toBe(0);
        return JSON.stringify(host.world.store.root);
      };
      // The first guest leaves the empty directories of its kinds; no later one adds to them.
      const after = life();
      expect(after).toContain('"console"');
      expect(life()).toBe(after);
      expect(life()).toBe(after);
    },
  );
});
