/** A guest's settings in a scenario as the text of an xl.cfg. */
import { XL_CFG_KEYS } from '../toolstack/xl-cfg-keys.ts';
import { XL_CONF_KEYS } from '../toolstack/xl-global-config.ts';
import { parsePages, sizeForm } from './amount.ts';
import { didYouMean } from './did-you-mean.ts';
import type { GuestConfig } from './scenario.ts';
import type { Place } from './scenario-problem.ts';

/** A guest's config, and what is wrong with its settings: those are left out. */
export interface GuestText {
  readonly config: GuestConfig;
  readonly problems: readonly SettingProblem[];
}

interface SettingProblem {
  readonly key: string;
  readonly message: string;
}

/** Settings that say what a guest boots from. */
const BOOTS = ['kernel', 'bootloader', 'firmware', 'builder'];
/** Settings that are sizes in MiB. */
const IN_MIB: readonly string[] = ['memory', 'maxmem', 'shadow_memory', 'videoram'];
const KEY = /^[a-z][._0-9a-z]*$/;

/**
 * The config of guest `name`. Its name is set unless a setting or a config file of its own does it; a text is taken as
 * it is.
 */
export function guestCfg(
  name: string,
  settings: string | Readonly<Record<string, unknown>>,
  place: Place,
): GuestText {
  if (typeof settings === 'string') return { config: { ...place, cfg: null, text: settings }, problems: [] };
  const problems: SettingProblem[] = [];
  const lines: string[] = [];
  const cfg = typeof settings.cfg === 'string' ? settings.cfg : null;
  if (!('name' in settings) && cfg === null) lines.push(`name = ${quoted(name)}`);
  // Kernels are named, never opened: a PV or PVH guest that names nothing to boot from gets one.
  if (cfg === null && settings.type !== 'hvm' && !BOOTS.some((key) => key in settings)) {
    lines.push('kernel = "/boot/vmlinuz"');
  }
  for (const [key, value] of Object.entries(settings)) {
    if (key === 'cfg') continue;
    const text = literal(value);
    const message = settingProblem(key, value, text);
    if (message === null) lines.push(`${key} = ${text}`);
    else problems.push({ key, message });
  }
  const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  return { config: { ...place, cfg, text }, problems };
}

function settingProblem(key: string, value: unknown, text: string | null): string | null {
  if (!KEY.test(key)) return `"${key}" cannot be a key of an xl.cfg: those are a-z, 0-9, "." and "_"`;
  // xl would let it pass without a word, and the guest would not be what was meant.
  const meant = XL_CFG_KEYS.includes(key) ? null : didYouMean(key, XL_CFG_KEYS);
  if (meant !== null) return `xl reads no key "${key}": did you mean "${meant}"?`;
  const large = typeof value === 'number' || IN_MIB.includes(key) ? largeProblem(key, value) : null;
  if (large !== null) return large;
  // xl would warn of it and take its default.
  const size = IN_MIB.includes(key) && typeof value === 'string' ? parsePages(value) : null;
  if (size !== null && !/^\d+$/.test(String(value)))
    return `an xl.cfg has MiB without a unit here: ${Math.ceil(size / 256)}`;
  return text === null ? 'an xl.cfg knows text, numbers, yes/no and lists' : null;
}

/** A number above what is kept exactly; xl has its own limit not far above, warns, and takes its default. */
function largeProblem(key: string, value: unknown): string | null {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
  if (isNumber && Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER)
    return `${key} is too large: a whole number up to ${Number.MAX_SAFE_INTEGER}`;
  if (typeof value !== 'string' || parsePages(value) !== null) return null;
  const form = sizeForm(value);
  return form === sizeForm('') ? null : `${key} is ${form}, in MiB without a unit`;
}

function literal(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return quoted(value);
  if (!Array.isArray(value)) return null;
  // A list in a list holds texts only, as vnuma wants them.
  const items = value.map((item) => (typeof item === 'number' ? quoted(String(item)) : literal(item)));
  return items.includes(null) ? null : `[ ${items.join(', ')} ]`;
}

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

/** Keys of an xl.conf that xl does not read, and what was meant; a text is taken as it is. */
export function xlConfProblems(
  input: string | Readonly<Record<string, string | number>> | undefined,
): readonly SettingProblem[] {
  if (input === undefined || typeof input === 'string') return [];
  return Object.keys(input)
    .filter((key) => !XL_CONF_KEYS.includes(key))
    .map((key) => {
      const meant = didYouMean(key, XL_CONF_KEYS);
      const hint = meant === null ? `its keys are ${XL_CONF_KEYS.join(', ')}` : `did you mean "${meant}"?`;
      return { key, message: `xl.conf has no key "${key}": ${hint}` };
    });
}

/** xl.conf from keys and values; a text is taken as it is. */
export function xlConfText(input: string | Readonly<Record<string, string | number>> | undefined): string {
  if (input === undefined) return '';
  if (typeof input === 'string') return input;
  return Object.entries(input)
    .map(([key, value]) => `${key}=${typeof value === 'number' ? value : quoted(value)}\n`)
    .join('');
}
