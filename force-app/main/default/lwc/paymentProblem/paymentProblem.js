import { LightningElement, api } from 'lwc';
import title from '@salesforce/label/c.Quittance_Problem_Title';
import tryAgain from '@salesforce/label/c.Quittance_Try_Again';
import unknown from '@salesforce/label/c.Quittance_Problem_Unknown';
import offline from '@salesforce/label/c.Quittance_Offline';

/** Says in a sentence what went wrong, whatever form the fault came in. Fires `retry` where trying again can help. */
export default class PaymentProblem extends LightningElement {
    /** A sentence, or what a call to Apex threw. */
    @api reason;
    /** Hides the button where trying again would do the same. */
    @api hideRetry = false;

    label = { title, tryAgain };

    get sentence() {
        if (typeof this.reason === 'string') {
            return this.reason;
        }
        const body = this.reason?.body;
        if (!body && navigator.onLine === false) {
            return offline;
        }
        return body?.message || body?.[0]?.message || unknown;
    }

    get canRetry() {
        return !this.hideRetry;
    }

    retry() {
        this.dispatchEvent(new CustomEvent('retry'));
    }
}
