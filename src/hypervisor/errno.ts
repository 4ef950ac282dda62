/** Xen's errno values (xen/include/public/errno.h) and the C library's text for each, as xl prints them. */

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EIO = 5;
export const E2BIG = 7;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EXDEV = 18;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENOTTY = 25;
export const ENOSPC = 28;
export const ERANGE = 34;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const EOVERFLOW = 75;
export const EOPNOTSUPP = 95;
export const EADDRNOTAVAIL = 99;
export const EHOSTUNREACH = 113;

const TEXT: Readonly<Record<number, string>> = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  3: 'No such process',
  5: 'Input/output error',
  7: 'Argument list too long',
  11: 'Resource temporarily unavailable',
  12: 'Cannot allocate memory',
  13: 'Permission denied',
  14: 'Bad address',
  16: 'Device or resource busy',
  17: 'File exists',
  18: 'Invalid cross-device link',
  19: 'No such device',
  20: 'Not a directory',
  21: 'Is a directory',
  22: 'Invalid argument',
  25: 'Inappropriate ioctl for device',
  27: 'File too large',
  28: 'No space left on device',
  31: 'Too many links',
  34: 'Numerical result out of range',
  38: 'Function not implemented',
  39: 'Directory not empty',
  75: 'Value too large for defined data type',
  95: 'Operation not supported',
  99: 'Cannot assign requested address',
  113: 'No route to host',
};

/** The C library's text for an errno (not negated). Models strerror(3) in the C locale. */
export const strerror = (errno: number): string => TEXT[errno] ?? `Unknown error ${errno}`;
