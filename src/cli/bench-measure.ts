/** Measuring: the median of repeats, and the resident memory of this process. */

/** Runs `work` `repeats` times and returns the median in milliseconds. */
export function medianMs(repeats: number, work: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = process.hrtime.bigint();
    work();
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** Resident memory of the process in MiB, after a collection where node was started with --expose-gc. */
export function residentMib(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
}

export const cell = (text: string | number, width: number): string => String(text).padStart(width);
export const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
