/**
 * Units of memory as branded numbers, and the only places where one becomes another.
 *
 * Every quantity is an exact integer below 2^53; the names say which way a conversion rounds.
 */

/** A count of 4 KiB pages. */
export type Pages = number & { readonly __unit: 'pages' };
/** A machine frame number: which 4 KiB page of the host. */
export type Mfn = number & { readonly __unit: 'mfn' };
/** A guest frame number: which 4 KiB page of a guest's physical address space. */
export type Gfn = number & { readonly __unit: 'gfn' };
export type Bytes = number & { readonly __unit: 'bytes' };
export type KiB = number & { readonly __unit: 'KiB' };
export type MiB = number & { readonly __unit: 'MiB' };
/** Virtual time in nanoseconds since the host booted. */
export type Ns = number & { readonly __unit: 'ns' };
/** A domain id, 0 … 0x7fef for real domains. */
export type DomId = number & { readonly __unit: 'domid' };
/** A NUMA node id, 0 … 63. */
export type NodeId = number & { readonly __unit: 'node' };
/** log2 of a number of pages. Xen: order. */
export type Order = number & { readonly __unit: 'order' };

export const PAGE_SIZE = 4096;
/** The largest buddy, 1 GiB. Xen: MAX_ORDER. */
export const MAX_ORDER = 18;
export const MAX_NUMNODES = 64;

export const pages = (n: number): Pages => n as Pages;
export const mfn = (n: number): Mfn => n as Mfn;
export const gfn = (n: number): Gfn => n as Gfn;
export const bytes = (n: number): Bytes => n as Bytes;
export const kib = (n: number): KiB => n as KiB;
const mib = (n: number): MiB => n as MiB;
export const ns = (n: number): Ns => n as Ns;
export const domId = (n: number): DomId => n as DomId;
export const nodeId = (n: number): NodeId => n as NodeId;
export const order = (n: number): Order => n as Order;

export const pagesToKib = (n: Pages): KiB => kib(n * 4);
export const pagesToBytes = (n: Pages): Bytes => bytes(n * PAGE_SIZE);
export const kibToPagesFloor = (n: KiB): Pages => pages(Math.floor(n / 4));
export const kibToMibFloor = (n: KiB): MiB => mib(Math.floor(n / 1024));
export const pagesOfOrder = (o: Order): Pages => pages(2 ** o);
/** Pages of a block of an order up to MAX_ORDER, a million times a second: the shift loses no bit there, a power takes ten times as long. */
export const sizeOfOrder = (o: number): number => 1 << o;
