import { LightningElement, api } from 'lwc';
import openLinks from '@salesforce/label/c.Quittance_Open_Links';
import sentToOn from '@salesforce/label/c.Quittance_Sent_To_On';
import copiedLink from '@salesforce/label/c.Quittance_Copied_Link';
import revokeLinkTo from '@salesforce/label/c.Quittance_Revoke_Link_To';
import revokeCopied from '@salesforce/label/c.Quittance_Revoke_Copied';
import replaceWarning from '@salesforce/label/c.Quittance_Replace_Warning';

/** The open links of an invoice. Fires `revoke` with the record id of the one that is to go. */
export default class OpenPaymentLinks extends LightningElement {
    /** `{ recordId, sentTo, sentAt }` each, as Apex hands them over. */
    @api links = [];

    label = { openLinks, replaceWarning };

    get hasLinks() {
        return this.links.length > 0;
    }

    get rows() {
        return this.links.map((link) => ({
            recordId: link.recordId,
            sentAt: link.sentAt,
            text: link.sentTo ? sentToOn.replace('{0}', link.sentTo) : copiedLink,
            revokeText: link.sentTo ? revokeLinkTo.replace('{0}', link.sentTo) : revokeCopied
        }));
    }

    revoke(event) {
        this.dispatchEvent(new CustomEvent('revoke', { detail: { linkId: event.target.dataset.link } }));
    }
}
