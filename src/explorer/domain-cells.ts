/** What stands in the cells of domains: by class as words (domain-forms.ts), exactly as records. */
import { domainInfo } from '../hypervisor/domain-info.ts';
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import {
  type DomainCell,
  type DomainSeen,
  infoNumber,
  infoOfForm,
  recordsOfForm,
  seenInForm,
  seenOfRecords,
} from './domain-forms.ts';
import { type Cells, standing } from './world-cells.ts';

/** A domain that stands in its cell; by class in records that are no host's. */
export const domainIn = (
  { ownership, domains, domainForms }: Cells,
  domid: number,
  form: number,
): DomainCell =>
  ownership === 'class' ? recordsOfForm(domainForms, domid, form) : standing(domains.get(domid)!, form);

/** A number for what Xen tells of it: mostly the same where that is the same. */
export const toldNumber = ({ ownership, domainForms }: Cells, domid: number, form: number): number =>
  ownership === 'class' ? infoNumber(domainForms, domid, form) : form;

/** What Xen tells of it. */
export function domainTold(
  { ownership, domains, domainForms }: Cells,
  domid: number,
  form: number,
): GetDomainInfo {
  if (ownership === 'class') return infoOfForm(domainForms, domid, form);
  const { record, heap } = standing(domains.get(domid)!, form);
  return domainInfo(record, heap);
}

/** What is asked of it. */
export const domainSeen = (
  { ownership, domains, domainForms }: Cells,
  domid: number,
  form: number,
): DomainSeen =>
  ownership === 'class'
    ? seenInForm(domainForms, domid, form)
    : seenOfRecords(standing(domains.get(domid)!, form));
