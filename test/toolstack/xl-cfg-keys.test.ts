/** The lists of keys, against the readers of xl.cfg and xl.conf. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { XL_CFG_KEYS } from '../../src/toolstack/xl-cfg-keys.ts';
import { XL_CONF_KEYS } from '../../src/toolstack/xl-global-config.ts';

const SOURCES = 'src/toolstack';

/** Words that a reader of settings is called with in these files. */
function keysRead(files: readonly string[]): string[] {
  const text = files.map((name) => readFileSync(`${SOURCES}/${name}`, 'utf8')).join('\n');
  const calls =
    /\b(?:read|get|has|take|string|long|renamed|oneOf|each|list|bounded|defbool)\w*\(\s*(?:\w+(?:\.\w+)?,\s*)?'([a-z][a-z0-9_.]+)'(?:,\s*'([a-z][a-z0-9_.]+)')?/gi;
  return [...text.matchAll(calls)].flatMap(([, key, second]) => [
    key!,
    ...(second === undefined ? [] : [second]),
  ]);
}

describe('keys of xl.cfg', () => {
  it('hold every one that the parser asks for', () => {
    const files = readdirSync(SOURCES).filter((name) => /^xl-parse.*\.ts$/.test(name));
    const said = new Set(['warn', 'quiet']);
    const read = keysRead(files).filter((key) => !said.has(key));
    expect(read.length).toBeGreaterThan(80);
    expect(read.filter((key) => !XL_CFG_KEYS.includes(key))).toEqual([]);
  });

  it('come once each, in order', () => {
    expect([...XL_CFG_KEYS].sort()).toEqual([...new Set(XL_CFG_KEYS)]);
  });
});

describe('keys of xl.conf', () => {
  it('are those that parse_global_config() asks for', () => {
    const read = keysRead(['xl-global-config.ts']).filter((key) => !['xen', 'random'].includes(key));
    expect(read.length).toBeGreaterThan(10);
    expect(read.filter((key) => !XL_CONF_KEYS.includes(key))).toEqual([]);
  });
});
