import { LightningElement, api } from 'lwc';
import links from '@salesforce/label/c.Quittance_Links';
import noLinks from '@salesforce/label/c.Quittance_No_Links';
import copiedLink from '@salesforce/label/c.Quittance_Copied_Link';
import until from '@salesforce/label/c.Quittance_Link_Until';
import resend from '@salesforce/label/c.Quittance_Resend';
import revoke from '@salesforce/label/c.Quittance_Revoke';

/** The payment links of an invoice. Fires `resend` with an address and `revoke` with a link's record id. */
export default class PaymentLinkRows extends LightningElement {
    /** As Apex hands them over, newest first. */
    @api links = [];
    /** Whether the user may do anything about them. */
    @api mayAct = false;
    /** Whether the invoice can be paid, so that a link may be sent. */
    @api canSend = false;
    /** While something is under way nothing else is offered. */
    @api isBusy = false;

    label = { links, noLinks, until, resend, revoke };

    get isEmpty() {
        return this.links.length === 0;
    }

    get rows() {
        return this.links.map((link) => ({
            ...link,
            text: link.sentTo || copiedLink,
            hasEnd: link.state === 'Open' && Boolean(link.expiresAt),
            canRevoke: this.mayAct && link.state === 'Open',
            canResend: this.mayAct && this.canSend && Boolean(link.sentTo) && link.state !== 'Replaced'
        }));
    }

    resend(event) {
        this.dispatchEvent(new CustomEvent('resend', { detail: { sentTo: event.target.dataset.to } }));
    }

    revoke(event) {
        this.dispatchEvent(new CustomEvent('revoke', { detail: { linkId: event.target.dataset.link } }));
    }
}
