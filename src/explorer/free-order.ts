/** The largest order that a fragmented heap has free, as a scenario says it. */

const SIZES: Readonly<Record<string, number>> = { '4K': 0, '2M': 9 };
/** One below the heap's largest order: that one is what there is without fragmentation. */
const MOST = 17;

/** 4K, 2M, or an order from 0 to 17; null: none of these. */
export function largestOrder(text: string | number): number | null {
  const order = SIZES[String(text).toUpperCase()] ?? (String(text).trim() === '' ? Number.NaN : Number(text));
  return Number.isInteger(order) && order >= 0 && order <= MOST ? order : null;
}
