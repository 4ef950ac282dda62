import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHost, openHost, restoreSnapshot, takeSnapshot } from '../../src/cli/state-dir.ts';
import { StateError } from '../../src/cli/state-error.ts';
import { appendChange, readHistory, readHost, type StoredHost } from '../../src/cli/state-store.ts';
import { nodeStoreFs as fs } from '../../src/cli/store-fs.ts';

const withDir = <T>(body: (dir: string) => T): T => {
  const dir = mkdtempSync(join(tmpdir(), 'xlsim-store-'));
  try {
    return body(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

const cellsOf = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));

/** A host with three acknowledged changes behind it. */
function threeChanges(dir: string): StoredHost {
  let host = createHost(fs, dir, 'h', cellsOf({ a: '1', b: '"x"' }), false);
  host = appendChange(fs, host, cellsOf({ a: '2', b: '"x"' }), ['xl one']);
  host = appendChange(fs, host, cellsOf({ a: '2', c: '[1,2]' }), ['xl two']);
  return appendChange(fs, host, cellsOf({ a: '3', c: '[1,2]', 'k\t"\n': 'null' }), ['xl three']);
}

describe('appendChange', () => {
  it('is found again by the next reader, with the history', () =>
    withDir((dir) => {
      const written = threeChanges(dir);
      const read = openHost(fs, dir, 'h');
      expect(Object.fromEntries(read.cells)).toEqual({ a: '3', c: '[1,2]', 'k\t"\n': 'null' });
      expect(read.seq).toBe(3);
      expect(readHistory(fs, read)).toEqual(['xl one', 'xl two', 'xl three']);
      expect(read.journalUsed).toBe(written.journalUsed);
    }));

  it('makes a new image when the journal is full, and loses nothing', () =>
    withDir((dir) => {
      let host = createHost(fs, dir, 'h', cellsOf({ n: '0' }), false);
      const big = JSON.stringify('y'.repeat(30_000));
      for (let i = 1; i <= 40; i++) {
        host = appendChange(fs, host, cellsOf({ n: String(i), big: JSON.stringify(big + i) }), [`xl ${i}`]);
        const read = openHost(fs, dir, 'h');
        expect(read.cells.get('n')).toBe(String(i));
        expect(read.cells.get('big')).toBe(JSON.stringify(big + i));
      }
      expect(host.header.epoch).toBeGreaterThan(3);
      expect(readHistory(fs, openHost(fs, dir, 'h'))).toEqual(
        Array.from({ length: 40 }, (_, i) => `xl ${i + 1}`),
      );
      expect(readdirSync(join(dir, 'hosts', 'h')).sort()).toEqual([
        'history-1',
        `journal-${host.header.epoch}`,
        'state',
      ]);
    }));
});

describe('readHost', () => {
  it('refuses or reads rightly whatever byte of whatever file is changed', () =>
    withDir((dir) => {
      const before = threeChanges(dir);
      const home = join(dir, 'hosts', 'h');
      const right = JSON.stringify([...before.cells]);
      for (const file of ['state', 'journal-1']) {
        const path = join(home, file);
        const good = readFileSync(path);
        // Beyond the records the journal is all zeros: a few places there stand for all.
        const places = Array.from({ length: Math.min(good.length, 2100) }, (_, i) => i);
        for (const at of [...places, good.length - 1]) {
          for (const flip of [2 ** (at % 8), 0xff]) {
            const bad = Buffer.from(good);
            bad.writeUInt8((good[at] ?? 0) ^ flip, at);
            writeFileSync(path, bad);
            let cells: string | null = null;
            try {
              cells = JSON.stringify([...readHost(fs, home, 0).cells]);
            } catch (error) {
              expect(error).toBeInstanceOf(StateError);
            }
            if (cells !== null) expect(cells, `${file} byte ${at} ^ ${flip}`).toBe(right);
          }
        }
        writeFileSync(path, good);
      }
      expect(JSON.stringify([...readHost(fs, home).cells])).toBe(right);
    }));

  it('refuses every file that was cut short', () =>
    withDir((dir) => {
      threeChanges(dir);
      const home = join(dir, 'hosts', 'h');
      for (const file of ['state', 'journal-1']) {
        const path = join(home, file);
        const good = readFileSync(path);
        const size = statSync(path).size;
        const lengths = Array.from({ length: 60 }, (_, i) => Math.floor((i * size) / 60));
        for (const length of [...lengths, 511, 512, 513, 1024, 1536, size - 1].filter((n) => n < size)) {
          truncateSync(path, length);
          expect(() => readHost(fs, home, 0), `${file} cut to ${length}`).toThrow(StateError);
          writeFileSync(path, good);
        }
      }
    }));

  it('drops a record of which a sector never reached the disk, and writes over it', () =>
    withDir((dir) => {
      const two = threeChanges(dir);
      const home = join(dir, 'hosts', 'h');
      const big = cellsOf({ a: JSON.stringify('z'.repeat(3000)) });
      appendChange(fs, two, big, ['xl lost']);
      const path = join(home, 'journal-1');
      const data = readFileSync(path);
      for (const sector of [0, 1, 3, 5]) {
        const torn = Buffer.from(data);
        torn.fill(0, two.journalUsed + sector * 512, two.journalUsed + (sector + 1) * 512);
        writeFileSync(path, torn);
        const read = readHost(fs, home);
        expect([...read.cells]).toEqual([...two.cells]);
        expect(read.torn).toBe(true);
      }
      const again = appendChange(fs, readHost(fs, home), cellsOf({ a: '9' }), ['xl four']);
      expect(again.header.epoch).toBe(2);
      expect(readHistory(fs, readHost(fs, home))).toEqual(['xl one', 'xl two', 'xl three', 'xl four']);
    }));

  it('refuses a format from the future by its number', () =>
    withDir((dir) => {
      threeChanges(dir);
      const path = join(dir, 'hosts', 'h', 'state');
      const text = readFileSync(path, 'latin1').replace('xlsim-state 1', 'xlsim-state 2');
      const head = text.slice(0, text.indexOf('\n') - 9);
      const crc = (process.getBuiltinModule('node:zlib').crc32(head) >>> 0).toString(16).padStart(8, '0');
      writeFileSync(path, `${head} ${crc}${text.slice(text.indexOf('\n'))}`, 'latin1');
      expect(() => readHost(fs, join(dir, 'hosts', 'h'))).toThrow(/newer xlsim \(state format 2/);
    }));
});

describe('a failing file system', () => {
  const calls = ['writeSync', 'fdatasyncSync', 'fsyncSync', 'openSync', 'renameSync'] as const;

  it('leaves the host as it was, whichever call fails', () =>
    withDir((dir) => {
      let host = threeChanges(dir);
      const home = join(dir, 'hosts', 'h');
      for (const big of [10, 400_000]) {
        for (const call of calls) {
          for (let nth = 0; nth < 12; nth++) {
            let seen = 0;
            let failed = false;
            const faulty = {
              ...fs,
              [call]: (...args: unknown[]) => {
                if (seen++ === nth) {
                  failed = true;
                  throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
                    code: 'ENOSPC',
                    syscall: 'write',
                  });
                }
                return (fs[call] as (...a: unknown[]) => unknown)(...args);
              },
            };
            const wanted = new Map(host.cells).set('big', JSON.stringify(`${call}${nth}`.padEnd(big, '.')));
            try {
              host = appendChange(faulty, host, wanted, ['xl grow']);
            } catch (error) {
              expect(failed).toBe(true);
              expect(error).toBeInstanceOf(StateError);
            }
            const read = readHost(fs, home);
            const survived = read.cells.get('big') === wanted.get('big');
            // The one call after which the image is already in place is the last sync of the directory.
            if (!survived) expect([...read.cells]).toEqual([...host.cells]);
            host = read;
            if (!failed) break;
          }
        }
      }
    }));
});

describe('snapshots', () => {
  it('bring back the cells and the history of their moment, again and again', () =>
    withDir((dir) => {
      let host = threeChanges(dir);
      takeSnapshot(fs, host, 's', false);
      const kept = [...host.cells];
      for (let round = 0; round < 3; round++) {
        host = appendChange(fs, host, cellsOf({ gone: String(round) }), [`xl later ${round}`]);
        host = restoreSnapshot(fs, openHost(fs, dir, 'h'), 's');
        const read = openHost(fs, dir, 'h');
        expect([...read.cells]).toEqual(kept);
        expect(readHistory(fs, read)).toEqual(['xl one', 'xl two', 'xl three']);
      }
    }));
});

describe('any sequence of changes', () => {
  it('reads back as the last one', () =>
    withDir((dir) => {
      const state = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 300 }), { maxKeys: 6 });
      let n = 0;
      fc.assert(
        fc.property(fc.array(state, { minLength: 1, maxLength: 8 }), (states) => {
          const name = `p${n++}`;
          let host = createHost(fs, dir, name, new Map(), false);
          for (const s of states) {
            const cells = new Map(Object.entries(s).map(([k, v]) => [k, JSON.stringify(v)]));
            host = appendChange(fs, host, cells, []);
            const read = openHost(fs, dir, name);
            expect(Object.fromEntries(read.cells)).toEqual(Object.fromEntries(cells));
          }
        }),
        { numRuns: 40, seed: 20260101 },
      );
    }));
});

/** The process died: nothing it would have done afterwards happens, cleaning up included. */
class Death extends Error {}

/** A file system whose `nth` changing call is the last thing that happens, half done if it is a write. */
function dyingFs(nth: number): { readonly fs: typeof fs; readonly died: () => boolean } {
  let left = nth;
  const dying = <A extends unknown[], R>(call: (...args: A) => R, half?: (...args: A) => void) => {
    return (...args: A): R => {
      if (left === 0 && half !== undefined) half(...args);
      if (left-- <= 0) throw new Death();
      return call(...args);
    };
  };
  const halfWrite = (fd: number, data: unknown, from: unknown, length: unknown, at: unknown): void => {
    if (data instanceof Uint8Array && typeof at === 'number') {
      // Whole sectors, as a disk does it.
      const bytes = Math.floor(Number(length) / 2 / 512) * 512;
      fs.writeSync(fd, data, Number(from), bytes, at);
    }
  };
  const wrapped = { ...fs };
  for (const name of [
    'openSync',
    'fdatasyncSync',
    'fsyncSync',
    'renameSync',
    'unlinkSync',
    'mkdirSync',
    'rmSync',
  ] as const) {
    Object.assign(wrapped, { [name]: dying(fs[name] as (...args: unknown[]) => unknown) });
  }
  Object.assign(wrapped, {
    writeSync: dying(
      fs.writeSync as (...args: unknown[]) => number,
      halfWrite as (...args: unknown[]) => void,
    ),
  });
  return { fs: wrapped, died: () => left < 0 };
}

describe('a process that dies', () => {
  const steps: readonly (readonly [string, (f: typeof fs, host: StoredHost, round: number) => void])[] = [
    [
      'while it appends',
      (f, host, round) => void appendChange(f, host, cellsOf({ a: `"${round}"` }), ['xl small']),
    ],
    [
      'while it writes an image',
      (f, host, round) =>
        void appendChange(f, host, cellsOf({ a: `"${'b'.repeat(300_000)}${round}"` }), ['xl big']),
    ],
    ['while it takes a snapshot again', (f, host) => takeSnapshot(f, host, 's', true)],
    ['while it restores a snapshot', (f, host) => void restoreSnapshot(f, host, 's')],
  ];

  for (const [when, step] of steps) {
    it(`leaves the host as before or as after ${when}, whichever call was its last`, () =>
      withDir((dir) => {
        const made = threeChanges(dir);
        takeSnapshot(fs, made, 's', false);
        const snapshot = [...made.cells];
        appendChange(fs, made, cellsOf({ later: '1' }), ['xl later']);
        let deaths = 0;
        for (let nth = 0; nth < 60; nth++) {
          const host = openHost(fs, dir, 'h');
          const linesBefore = readHistory(fs, host);
          const dying = dyingFs(nth);
          try {
            step(dying.fs, host, nth);
          } catch (error) {
            if (!(error instanceof Death)) throw error;
          }
          const read = openHost(fs, dir, 'h');
          const asBefore = JSON.stringify([...read.cells]) === JSON.stringify([...host.cells]);
          const lines = readHistory(fs, read);
          if (asBefore) expect(lines).toEqual(linesBefore);
          else expect(read.seq).not.toBe(host.seq);
          // The next command finds a host it can go on with, and the snapshot is whole or as it was.
          const next = appendChange(fs, read, new Map(read.cells).set('next', String(nth)), ['xl next']);
          expect(openHost(fs, dir, 'h').cells.get('next')).toBe(String(nth));
          expect(next.seq).toBe(read.seq + 1);
          const back = restoreSnapshot(fs, openHost(fs, dir, 'h'), 's');
          if (!when.includes('takes')) expect([...back.cells]).toEqual(snapshot);
          if (!dying.died()) break;
          deaths += 1;
        }
        expect(deaths).toBeGreaterThan(1);
        expect(deaths).toBeLessThan(59);
      }));
  }
});
