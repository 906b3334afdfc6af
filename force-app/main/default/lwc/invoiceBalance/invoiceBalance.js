import { LightningElement, api } from 'lwc';
import customer from '@salesforce/label/c.Quittance_Customer';
import balance from '@salesforce/label/c.Quittance_Balance';
import payableNow from '@salesforce/label/c.Quittance_Payable_Now';
import due from '@salesforce/label/c.Quittance_Due';

/** Who owes how much on an invoice, and by when where that is known. */
export default class InvoiceBalance extends LightningElement {
    label = { customer, balance, payableNow, due };

    /** What a controller read of the invoice: customerName, balance, payable, currencyCode, dueDate. */
    @api offer;

    get isPartInFlight() {
        return this.offer.payable !== this.offer.balance;
    }
}
