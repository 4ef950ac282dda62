/** What Xen printed: the console ring that `xl dmesg` reads. Models conring, xen/drivers/char/console.c. */

/** The ring's default size in bytes. Xen: _CONRING_SIZE. */
const CONRING_SIZE = 16384;

/** Adds `text`, one or more whole lines, each with Xen's prefix; the oldest text falls out. Xen: printk(). */
export function printk(ring: string, text: string): string {
  const lines = text
    .split('\n')
    .map((line) => `(XEN) ${line}\n`)
    .join('');
  return (ring + lines).slice(-CONRING_SIZE);
}
