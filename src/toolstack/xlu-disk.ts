/**
 * Disk specifications. Models tools/libs/util/libxlu_disk.c and its scanner libxlu_disk_l.l.
 *
 * The longest match wins, the earlier rule on ties; what a rule looks ahead at counts as matched.
 */
import type { DomainConfigDraft } from './domain-config.ts';
import { init } from './libxl-idl.ts';
import { DISK_BACKENDS, DISK_FORMATS, DISK_SPECIFICATIONS, diskType } from './libxl-types-device.ts';
import { atoi } from './strtol.ts';

type Disk = DomainConfigDraft['disks'][number];

/** A spec read: the disk, and the messages of what is wrong (complete lines); any makes xl give up. */
export interface ParsedDisk {
  readonly disk: Disk;
  readonly errors: readonly string[];
}

/** Xen: DiskParseContext. */
interface DiskParse {
  readonly source: string;
  readonly spec: string;
  readonly disk: Disk;
  readonly errors: string[];
  hadDeprPrefix: boolean;
  accessSet: boolean;
  /** A rule has ended the scan. */
  stopped: boolean;
  /** The end of the line last looked at. */
  lineEnd: number;
  /** The comma or equals sign last looked at. */
  fieldEnd: number;
}

/** Simplified: every error repeats the whole spec; beyond so much text this reader stops, real xl does not. */
const MAX_ERROR_TEXT = 2 ** 25;

/** Models xlu__disk_err(). */
function diskErr(parse: DiskParse, message: string, near: string | null): void {
  const where = near === null ? '' : `: near \`${near}'`;
  parse.errors.push(
    `${parse.source}: config parsing error in disk specification: ${message}${where} in \`${parse.spec}'\n`,
  );
  if (parse.errors.length * parse.spec.length > MAX_ERROR_TEXT) parse.stopped = true;
}

type StringField =
  | 'backendDomname'
  | 'vdev'
  | 'script'
  | 'pdevPath'
  | 'coloHost'
  | 'coloExport'
  | 'activeDisk'
  | 'hiddenDisk';

/** Keeps a string unless a non-empty one is there. Models savestring(). */
function saveString(parse: DiskParse, what: string, field: StringField, text: string): void {
  const old = parse.disk[field];
  if (old !== null && old !== '') diskErr(parse, `${what} respecified`, text);
  else parse.disk[field] = text;
}

/** Sets an enumeration unless it holds another value. Models setformat() and its like. */
function saveEnum<F extends 'format' | 'backend' | 'specification'>(
  parse: DiskParse,
  field: F,
  value: Disk[F] | undefined,
  text: string,
  key: string,
): void {
  const old = parse.disk[field];
  if (value === undefined) diskErr(parse, `unknown value for ${key}`, text);
  else if (old !== 'unknown' && old !== value) diskErr(parse, `${field} respecified`, text);
  else parse.disk[field] = value;
}

/** The name itself if it is one of `names`. */
const exactly = <const N extends string>(names: readonly N[], text: string): N | undefined =>
  text === 'unknown' ? undefined : names.find((name) => name === text);

const setFormat = (parse: DiskParse, text: string): void =>
  saveEnum(parse, 'format', text === '' ? 'raw' : exactly(DISK_FORMATS, text), text, 'format');

function setAccess(parse: DiskParse, text: string): void {
  if (text === 'r' || text === 'ro') parse.disk.readwrite = 0;
  else if (text === 'w' || text === 'rw' || text === '') parse.disk.readwrite = 1;
  else diskErr(parse, 'unknown value for access', text);
}

function setColoPort(parse: DiskParse, text: string): void {
  const port = atoi(text);
  if (port === 0) diskErr(parse, 'unknown value for colo_port', text);
  else parse.disk.coloPort = port;
}

/** `vdev:devtype`, split at the last colon; false (and nothing done) without one. Models vdev_and_devtype(). */
function vdevAndDevtype(parse: DiskParse, text: string): boolean {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return false;
  const type = text.slice(colon + 1);
  saveString(parse, 'vdev', 'vdev', text.slice(0, colon));
  if (type === 'cdrom') parse.disk.isCdrom = 1;
  else if (type === 'disk') parse.disk.isCdrom = 0;
  else diskErr(parse, 'unknown deprecated type', type);
  return true;
}

/** A parameter without a name fills the first free slot. */
function positional(parse: DiskParse, text: string): void {
  const { disk } = parse;
  // An earlier error may just lead to more.
  if (parse.errors.length > 0) return;
  if (disk.pdevPath === null) {
    saveString(parse, 'target', 'pdevPath', text);
  } else if (!parse.hadDeprPrefix && disk.format === 'unknown') {
    if (disk.pdevPath === '' && vdevAndDevtype(parse, text)) disk.format = 'empty';
    else setFormat(parse, text);
  } else if (disk.vdev === null) {
    if (!vdevAndDevtype(parse, text)) saveString(parse, 'vdev', 'vdev', text);
  } else if (!parse.accessSet) {
    parse.accessSet = true;
    setAccess(parse, text);
  } else {
    diskErr(parse, 'too many positional parameters', text);
    parse.stopped = true;
  }
}

/** One rule. `act` gets the matched text without a trailing comma, and as it is. */
interface Rule {
  /** Null for the positional parameter, which reaches up to a comma (included) or an equals sign. */
  readonly pattern: RegExp | null;
  /** What its text can begin with; absent for anything. */
  readonly first?: string;
  /** The rule looks ahead to the end of the line, which counts for its length, if anything follows. */
  readonly ahead?: boolean;
  readonly act: (parse: DiskParse, text: string, token: string) => void;
}

/** `name=value,`: `set` gets the value. */
const named = (name: string, set: (parse: DiskParse, value: string) => void): Rule => ({
  pattern: new RegExp(`${name}=[^,]*,?`, 'y'),
  first: name.charAt(0),
  act: (parse, text) => set(parse, text.slice(name.length + 1)),
});

/** `name,`. */
const flag = (name: string, set: (disk: Disk) => void): Rule => ({
  pattern: new RegExp(`${name},?`, 'y'),
  first: name.charAt(0),
  act: (parse) => set(parse.disk),
});

const namedString = (name: string, field: StringField): Rule =>
  named(name, (parse, value) => saveString(parse, name, field, value));

const prefix = (names: string, act: (parse: DiskParse, name: string) => void): Rule => ({
  pattern: new RegExp(`(?:${names}):`, 'y'),
  first: names
    .split('|')
    .map((name) => name.charAt(0))
    .join(''),
  ahead: true,
  act: (parse, text) => {
    parse.hadDeprPrefix = true;
    act(parse, text.slice(0, -1));
  },
});

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The scanner's rules, in its order. */
const RULES: readonly Rule[] = [
  { pattern: /[ \t\n]+(?=[^ \t\n])/y, first: ' \t\n', ahead: true, act: () => undefined },
  named('format', setFormat),
  flag('cdrom', (disk) => {
    disk.isCdrom = 1;
  }),
  flag('devtype=cdrom', (disk) => {
    disk.isCdrom = 1;
  }),
  flag('devtype=disk', (disk) => {
    disk.isCdrom = 0;
  }),
  {
    pattern: /devtype=[^,]*,?/y,
    first: 'd',
    act: (parse, _text, token) => diskErr(parse, 'unknown value for type', token),
  },
  named('access', setAccess),
  namedString('backend', 'backendDomname'),
  named('backendtype', (parse, value) =>
    saveEnum(parse, 'backend', exactly(DISK_BACKENDS, value), value, 'backendtype'),
  ),
  named('specification', (parse, value) =>
    saveEnum(parse, 'specification', exactly(DISK_SPECIFICATIONS, value), value, 'specification'),
  ),
  namedString('vdev', 'vdev'),
  namedString('script', 'script'),
  flag('direct-io-safe', (disk) => {
    disk.directIoSafe = true;
  }),
  flag('discard', (disk) => {
    disk.discardEnable = true;
  }),
  flag('no-discard', (disk) => {
    disk.discardEnable = false;
  }),
  flag('colo', (disk) => {
    disk.coloEnable = true;
  }),
  flag('no-colo', (disk) => {
    disk.coloEnable = false;
  }),
  namedString('colo-host', 'coloHost'),
  named('colo-port', setColoPort),
  namedString('colo-export', 'coloExport'),
  namedString('active-disk', 'activeDisk'),
  namedString('hidden-disk', 'hiddenDisk'),
  {
    // Takes the rest of the spec, commas included.
    pattern: /target=[^\n]*/y,
    first: 't',
    act: (parse, text) => saveString(parse, 'target', 'pdevPath', text.slice('target='.length)),
  },
  {
    pattern: /[a-z][-a-z0-9]*=[^,],?/y,
    first: LETTERS,
    act: (parse, _text, token) => diskErr(parse, 'unknown parameter', token),
  },
  prefix('raw|qcow2?|vhd', setFormat),
  prefix('iscsi|nbd|enbd|drbd', (parse, name) => saveString(parse, 'script', 'script', `block-${name}`)),
  prefix('tapdisk|tap2?|aio|ioemu|file|phy', () => undefined),
  {
    pattern: /[a-z][a-z0-9]*:(?![a-z0-9])/y,
    first: LETTERS,
    ahead: true,
    act: (parse, text) => {
      diskErr(parse, 'unknown deprecated disk prefix', text);
      parse.stopped = true;
    },
  },
  { pattern: null, act: positional },
];

/** The rules for each byte a text can begin with, and for all others. */
const RULES_BY_FIRST: ReadonlyMap<string, readonly Rule[]> = new Map(
  [...LETTERS, ' ', '\t', '\n', ''].map((byte) => [
    byte,
    RULES.filter(({ first }) => first === undefined || (byte !== '' && first.includes(byte))),
  ]),
);
const RULES_BY_DEFAULT = RULES_BY_FIRST.get('') ?? RULES;

/** The end of the line that `from` is on. */
function lineEnd(parse: DiskParse, from: number): number {
  if (parse.lineEnd < from) {
    const newline = parse.spec.indexOf('\n', from);
    parse.lineEnd = newline < 0 ? parse.spec.length : newline;
  }
  return parse.lineEnd;
}

const FIELD_ENDS = /[=,]/g;

/** Where the next comma or equals sign from `at` on is. */
function fieldEnd(parse: DiskParse, at: number): number {
  if (parse.fieldEnd < at) {
    FIELD_ENDS.lastIndex = at;
    parse.fieldEnd = FIELD_ENDS.exec(parse.spec)?.index ?? parse.spec.length;
  }
  return parse.fieldEnd;
}

/** How many bytes a rule consumes at `at`; 0 when it does not match. */
function matched(parse: DiskParse, { pattern }: Rule, at: number): number {
  if (pattern === null) {
    const end = fieldEnd(parse, at);
    return parse.spec[end] === ',' ? end + 1 - at : end - at;
  }
  pattern.lastIndex = at;
  return pattern.exec(parse.spec)?.[0].length ?? 0;
}

/** Applies the rule that matches most at `at`; the offset to go on from, or null to stop. */
function scan(parse: DiskParse, at: number): number | null {
  let best: { readonly rule: Rule; readonly consumed: number; readonly length: number } | null = null;
  for (const rule of RULES_BY_FIRST.get(parse.spec[at] ?? '') ?? RULES_BY_DEFAULT) {
    const consumed = matched(parse, rule, at);
    if (consumed === 0) continue;
    const length = rule.ahead === true ? lineEnd(parse, at + consumed) - at : consumed;
    if (best === null || length > best.length) best = { rule, consumed, length };
  }
  if (best === null) {
    const rest = parse.spec.slice(at);
    // A last byte that starts nothing matches no error rule either.
    if (rest.length > 1) diskErr(parse, 'bad disk syntax', rest);
    return null;
  }
  const { rule, consumed } = best;
  const token = parse.spec.slice(at, at + consumed);
  rule.act(parse, token.endsWith(',') ? token.slice(0, -1) : token, token);
  return parse.stopped ? null : at + consumed;
}

/** Reads one spec. `source` is the config's name in messages. Models xlu_disk_parse(). */
export function xluDiskParse(source: string, spec: string): ParsedDisk {
  const disk: Disk = { ...init(diskType), readwrite: 1 };
  const parse: DiskParse = {
    source,
    spec,
    disk,
    errors: [],
    hadDeprPrefix: false,
    accessSet: false,
    stopped: false,
    lineEnd: -1,
    fieldEnd: -1,
  };
  let at: number | null = 0;
  while (at !== null && at < spec.length) at = scan(parse, at);
  if (parse.errors.length > 0) return parse;
  if (disk.format === 'unknown') disk.format = 'raw';
  if (disk.isCdrom !== 0) {
    disk.removable = 1;
    disk.readwrite = 0;
    if (disk.pdevPath === null || disk.pdevPath === '') disk.format = 'empty';
  }
  if (disk.vdev === null) diskErr(parse, 'no vdev specified', null);
  else if (disk.pdevPath === null && disk.removable === 0) {
    diskErr(parse, 'no target specified (and device not removable)', null);
  }
  return parse;
}
