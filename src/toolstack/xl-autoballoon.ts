/**
 * What "autoballoon auto" means on a host: on, unless Xen was booted with a fixed size for dom0.
 *
 * Models auto_autoballoon(), tools/xl/xl.c.
 */

const SIZE = '-?[0-9]+[bBkKmMgGtT]?';
const ITEM = `(min:|max:)?(${SIZE}|(${SIZE}\\+)?[0-9]{1,2}%)`;
const DOM0_MEM = new RegExp(`(^| )dom0_mem=${ITEM}(,${ITEM})*($| )`);

/** Whether dom0 gives up memory for new guests. `commandline` is Xen's own. */
export const autoAutoballoon = (commandline: string): boolean => !DOM0_MEM.test(commandline);
