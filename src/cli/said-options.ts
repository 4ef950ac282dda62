/** Options as the command line named them: which were given, and those that a line needs to do the same again. */
import type { Command } from 'commander';

/** Long names without dashes, with their values; true: the option takes none. */
export type OptionValues = Readonly<Record<string, string | true>>;

/** Of a command's options, by their long names: those that were given, be it with what would hold anyway. */
export const saidOptions = (command: Command): string[] =>
  command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map((option) => option.name());

/**
 * Every option that was given and is not the default; but those in `own`, which say where results go, how fast, or which
 * part of them. Those that may be repeated are among these.
 */
export function optionsAgain(command: Command, own: readonly string[]): OptionValues {
  const values: Record<string, string | true> = {};
  const said = saidOptions(command);
  for (const option of command.options) {
    const name = option.name();
    const value: unknown = command.getOptionValue(option.attributeName());
    if (!said.includes(name) || own.includes(name) || value === option.defaultValue) continue;
    if (typeof value === 'string' || value === true) values[name] = value;
  }
  return values;
}

/** The same as words of a command line. */
export const optionWords = (values: OptionValues): string[] =>
  Object.entries(values).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, value]));
