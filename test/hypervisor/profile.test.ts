import { describe, expect, it } from 'vitest';
import { xenProfile } from '../../src/hypervisor/profile.ts';
import { TestHost } from './test-host.ts';

const profile = (name: string) => {
  const result = xenProfile(name);
  if (!result.ok) throw new Error(result.message);
  return result.profile;
};

describe('Xen profiles', () => {
  it('take a name without point release for .0', () => {
    expect(profile('4.19')).toMatchObject({ minor: 19, point: 0, claimRules: { consumeAt: 'assign' } });
    expect(profile('4.19.5')).toMatchObject({ point: 5, claimRules: { consumeAt: 'alloc' } });
  });

  it('carry the backported fixes from 4.19.5, 4.20.3 and 4.21.1 on', () => {
    for (const name of ['4.19.5', '4.20.3', '4.21.1', '4.22']) {
      expect(profile(name).claimRules).toMatchObject({
        consumeAt: 'alloc',
        refuseDying: true,
        freeReplenishes: false,
      });
    }
    for (const name of ['4.19.4', '4.20.2', '4.21']) {
      expect(profile(name).claimRules).toMatchObject({ consumeAt: 'assign', refuseDying: false });
    }
  });

  it('select claim_mode, freemem and what an HVM claim names', () => {
    expect(profile('4.3')).toMatchObject({ claimModeDefault: 0, hvmClaim: 'additional', freemem: 'slack' });
    expect(profile('4.4')).toMatchObject({ claimModeDefault: 1, hvmClaim: 'total' });
    expect([profile('4.5'), profile('4.6'), profile('4.16'), profile('4.17')].map((p) => p.freemem)).toEqual([
      'slack',
      'retries',
      'retries',
      'credit',
    ]);
  });

  it('refuse what is no release with the list, and claim sets with the reason', () => {
    expect(xenProfile('4.2')).toMatchObject({ ok: false, message: expect.stringContaining('4.3 to 4.3.4') });
    expect(xenProfile('4.22.1').ok).toBe(false);
    expect(xenProfile('claims-v7')).toMatchObject({
      ok: false,
      message: expect.stringContaining('not in any release'),
    });
  });
});

describe('giving pages back while a claim is outstanding', () => {
  const outstandingAfter = (xen: string): readonly number[] => {
    const host = new TestHost({ xen });
    const a = host.create();
    host.claim(a, 3000);
    host.populate(a, 0, 1000, 0);
    const built = host.info(a).outstandingPages;
    host.decrease(a, 0, 100);
    return [built, host.info(a).outstandingPages];
  };

  it('raises the claim again up to 4.20', () => {
    for (const xen of ['4.3', '4.13', '4.20.2']) expect(outstandingAfter(xen)).toEqual([2000, 2100]);
  });

  it('leaves the claim alone from 4.21 on, and in the backports', () => {
    for (const xen of ['4.19.5', '4.20.3', '4.21', '4.22'])
      expect(outstandingAfter(xen)).toEqual([2000, 2000]);
  });
});

describe('a refused assignment', () => {
  const outstandingAfter = (xen: string): number => {
    const host = new TestHost({ xen });
    const a = host.create('pvh', 4000);
    host.claim(a, 3000);
    host.maxMem(a, 100);
    expect(host.populate(a, 0, 1, 9)).toBe(0);
    return host.info(a).outstandingPages;
  };

  it('costs the claim where it is consumed with the allocation', () => {
    expect(outstandingAfter('4.22')).toBe(3000 - 512);
    expect(outstandingAfter('4.21')).toBe(3000);
  });
});
