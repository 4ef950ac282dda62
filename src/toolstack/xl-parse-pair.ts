/** `key=value` as channels and vnuma write it. Models split_string_into_pair() and trim(), tools/xl/xl_parse.c. */

const BLANKS = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;

/** Text without blanks of any kind at either end. Models trim(). */
const trim = (text: string): string => text.replace(BLANKS, '');

/**
 * The first two non-empty pieces between `delimiter`, as they are; null when there are fewer. What follows a second
 * delimiter is dropped. Models split_string_into_pair().
 */
export function splitAt(
  text: string,
  delimiter: '=' | ':',
): { readonly key: string; readonly value: string } | null {
  const pieces = text.matchAll(delimiter === '=' ? /[^=]+/g : /[^:]+/g);
  const key = pieces.next().value?.[0];
  const value = pieces.next().value?.[0];
  return key === undefined || value === undefined ? null : { key, value };
}

/** `key=value`, both trimmed. */
export function splitPair(text: string): { readonly key: string; readonly value: string } | null {
  const pair = splitAt(text, '=');
  return pair === null ? null : { key: trim(pair.key), value: trim(pair.value) };
}
