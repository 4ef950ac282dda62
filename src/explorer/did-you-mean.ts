/** The known word that somebody probably meant. */

/** Edits between two words (insert, delete, replace, swap of neighbours). Models nothing of Xen's: Damerau's distance. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, before[j - 2]! + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The nearest of `known` within a third of the word's length, or null. Ties go to the first. */
export function didYouMean(word: string, known: readonly string[]): string | null {
  // Longer words than any known one cannot be a slip of it, and would only cost time.
  const wanted = word.slice(0, 64).toLowerCase().replaceAll('-', '_');
  let best: string | null = null;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase().replaceAll('-', '_'));
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}
