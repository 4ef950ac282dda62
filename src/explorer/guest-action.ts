/** What a guest may do of its own accord, as a scenario writes it: `web balloon-to 1G`. */
import { parsePages, sizeForm } from './amount.ts';
import { didYouMean } from './did-you-mean.ts';

export type GuestAction =
  /** The guest's own balloon, as if an agent in it wrote the driver's target. */
  | { readonly do: 'balloon-to'; readonly pages: number }
  /** Writes to its first pages, so that populate-on-demand entries get memory. */
  | { readonly do: 'touch'; readonly pages: number; readonly fromPages: number }
  | { readonly do: 'shutdown' | 'reboot' | 'crash' };

const VERBS = ['balloon-to', 'touch', 'shutdown', 'reboot', 'crash'];

export type ParsedGuestAction =
  | { readonly ok: true; readonly guest: string; readonly action: GuestAction }
  | { readonly ok: false; readonly message: string };

/** Reads `NAME balloon-to SIZE`, `NAME touch SIZE [from SIZE]`, `NAME shutdown|reboot|crash`. */
export function parseGuestAction(text: string): ParsedGuestAction {
  const [guest, verb, ...rest] = text.trim().split(/\s+/);
  const refused = (message: string): ParsedGuestAction => ({ ok: false, message });
  if (guest === undefined || guest === '' || verb === undefined) {
    return refused(`a guest action reads NAME ${VERBS.join('|')} …; it is "${text}"`);
  }
  switch (verb) {
    case 'balloon-to': {
      const pages = rest.length === 1 ? parsePages(rest[0]!) : null;
      if (pages === null) return refused(`balloon-to takes ${sizeForm(rest.join(' '))}`);
      return { ok: true, guest, action: { do: 'balloon-to', pages } };
    }
    case 'touch': {
      const pages = parsePages(rest[0] ?? '');
      const fromPages = rest.length === 3 && rest[1] === 'from' ? parsePages(rest[2]!) : 0;
      if (pages === null || fromPages === null || (rest.length !== 1 && rest.length !== 3)) {
        return refused(
          `touch takes ${sizeForm(pages === null ? (rest[0] ?? '') : (rest[2] ?? ''))}, and may go on with "from" and where to begin: touch 1G from 512M`,
        );
      }
      return { ok: true, guest, action: { do: 'touch', pages, fromPages } };
    }
    case 'shutdown':
    case 'reboot':
    case 'crash':
      if (rest.length > 0) return refused(`${verb} takes nothing after it`);
      return { ok: true, guest, action: { do: verb } };
    default: {
      const meant = didYouMean(verb, VERBS);
      const hint = meant === null ? `known are ${VERBS.join(', ')}` : `did you mean "${meant}"?`;
      return refused(`a guest cannot "${verb}": ${hint}`);
    }
  }
}
