/** Measuring: the median of repeats, and the resident memory of this process. */

/** The middle one of an odd number of values. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Says so in words if a figure is above its target. */
export function missed(print: (line: string) => void, value: number, target: number, unit: string): void {
  if (value > target)
    print(`    target missed: ${value.toFixed(1)} ${unit}, where ${target} ${unit} are allowed`);
}

/** Runs `work` `repeats` times and returns the median in milliseconds. */
export function medianMs(repeats: number, work: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = process.hrtime.bigint();
    work();
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return median(times);
}

/** Resident memory of the process in MiB, after a collection where node was started with --expose-gc. */
export function residentMib(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
}

export const cell = (text: string | number, width: number): string => String(text).padStart(width);
export const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
