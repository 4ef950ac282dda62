/** Text between scenario files (Unicode) and the toolstack (one char per byte of UTF-8). */

const isAscii = (text: string): boolean => /^\p{ASCII}*$/u.test(text);

/** Unicode as the toolstack keeps it. */
export const utf8Bytes = (text: string): string =>
  isAscii(text)
    ? text
    : encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
        /%([0-9A-F]{2})/g,
        (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
      );

/** The toolstack's bytes as Unicode; bytes that are not UTF-8 stay what they are, one char each. */
export function utf8Text(text: string): string {
  if (isAscii(text)) return text;
  try {
    return decodeURIComponent(
      text.replace(/[%\u0080-\u00ff]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    );
  } catch {
    return text;
  }
}
