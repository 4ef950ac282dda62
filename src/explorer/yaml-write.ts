/** Plain data as YAML that shows what is in it: no character of a name or a text acts on a screen. */
import { Document, isMap, isSeq, Scalar, visit } from 'yaml';

/** Not seen as they are, or acting on what stands beside them. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
/** Those of them that YAML leaves as they are between double quotes. */
const LEFT_RAW = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu;
/** What readers of YAML 1.1 take for true or false. */
const TAKEN_FOR_BOOLEAN = /^(y|n|yes|no|on|off)$/i;
const COLUMNS = 110;

/** The text of `data`. Lists under a key of `inLines` have a line for each of their mappings. */
export function yamlText(data: unknown, inLines: readonly string[]): string {
  const doc = new Document(data, { aliasDuplicateObjects: false });
  visit(doc, {
    Scalar: (_at, node) => {
      if (typeof node.value !== 'string') return;
      const isUnseen = UNSEEN.test(node.value.replaceAll('\n', ''));
      if (isUnseen || TAKEN_FOR_BOOLEAN.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
      else if (node.value.includes('\n')) node.type = Scalar.BLOCK_LITERAL;
    },
    Pair: (_at, { key, value }) => {
      const name = key instanceof Scalar ? key.value : key;
      if (!inLines.includes(String(name)) || !isSeq(value)) return;
      for (const item of value.items) if (isMap(item)) item.flow = true;
    },
  });
  return doc.toString({ lineWidth: COLUMNS }).replace(LEFT_RAW, escaped);
}

function escaped(char: string): string {
  const code = char.codePointAt(0)!;
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
