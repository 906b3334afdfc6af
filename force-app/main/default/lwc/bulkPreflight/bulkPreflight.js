import { LightningElement, api } from 'lwc';
import ready from '@salesforce/label/c.Quittance_Bulk_Ready';
import notReady from '@salesforce/label/c.Quittance_Bulk_Not_Ready';
import shown from '@salesforce/label/c.Quittance_Bulk_Shown';
import invoice from '@salesforce/label/c.Quittance_Bulk_Invoice';
import customer from '@salesforce/label/c.Quittance_Customer';
import email from '@salesforce/label/c.Quittance_Email';
import balance from '@salesforce/label/c.Quittance_Balance';
import due from '@salesforce/label/c.Quittance_Due';
import why from '@salesforce/label/c.Quittance_Bulk_Why';

/** More rows make a page slow; what is not shown is sent all the same, and the page says so. */
const SHOWN_ROWS = 50;

/** Which invoices can be sent, and why the others can't. Fires `choose` with the ids of those that are to be sent. */
export default class BulkPreflight extends LightningElement {
    label = { invoice, customer, email, balance, due, why };
    _candidates = [];
    _left = new Set();

    /** As Apex hands them over. */
    @api
    get candidates() {
        return this._candidates;
    }
    set candidates(value) {
        this._candidates = value;
        this._left = new Set();
    }

    get sendable() {
        return this._candidates.filter((one) => !one.problem);
    }

    get refused() {
        return this._candidates.filter((one) => one.problem);
    }

    get hasSendable() {
        return this.sendable.length > 0;
    }

    get hasRefused() {
        return this.refused.length > 0;
    }

    get readyText() {
        return ready.replace('{0}', this.sendable.length);
    }

    get notReadyText() {
        return notReady.replace('{0}', this.refused.length);
    }

    get sendableRows() {
        return this.sendable.slice(0, SHOWN_ROWS).map((one) => ({ ...one, isChosen: !this._left.has(one.invoiceId) }));
    }

    get refusedRows() {
        return this.refused.slice(0, SHOWN_ROWS);
    }

    get shownText() {
        return this.shownOf(this.sendable.length);
    }

    get shownRefusedText() {
        return this.refused.length > SHOWN_ROWS ? String(SHOWN_ROWS) + ' / ' + this.refused.length : undefined;
    }

    shownOf(all) {
        return all > SHOWN_ROWS ? shown.replace('{0}', SHOWN_ROWS).replace('{1}', all) : undefined;
    }

    turn(event) {
        const { id } = event.target.dataset;
        const left = new Set(this._left);
        if (event.detail.checked) {
            left.delete(id);
        } else {
            left.add(id);
        }
        this._left = left;
        const chosen = this.sendable.map((one) => one.invoiceId).filter((one) => !left.has(one));
        this.dispatchEvent(new CustomEvent('choose', { detail: { chosen } }));
    }
}
