import { LightningElement, api } from 'lwc';
import service from '@salesforce/label/c.Quittance_Service';
import never from '@salesforce/label/c.Quittance_Service_Never';
import silent from '@salesforce/label/c.Quittance_Service_Silent';
import connected from '@salesforce/label/c.Quittance_Service_Connected';
import version from '@salesforce/label/c.Quittance_Version';
import started from '@salesforce/label/c.Quittance_Started';
import seen from '@salesforce/label/c.Quittance_Seen';
import lastEvent from '@salesforce/label/c.Quittance_Last_Event';
import deliveries from '@salesforce/label/c.Quittance_Deliveries_Used';
import calls from '@salesforce/label/c.Quittance_Calls_Used';
import usedOf from '@salesforce/label/c.Quittance_Used_Of';
import notKnown from '@salesforce/label/c.Quittance_Not_Known';

const SENTENCES = { Never: never, Silent: silent, Connected: connected };

/** The payment service's last sign of life and what is left of the day's allocations. */
export default class ServiceHealth extends LightningElement {
    /** As Apex hands it over. */
    @api health;

    label = { service, version, started, seen, lastEvent, deliveries, calls, notKnown };

    get isKnown() {
        return this.health.service !== 'Never';
    }

    get isConnected() {
        return this.health.service === 'Connected';
    }

    get sentence() {
        return SENTENCES[this.health.service];
    }

    get icon() {
        return this.isConnected ? 'utility:success' : 'utility:warning';
    }

    get iconVariant() {
        return this.isConnected ? 'success' : 'warning';
    }

    get deliveries() {
        return this.share(this.health.deliveriesUsed, this.health.deliveriesLimit);
    }

    get calls() {
        return this.share(this.health.callsUsed, this.health.callsLimit);
    }

    share(used, limit) {
        if (used === undefined || !limit) {
            return notKnown;
        }
        const number = new Intl.NumberFormat();
        return usedOf.replace('{0}', number.format(used)).replace('{1}', number.format(limit));
    }
}
