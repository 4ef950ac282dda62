/** libxl's ERROR_* numbers. Xen: tools/libs/light/libxl_types.idl, libxl_error. */

export const ERROR_FAIL = -3;
export const ERROR_NOMEM = -5;
export const ERROR_INVAL = -6;
export const ERROR_TIMEDOUT = -9;
export const ERROR_NOPARAVIRT = -10;
export const ERROR_LOCK_FAIL = -15;
export const ERROR_DOMAIN_NOTFOUND = -21;
