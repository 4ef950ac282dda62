/** Sound cards. Models parse_vsnd_config() and its helpers, tools/xl/xl_parse.c. */
import type { DomainConfigDraft } from './domain-config.ts';
import { init } from './libxl-idl.ts';
import {
  VSND_PCM_FORMATS,
  VSND_STREAM_TYPES,
  vsndPcmType,
  vsndStreamType,
  vsndType,
} from './libxl-types-device.ts';
import { asUint32, strtoul } from './strtol.ts';
import { commaTokens, entriesOf, piecesOf } from './xl-parse-lists.ts';
import { die, enumFromString, keyValue, type ParseState, readList, say } from './xl-parse-state.ts';
import { elementAsList } from './xlu-cfg.ts';

type Vsnd = DomainConfigDraft['vsnds'][number];
type Pcm = Vsnd['pcms'][number];
type Stream = Pcm['streams'][number];
type Params = Vsnd['params'];

const unsigned = (text: string): number => asUint32(strtoul(text, 0).value);

/** Parameters that cards, PCMs and streams share; false when `key` is none. Models parse_vsnd_params(). */
function setParam(state: ParseState, params: Params, key: string, value: string): boolean {
  switch (key) {
    case 'sample-rates':
      params.sampleRates = piecesOf(state, value, ';').map(unsigned);
      return true;
    case 'sample-formats':
      params.sampleFormats = piecesOf(state, value, ';').map(
        (name) => enumFromString(VSND_PCM_FORMATS, name) ?? die(state, `Invalid pcm format: ${name}`),
      );
      return true;
    case 'channels-min':
      params.channelsMin = unsigned(value);
      return true;
    case 'channels-max':
      params.channelsMax = unsigned(value);
      return true;
    case 'buffer-size':
      params.bufferSize = unsigned(value);
      return true;
    default:
      return false;
  }
}

function setCardOption(card: Vsnd, key: string, value: string): boolean {
  if (key === 'backend') card.backendDomname = value;
  else if (key === 'short-name') card.shortName = value;
  else if (key === 'long-name') card.longName = value;
  else return false;
  return true;
}

function setPcmOption(pcm: Pcm, key: string, value: string): boolean {
  if (key !== 'name') return false;
  pcm.name = value;
  return true;
}

function setStreamOption(state: ParseState, stream: Stream, key: string, value: string): boolean {
  if (key === 'unique-id') {
    stream.uniqueId = value;
    return true;
  }
  if (key !== 'type') return false;
  stream.type = enumFromString(VSND_STREAM_TYPES, value) ?? die(state, `Invalid stream type: ${value}`);
  return true;
}

/** Applies the options after a word to what the word names. */
function setOptions(
  state: ParseState,
  tokens: readonly string[],
  params: Params,
  own: (key: string, value: string) => boolean,
): void {
  for (const token of tokens) {
    const option = keyValue(token);
    const known =
      option !== null && (own(option.key, option.value) || setParam(state, params, option.key, option.value));
    if (!known) die(state, `Invalid parameter: ${token}`);
  }
}

/** The last of a list, added first if there is none. */
function last<T>(list: T[], add: () => T): T {
  const found = list[list.length - 1];
  if (found !== undefined) return found;
  const added = add();
  list.push(added);
  return added;
}

/** Reads one string of a card: what it speaks of, then its options. */
function parseItem(state: ParseState, card: Vsnd, text: string): void {
  const [word, ...options] = commaTokens(state, text);
  if (word === undefined) return;
  switch (word.toLowerCase()) {
    case 'card':
      setOptions(state, options, card.params, (key, value) => setCardOption(card, key, value));
      break;
    case 'pcm': {
      const pcm = init(vsndPcmType);
      card.pcms.push(pcm);
      setOptions(state, options, pcm.params, (key, value) => setPcmOption(pcm, key, value));
      break;
    }
    case 'stream': {
      const pcm = last(card.pcms, () => init(vsndPcmType));
      const stream = init(vsndStreamType);
      pcm.streams.push(stream);
      setOptions(state, options, stream.params, (key, value) => setStreamOption(state, stream, key, value));
      break;
    }
    default:
      die(state, `Invalid key: ${word}`);
  }
}

/** Reads the vsnd list: each card is a list of strings. */
export function parseVsnd(state: ParseState): void {
  const cards = readList(state, 'vsnd');
  const { vsnds } = state.config;
  if (cards === null) return;
  for (const [i, entry] of entriesOf(state, cards).entries()) {
    const items = elementAsList(state.cfg, cards, i, entry);
    if (items.value === undefined) {
      say(state, items.warning);
      die(state, 'Failed to get vsnd card list: Invalid argument');
    }
    const card = { ...init(vsndType), devid: vsnds.length };
    vsnds.push(card);
    for (const item of entriesOf(state, items.value)) {
      if (typeof item !== 'string') break;
      parseItem(state, card, item);
    }
  }
}
