/** Regular expressions that a scenario gives. */

/** Lines are looked at one by one (`^`, `$`); null: it is none. */
export function readRegex(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'm');
  } catch {
    return null;
  }
}
