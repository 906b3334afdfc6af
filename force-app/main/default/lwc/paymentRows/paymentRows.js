import { LightningElement, api } from 'lwc';
import { NavigationMixin } from 'lightning/navigation';
import payments from '@salesforce/label/c.Quittance_Payments';
import noPayments from '@salesforce/label/c.Quittance_No_Payments';
import payment from '@salesforce/label/c.Quittance_Payment';
import amount from '@salesforce/label/c.Quittance_Amount';
import state from '@salesforce/label/c.Quittance_State';
import method from '@salesforce/label/c.Quittance_Method';
import date from '@salesforce/label/c.Quittance_Date';
import receipt from '@salesforce/label/c.Quittance_Receipt';
import receiptOpen from '@salesforce/label/c.Quittance_Receipt_Open';
import receiptComing from '@salesforce/label/c.Quittance_Receipt_Coming';

/** The payments of an invoice, each with its state and receipt. */
export default class PaymentRows extends NavigationMixin(LightningElement) {
    /** As Apex hands them over, newest first. */
    @api payments = [];

    label = { payments, noPayments, payment, amount, state, method, date, receipt };

    get isEmpty() {
        return this.payments.length === 0;
    }

    get rows() {
        return this.payments.map((one) => ({
            ...one,
            receiptText: one.receiptNumber && receiptOpen.replace('{0}', one.receiptNumber),
            receiptComing: one.receiptNumber && !one.receiptId && receiptComing.replace('{0}', one.receiptNumber)
        }));
    }

    openPayment(event) {
        this[NavigationMixin.Navigate]({
            type: 'standard__recordPage',
            attributes: { recordId: event.target.dataset.id, objectApiName: 'Payment__c', actionName: 'view' }
        });
    }

    openReceipt(event) {
        this[NavigationMixin.Navigate]({
            type: 'standard__namedPage',
            attributes: { pageName: 'filePreview' },
            state: { selectedRecordId: event.target.dataset.id }
        });
    }
}
