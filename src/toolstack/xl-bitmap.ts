/**
 * The set bits among `0 … size - 1` as xl prints a cpu or node map: `all`, `none`, or runs like `0,2-5`.
 * `all` is said only of one run from 0 to the end. Models print_bitmap(), tools/xl/xl_utils.c.
 */
export function printBitmap(set: readonly number[], size: number): string {
  const bits = new Set(set);
  const runs: string[] = [];
  for (let i = 0; i < size; i++) {
    if (!bits.has(i)) continue;
    const first = i;
    while (i + 1 < size && bits.has(i + 1)) i++;
    if (first === 0 && i === size - 1) return 'all';
    runs.push(i > first ? `${first}-${i}` : `${first}`);
  }
  return runs.length === 0 ? 'none' : runs.join(',');
}
